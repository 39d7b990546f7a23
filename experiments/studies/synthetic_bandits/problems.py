"""Bandit problems with known means, and the two classical stochastic bandits, compiled.

Losses are coins: P(loss of arm k = 1 in round t) = means[t, k], fixed before the game.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Array = Any


def stochastic(rounds: int, arms: int, gap: float) -> Array:
    """Arm 0 has mean 1/2 - gap, the others 1/2, (T, K)."""
    means = np.full((rounds, arms), 0.5)
    means[:, 0] -= gap
    return means


def constrained(rounds: int, arms: int, gap: float) -> Array:
    """The gap stays, the level moves: means near 0, then near 1, in phases 1.6 times longer.

    Source: Zimmert & Seldin 2021, Section 6 (stochastically constrained adversary), with losses
    0 or 1.
    """
    lengths = np.ceil(1.6 ** np.arange(1, 2 + math.ceil(math.log(rounds) / math.log(1.6))))
    high = np.repeat(np.arange(len(lengths)) % 2, lengths.astype(int))[:rounds]
    means = np.where(high == 1, 1.0, gap)[:, None].repeat(arms, axis=1)
    means[:, 0] -= gap
    return means


def shrinking(rounds: int, arms: int, gap: float) -> Array:
    """Arm 0 is better by min(gap, sqrt(K / t) / 2): about what t rounds can just not find.

    Every round is like the game for horizon t of Auer et al. 2002, Theorem 5.1, where regret is at
    least of order sqrt(K t) in the mean over which arm is the good one. That regret grows so in
    this one game, at every t, is measured and not proven.
    """
    means = np.full((rounds, arms), 0.5)
    means[:, 0] -= np.minimum(gap, np.sqrt(arms / np.arange(1, rounds + 1)) / 2)
    return means


def switching(rounds: int, arms: int, gap: float) -> Array:
    """Ten stretches of the same length; in each the next arm has mean 1/2 - gap, the others 1/2."""
    means = np.full((rounds, arms), 0.5)
    good = np.arange(rounds) * 10 // rounds % arms
    means[np.arange(rounds), good] -= gap
    return means


PROBLEMS = {
    "stochastic": stochastic,
    "constrained": constrained,
    "shrinking": shrinking,
    "switching": switching,
}


def coins(rng: np.random.Generator, means: Array, games: int) -> Array:
    """Losses (T, games, K) in {0, 1}, independent given the means (T, K)."""
    losses = rng.random((len(means), games, means.shape[1]))
    return np.less(losses, means[:, None], out=losses)


def _ucb1(losses: Any) -> Any:
    """UCB1: the arm of largest mean reward + sqrt(2 ln t / n); which arms were pulled, (T, games).

    Source: Auer, Cesa-Bianchi & Fischer 2002, Figure 1; reward = 1 - loss.
    """
    rounds, games, arms = losses.shape
    pulled = np.empty((rounds, games), dtype=np.int64)
    for g in range(games):
        pulls, rewards = np.zeros(arms), np.zeros(arms)
        for t in range(rounds):
            chosen, highest = t, -1.0
            if t >= arms:
                bonus = 2 * math.log(t)
                for k in range(arms):
                    index = rewards[k] / pulls[k] + math.sqrt(bonus / pulls[k])
                    if index > highest:
                        chosen, highest = k, index
            pulled[t, g] = chosen
            pulls[chosen] += 1
            rewards[chosen] += 1 - losses[t, g, chosen]
    return pulled


def _thompson(losses: Any, rng: Any) -> Any:
    """Thompson sampling with Beta(1, 1) priors, for losses in {0, 1}; arms pulled, (T, games).

    Source: Agrawal & Goyal 2012, Algorithm 1; reward = 1 - loss.
    """
    rounds, games, arms = losses.shape
    pulled = np.empty((rounds, games), dtype=np.int64)
    for g in range(games):
        wins, fails = np.ones(arms), np.ones(arms)
        for t in range(rounds):
            chosen, highest = 0, -1.0
            for k in range(arms):
                sample = rng.beta(wins[k], fails[k])
                if sample > highest:
                    chosen, highest = k, sample
            pulled[t, g] = chosen
            fails[chosen] += losses[t, g, chosen]
            wins[chosen] += 1 - losses[t, g, chosen]
    return pulled


ucb1: Any = njit(cache=True)(_ucb1)
thompson: Any = njit(cache=True)(_thompson)
