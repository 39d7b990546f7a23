"""Games of the policies that see a context, over many seeds at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from experts import Feedback, draw

Array = Any


class Played(NamedTuple):
    """S games of T rounds."""

    contexts: Array
    """(T, S, rows, columns)"""
    losses: Array
    """(T, S, K)"""
    means: Array
    """(T, S, K): expected losses"""
    plays: Array
    """(T, S, K)"""
    arms: Array
    """bool (T, S, K)"""
    states: list[Any]
    """after each round"""

    @property
    def regret(self) -> Array:
        """Pseudo-regret (S,) to the best arm of every round."""
        return np.sum(self.arms * self.means, axis=(0, -1)) - self.means.min(-1).sum(0)


def played(policy: Any, environment: Any, rounds: int, seeds: int, first: int = 0) -> Played:
    """Play the seeds `first`, `first` + 1, ...; unseen losses are nan for the policy."""
    generators = [np.random.default_rng((0, first + seed)) for seed in range(seeds)]
    contexts, losses, means = environment.start(generators).told(rounds)
    rng = np.random.default_rng((1, first))
    state = policy.init(contexts[0])
    plays, arms, states = [], [], []
    for context, loss in zip(contexts, losses, strict=True):
        play = policy.predict(state, context, rng.random(loss.shape))
        arm = draw(play, rng.random((seeds, 1)))
        state = policy.update(
            state, context, play, Feedback(np.where(arm, loss, np.nan), arm, play)
        )
        plays.append(play)
        arms.append(arm)
        states.append(state)
    return Played(contexts, losses, means, np.stack(plays), np.stack(arms), states)


def rarer_than(chance: float, broken: Array) -> bool:
    """Whether so many of the games could be broken, each with at most `chance` (level 0.1 %)."""
    count = int(np.sum(broken))
    tail: float = scipy.stats.binom.sf(count - 1, len(broken), chance)
    return tail > 1e-3


def mean_at_most(values: Array, bound: Array) -> bool:
    """Whether a mean could be at most the bound: a one-sided t-test at level 0.1 %."""
    error = values.std(0, ddof=1) / np.sqrt(len(values))
    return bool(np.all(values.mean(0) <= bound + 3.3 * error))
