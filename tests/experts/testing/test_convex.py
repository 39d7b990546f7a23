"""The laws of convex learners find deliberate mistakes; each holds without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace

from experts import convex
from experts.convex import descent, domains
from experts.testing import LawError, check_learner

OGD = convex.ogd()
whole_update, whole_certificate = convex.Descent.update, convex.Descent.certificate
ball = convex.Ball.project


def understated(self: Any, state: Any, comparator: Any) -> Any:
    """40 % too small."""
    return 0.6 * whole_certificate(self, state, comparator)


def outside(self: Any, point: Any, weight: Any = None) -> Any:
    """Onto a ball that is twice too large."""
    return 2 * ball(self, point / 2, weight)


def of_the_batch(point: Any) -> Any:
    """The length of everything, not over the last axis."""
    xp = array_namespace(point)
    return 0.0 * point[..., :1] + xp.sqrt(xp.sum(point**2))


def host_read(self: Any, state: Any, play: Any, gradient: Any) -> Any:
    """Looks at a value on the host, to save work where the gradient is 0."""
    if not bool(array_namespace(play).any(gradient != 0)):
        return state
    return whole_update(self, state, play, gradient)


def in_place(self: Any, state: Any, play: Any, gradient: Any) -> Any:
    """Writes into the old state."""
    after = whole_update(self, state, play, gradient)
    state.point[...] = after.point
    return after


def its_own_point(self: Any, state: Any) -> Any:
    """The array of the state itself, into which the caller may write."""
    return state.point


def half_type(self: Any, state: Any, play: Any, gradient: Any) -> Any:
    """Points in double precision, whatever came."""
    after = whole_update(self, state, play, gradient)
    return after._replace(point=np.asarray(after.point, dtype=np.float64))


def without_the_gap(self: Any, rest: Any, point: Any, start: Any) -> Any:
    """Nothing for what the projection has left."""
    return 0.0 * rest, 0.0 * rest[..., :1]


MUTANTS = {
    "understated": (convex.Descent, "certificate", understated,
        "convex_regret_never_exceeds_the_certificate-outwards", OGD),
    "outside": (convex.Ball, "project", outside, "points_are_in_the_domain", OGD),
    "of_the_batch": (domains, "norm", of_the_batch, "a_convex_batch_equals_the_loop", OGD),
    "host_read": (convex.Descent, "update", host_read, "no_eager_read_in_convex_games", OGD),
    "in_place": (convex.Descent, "update", in_place, "convex_methods_are_pure", OGD),
    "its_own_point": (convex.Descent, "predict", its_own_point, "convex_methods_are_pure", OGD),
    "half_type": (convex.Descent, "update", half_type, "convex_dtype_is_kept-float32", OGD),
    "without_the_gap": (convex.Descent, "_left", without_the_gap,
        "convex_regret_never_exceeds_the_certificate-drawn",
        convex.online_newton_step(2.0, convex.Box())),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, mistake, law, learner = MUTANTS[name]
    assert check_learner(learner, only=[law], examples=5).held == (law,)
    monkeypatch.setattr(owner, attribute, mistake)
    if name == "without_the_gap":
        monkeypatch.setattr(descent, "_STEPS", 0)  # so that it leaves a lot
    with pytest.raises(LawError, match=law.split("-", maxsplit=1)[0]):
        check_learner(learner, only=[law], examples=100)


def test_all_laws_of_a_convex_learner() -> None:
    report = check_learner(convex.ogd(convex.Simplex()), examples=1)
    assert report.not_run == {}
    assert len(report.held) >= 12
