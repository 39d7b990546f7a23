"""Bandit problems with known means, and the two classical stochastic bandits, compiled.

Losses are 0 or 1: arm k's in round t is 1 with probability means[t, k], fixed before the game.

`experts.policies` has the same bandits for any array library, one Python step a round; in this
experiment, 8 x 10**7 rounds for each, they would take twenty minutes where these take one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Array = Any


def stochastic(rounds: int, arms: int, gap: float) -> Array:
    """Fixed means, (T, K): 1/2 - gap for arm 0, 1/2 for the others."""
    means = np.full((rounds, arms), 0.5)
    means[:, 0] -= gap
    return means


def constrained(rounds: int, arms: int, gap: float) -> Array:
    """Means at a fixed gap, (T, K), near 0 and near 1 in turn, each phase 1.6 times as long.

    Source: Zimmert & Seldin 2021, Section 6 (stochastically constrained adversary), with losses
    0 or 1.
    """
    lengths = np.ceil(1.6 ** np.arange(1, 2 + math.ceil(math.log(rounds) / math.log(1.6))))
    high = np.repeat(np.arange(len(lengths)) % 2, lengths.astype(int))[:rounds]
    means = np.where(high == 1, 1.0, gap)[:, None].repeat(arms, axis=1)
    means[:, 0] -= gap
    return means


def shrinking(rounds: int, arms: int, gap: float) -> Array:
    """Means with a shrinking gap, (T, K): arm 0 is better by min(gap, sqrt(K / t) / 2).

    Round t has about the hardest gap for t rounds: with it all along, regret is at least of order
    sqrt(K t) in the mean over which arm is the best (Auer et al. 2002, Theorem 5.1). That regret
    grows like this at every t of this one game is measured, not proven.
    """
    means = np.full((rounds, arms), 0.5)
    means[:, 0] -= np.minimum(gap, np.sqrt(arms / np.arange(1, rounds + 1)) / 2)
    return means


def switching(rounds: int, arms: int, gap: float) -> Array:
    """Means in ten equal stretches, (T, K): 1/2 - gap for the next arm in turn, else 1/2."""
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
    """UCB1: pulls the arm of largest mean reward + sqrt(2 ln t / n); the arms pulled, (T, games).

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
    """Thompson sampling with Beta(1, 1) priors, losses in {0, 1}; the arms pulled, (T, games).

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
