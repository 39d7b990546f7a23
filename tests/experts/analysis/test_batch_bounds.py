"""Online to batch with high probability: the share of games in which the bounds miss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

import experts
from experts import Feedback, bounds
from experts.convex import Ball, ogd

GAMES, ROUNDS = 2000, 50
DELTAS = (0.3, 0.05)


def misses(misfits: np.ndarray, delta: float) -> None:
    """Not more than delta of the games, as a binomial test says at the level of 1e-6."""
    assert np.sum(misfits) <= binom.ppf(1 - 1e-6, len(misfits), delta)


def test_experts_with_losses_of_0_and_1() -> None:
    """The worst case of the first bound: the loss is a coin."""
    means, rng = np.asarray([0.5, 0.5, 0.45]), np.random.default_rng(0)
    learner = experts.hedge(horizon=ROUNDS)
    state, plays = learner.init(np.zeros((GAMES, 3))), []
    loss, regret = np.zeros(GAMES), np.zeros(GAMES)
    for _ in range(ROUNDS):
        drawn = (rng.random((GAMES, 1)) < means).astype(float)  # one draw: as far apart as can be
        plays.append(learner.predict(state))
        suffered = np.sum(plays[-1] * drawn, axis=-1)
        loss, regret = loss + suffered / ROUNDS, regret + suffered - drawn[:, 2]
        state = learner.update(state, plays[-1], Feedback(drawn))
    risk = experts.average_iterate(np.stack(plays)) @ means
    for delta in DELTAS:
        limits = np.asarray([bounds.batch_risk(min(x, 1.0), ROUNDS, delta) for x in loss])
        misses(risk > limits, delta)
        apart = np.asarray([bounds.batch_excess_risk(x, ROUNDS, delta) for x in regret])
        misses(risk - means[2] > apart, delta)
    smaller = loss + math.sqrt(math.log(1 / 0.3) / (2 * ROUNDS)) / 2
    assert np.mean(risk > smaller) > 0.15  # half of the term would not do: the test can fail


def test_least_squares_in_a_ball() -> None:
    """f(x, (a, b)) = (<a, x> - b)**2 / 4 in [0, 1], by gradient descent with its certificate."""
    rng, target = np.random.default_rng(1), np.asarray([0.3, 0.2])
    learner = ogd(Ball())
    state, plays = learner.init(np.zeros((GAMES, 2))), []
    loss = np.zeros(GAMES)
    for _ in range(ROUNDS):
        angle = rng.uniform(0, 2 * np.pi, GAMES)
        rows = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        noise = rng.choice([-0.5, 0.5], GAMES)
        plays.append(learner.predict(state))
        error = np.sum(rows * (plays[-1] - target), axis=-1) - noise
        loss = loss + error**2 / 4 / ROUNDS
        state = learner.update(state, plays[-1], error[:, None] * rows / 2)
    average = experts.average_iterate(np.stack(plays))
    excess = np.sum((average - target) ** 2, axis=-1) / 8  # E aa' = I / 2
    certificate = learner.certificate(state, np.broadcast_to(target, (GAMES, 2)))
    for delta in DELTAS:
        limits = [bounds.batch_risk(x, ROUNDS, delta) for x in loss]
        misses(excess + 1 / 16 > np.asarray(limits), delta)
        apart = [bounds.batch_excess_risk(x, ROUNDS, delta) for x in certificate]
        misses(excess > np.asarray(apart), delta)


def test_values_and_mistakes() -> None:
    assert bounds.batch_risk(0.25, 200, math.exp(-4)) == pytest.approx(0.35)
    assert bounds.batch_excess_risk(10.0, 200, math.exp(-4)) == pytest.approx(0.25)
    assert bounds.batch_risk(0.25, 0, 0.1) == 1.0
    with pytest.raises(ValueError, match="mean_loss must be in"):
        bounds.batch_risk(2, 10, 0.1)
    with pytest.raises(ValueError, match="delta must be in"):
        bounds.batch_excess_risk(1.0, 10, 0)
