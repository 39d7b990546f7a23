"""`Match` and `Runner`: the contract of an engine, and helpers of the fast ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from experts.ftrl import FTRL, Anytime, Fixed, Horizon
from experts.simulation.units import Units
from experts.types import Array

STEADY = (Fixed, Horizon, Anytime)
"""Rates whose scale is a function of `clock.rounds` and `clock.unit` alone."""


@dataclass(frozen=True, slots=True)
class Match:
    """A learner against a source of losses: what an engine plays. B problems in a flat batch."""

    learner: Any
    shape: tuple[int, ...]
    """(S, ..., K), with B = S * ..."""
    adaptive: bool
    bandit: bool
    course: Callable[[Any], Array]
    uniforms: Callable[[int], Array]
    """the next n rounds' uniforms for bandit feedback: (n, B); for a `Policy` (n, B, K), for a
    `ContextualPolicy` (n, B, K + 1)"""
    units: Units
    """from the course's numbers to the losses of the learner"""
    context_shape: tuple[int, ...] | None = None
    """of what a `ContextualPolicy` is shown before each round of a seed"""
    sleeping: bool = False
    """whether a learner is shown who is awake"""
    pairs: bool = False
    """whether the course gives pairs: what is shown, and the losses"""
    delays: Array | None = None
    """int (T,): how many rounds later each round's loss arrives; None: at once"""
    switches: int | None = None
    """most switches of the sequences that the player is compared with; None: it is not"""


class Runner(Protocol):
    """A match in progress: every call plays some more rounds."""

    def __call__(self, losses: Array | None, uniforms: Array | None, count: int) -> None:
        """Play `count` rounds: losses (n, S, ..., K), None if adaptive; `Match.uniforms`."""


def scales(learner: FTRL, clock: Any, first: int, count: int) -> Array:
    """1 / eta of rounds first + 1 ... first + count, (count or 1, B), for a `STEADY` rate.

    One call of the rate with all the rounds as its batch; 1 row where it is constant.
    """
    if not isinstance(learner.rate, Anytime):
        return clock.scale.reshape(1, -1)
    before = np.arange(first, first + count, dtype=np.float64)[:, None] - 1.0
    unit = clock.unit.reshape(1, -1)
    later = learner.rate.update(clock._replace(rounds=before, unit=unit), unit)
    return np.asarray(later.scale)


def prices(learner: FTRL, state: Any) -> Array:
    """R(e_k) of every problem, (S, ..., K)."""
    one = np.ones_like(state.gap)
    charge = learner.regularizer.charge(state.loss, one, state.alive, state.dual)
    return np.broadcast_to(np.asarray(charge), state.loss.shape)
