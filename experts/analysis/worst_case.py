"""Exact worst-case losses for two experts, by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experts.ftrl import FTRL, Weighted
from experts.numerics.arguments import whole
from experts.simulation.engines.base import STEADY
from experts.simulation.environments import Given
from experts.types import Array

_STEPS = np.asarray([-1, 1, 0])
"""Change of the difference by each option: charge the leader, the other expert, both or none."""


@dataclass(frozen=True, slots=True, eq=False)
class WorstCase:
    """The largest regret that losses in {0, 1} can cause, and losses that cause it."""

    value: float
    """the regret, over all 4**T sequences and so over all adaptive opponents too"""
    losses: Array = field(repr=False)
    """(T, 2)"""

    @property
    def environment(self) -> Given:
        """The losses, to be given to `play`."""
        return Given(self.losses, (0.0, 1.0))


def two_experts(learner: FTRL, rounds: int) -> WorstCase:
    """Worst case of a deterministic learner that depends on the difference of the losses only.

    With d = L_0 - L_1, regret = sum_t (<p_t, l_t> - (l_{t,0} + l_{t,1}) / 2) + |d_T| / 2, and p_t
    depends on t and d alone. So the value with the rounds t, ..., T to go is

        V_t(d) = max { V_{t+1}(d), p_t(d) - 1/2 + V_{t+1}(d+1), 1/2 - p_t(d) + V_{t+1}(d-1) },
        V_{T+1}(d) = |d| / 2,

    p_t(d) being the weight of expert 0; the answer is V_1(0). By symmetry d >= 0 is enough.
    Time T**2, memory T**2 / 2 bytes (T = 10**4: some seconds, 50 MB).

    Parameters
    ----------
    learner
        FTRL with full information whose rate ignores the losses: `hedge`, `anytime_hedge`, ...
    rounds
        T >= 1.

    Raises
    ------
    ValueError
        A learner for which the difference is not enough; a bad number of rounds.

    Source: the game of Cesa-Bianchi & Lugosi 2006, Chapter 2; the recursion is derived here.

    Examples
    --------
    >>> import experts
    >>> worst = two_experts(experts.hedge(horizon=100), 100)
    >>> round(worst.value / experts.bounds.hedge_tuned(2, 100), 3)
    0.943
    """
    rounds = whole("rounds", rounds)
    plain = type(getattr(learner, "estimator", None)) is Weighted
    if not (type(learner) is FTRL and isinstance(learner.rate, STEADY) and plain):
        raise ValueError(f"learner must be FTRL with a rate that ignores losses, got {learner!r}")
    if learner.horizon is not None and rounds > learner.horizon:
        raise ValueError(f"rounds = {rounds} exceeds the learner's horizon of {learner.horizon}")
    weights = _weights(learner, rounds)
    value = np.arange(rounds + 1) / 2.0
    choices = []
    for t in range(rounds, 0, -1):
        edge = weights[t - 1] - 0.5  # of the expert behind, d = 0, ..., t - 1
        back = -edge + value[np.abs(np.arange(t) - 1)]
        options = np.stack([back, edge + value[1 : t + 1], value[:t]])
        choice = np.argmax(options, axis=0)
        choices.append(choice.astype(np.int8))
        value = np.take_along_axis(options, choice[None], axis=0)[0]
    return WorstCase(float(value[0]), _path(choices[::-1]))


def _weights(learner: FTRL, rounds: int) -> list[Array]:
    """For t = 1, ..., T the weight of an expert that is behind by d = 0, ..., t - 1; (t,) each."""
    behind = np.arange(rounds, dtype=np.float64)
    state: Any = learner.init(np.zeros((rounds, 2)))
    state = state._replace(loss=np.stack([behind, np.zeros(rounds)], axis=-1))
    steady, found = None, []
    for t in range(1, rounds + 1):
        scale = state.clock.scale
        if steady is None or np.any(scale != steady):
            weights, steady = learner.predict(state)[:, 0], scale
        found.append(weights[:t])
        clock = learner.rate.update(state.clock, state.gap)
        state = state._replace(clock=clock)
    return found


def _path(choices: list[Array]) -> Array:
    """The worst losses (T, 2), starting at difference 0; expert 0 is the first to lose."""
    losses = np.zeros((len(choices), 2))
    difference = 0
    for row, choice in zip(losses, choices, strict=True):
        step = int(_STEPS[choice[abs(difference)]])
        ahead = 1 if difference >= 0 else 0
        if step:
            row[1 - ahead if step > 0 else ahead] = 1.0
        difference += int(row[0] - row[1])
    return losses
