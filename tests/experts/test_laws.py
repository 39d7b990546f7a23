"""Every registered learner x every law of its protocol. No branch on a name, no skip list."""

from __future__ import annotations

from typing import Any

import pytest

import experts.policies  # noqa: F401  (registers)
from experts import (
    FTRL,
    REGISTRY,
    Anytime,
    Euclidean,
    Fixed,
    Gap,
    Horizon,
    LogBarrier,
    Tsallis,
    Weighted,
    contextual,  # noqa: F401  (its policies are registered)
    convex,  # noqa: F401  (its learners are registered)
    structured,  # noqa: F401  (its learners are registered)
)
from experts.registry import Entry, registered
from experts.testing import Law, laws
from experts.types import PROTOCOLS, Learner


def made(entries: dict[str, Entry]) -> list[Any]:
    """Parameters of pytest: every entry in each of its settings."""
    return [
        pytest.param(entry.make(**example), id=f"{name}-{index}")
        for name, entry in entries.items()
        for index, example in enumerate(entry.examples)
    ]


LEARNERS = made(REGISTRY)
LEARNERS += [
    pytest.param(FTRL(regularizer, rate, Weighted()), id=f"{regularizer!r}-{rate!r}")
    for regularizer, rate in (
        (Tsallis(0.2), Gap()),
        (Tsallis(), Horizon(50)),
        (LogBarrier(), Fixed(0.5)),
        (Euclidean(), Anytime()),
        (Euclidean(), Gap()),
    )
]
every_learner = pytest.mark.parametrize("learner", LEARNERS)


def supporting(*features: str) -> pytest.MarkDecorator:
    """The learners that support all of these."""
    able = [case for case in LEARNERS if set(features) <= _learner(case).supports]
    return pytest.mark.parametrize("learner", able)


def _learner(case: Any) -> Any:
    """The learner in a pytest.param."""
    return case.values[0]


@pytest.mark.parametrize(
    ("learner", "law"),
    [
        pytest.param(_learner(case), law, id=f"{case.id}-{law.name}")
        for protocol in PROTOCOLS
        for law in laws(protocol)
        if not law.told
        for case in (LEARNERS if protocol is Learner else made(registered(protocol)))
        if not law.features or law.features <= _learner(case).supports
    ],
)
def test_a_law_holds(learner: Any, law: Law) -> None:
    assert law.why_not(learner) is None, "a library of the tests is missing"
    law(learner)
