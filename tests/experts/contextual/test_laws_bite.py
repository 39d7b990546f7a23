"""The laws of contextual policies find what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts.contextual import exp4, linucb
from experts.testing import LawError, check_learner, replay

POLICY = linucb()


class Wrapped:
    """LinUCB, for faults to be built in."""

    horizon = loss_interval = None
    reads = "features"

    def init(self, context: Any) -> Any:
        return POLICY.init(context)

    def predict(self, state: Any, context: Any, uniforms: Any) -> Any:
        return POLICY.predict(state, context, uniforms)

    def update(self, state: Any, context: Any, play: Any, feedback: Any) -> Any:
        return POLICY.update(state, context, play, feedback)


class Half(Wrapped):
    def predict(self, state: Any, context: Any, uniforms: Any) -> Any:
        return super().predict(state, context, uniforms) / 2


class Writes(Wrapped):
    def update(self, state: Any, context: Any, play: Any, feedback: Any) -> Any:
        context *= 2
        return super().update(state, context, play, feedback)


class Mixes(Wrapped):
    def predict(self, state: Any, context: Any, uniforms: Any) -> Any:
        return super().predict(
            state, context - context.mean(0) if context.ndim > 2 else context, uniforms
        )


class Reads(Wrapped):
    def predict(self, state: Any, context: Any, uniforms: Any) -> Any:
        assert float(uniforms[0, 0]) >= 0
        return super().predict(state, context, uniforms)


class Widens(Wrapped):
    def init(self, context: Any) -> Any:
        return super().init(context.astype(np.float64))


@pytest.mark.parametrize(
    ("policy", "law"),
    [
        (Half(), "contextual_plays_are_on_the_simplex"),
        (Writes(), "contextual_methods_are_pure"),
        (Mixes(), "contextual_batched_equals_looped"),
        (Reads(), "contextual_no_eager_read"),
        (Reads(), "a_contextual_policy_reads_no_values"),
        (Widens(), "contextual_dtype_is_kept-float32"),
    ],
    ids=["half", "writes", "mixes", "reads", "reads-meta", "widens"],
)
def test_a_fault_breaks_its_law(policy: Any, law: str) -> None:
    with pytest.raises(LawError, match=law):
        check_learner(policy, only=[law], examples=20)


@pytest.mark.parametrize("policy", [POLICY, exp4(0.001)], ids=["linucb", "exp4"])
def test_a_bound_that_is_too_small_breaks_its_law(policy: Any) -> None:
    case = {
        "length": 200,
        "rows": 3,
        "columns": 3,
        "seed": 0,
        "bound": lambda n, k, t: 0.01 * t**0.5,
    }
    with pytest.raises(LawError, match="mean pseudo-regret <= bound"):
        replay("mean_regret_never_exceeds_the_bound", policy, **case)


def test_what_it_was_wrapped_around_keeps_all_laws() -> None:
    report = check_learner(Wrapped(), examples=3)
    assert list(report.not_run.values()) == ["no bound= was given"]
