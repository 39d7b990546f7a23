"""The exact worst case against enumeration, `play` and the a-priori bounds."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import experts
from experts import FTRL, Anytime, Euclidean, Horizon, Tsallis, Weighted, bounds
from experts.analysis.worst_case import two_experts
from experts.environments import Given

STEADY = [
    experts.hedge(0.7),
    experts.hedge(30.0),
    experts.anytime_hedge(),
    FTRL(Tsallis(), Horizon(5), Weighted()),
    FTRL(Euclidean(), Anytime(), Weighted()),
]


@pytest.mark.parametrize("learner", STEADY, ids=repr)
@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_no_sequence_of_zeros_and_ones_is_worse(learner: Any, rounds: int) -> None:
    """All 4**T sequences, as one batch of problems."""
    rows = np.asarray(list(itertools.product([0.0, 1.0], repeat=2)))
    all_of_them = np.stack(list(itertools.product(rows, repeat=rounds)), axis=1)
    trace = experts.play(learner, Given(all_of_them), engine="plain")
    worst = two_experts(learner, rounds)
    assert worst.value == pytest.approx(trace.regret[-1].max(), abs=1e-12)


@pytest.mark.parametrize("learner", [*STEADY, experts.hedge(horizon=200)], ids=repr)
def test_play_reproduces_the_value(learner: Any) -> None:
    rounds = min(200, learner.horizon or 200)
    worst = two_experts(learner, rounds)
    for engine in ("plain", "auto"):
        trace = experts.play(learner, worst.environment, engine=engine)
        assert trace.regret[-1, 0] == pytest.approx(worst.value, abs=1e-10)
        assert trace.certificate is not None
        assert worst.value <= trace.certificate[-1, 0] + 1e-10


@pytest.mark.parametrize(
    ("rounds", "ratio"), [(2, 0.7916), (10, 0.8792), (100, 0.9429), (1000, 0.97495)]
)
def test_the_bound_of_tuned_hedge_is_nearly_reached(rounds: int, ratio: float) -> None:
    worst = two_experts(experts.hedge(horizon=rounds), rounds)
    assert worst.value / bounds.hedge_tuned(2, rounds) == pytest.approx(ratio, abs=5e-5)


@pytest.mark.parametrize(
    ("learner", "rounds", "message"),
    [
        (experts.adahedge(), 5, "learner must be FTRL with a rate that ignores losses"),
        (experts.optimistic_hedge(0.5), 5, "learner must be FTRL with a rate that ignores losses"),
        (experts.squint(), 5, "learner must be FTRL with a rate that ignores losses"),
        (experts.hedge(horizon=4), 5, "rounds = 5 exceeds the learner's horizon of 4"),
        (experts.hedge(0.5), 0, "rounds must be a whole number of at least 1, got 0"),
    ],
)
def test_what_it_cannot_solve_is_refused(learner: Any, rounds: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two_experts(learner, rounds)
