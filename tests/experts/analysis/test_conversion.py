"""Online-to-batch conversion: expectations of the theorems, over all sequences of losses."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import experts
from experts import Feedback

ROUNDS = 6
errors = hnp.arrays(np.float64, (2, 3), elements=st.integers(-8, 8).map(lambda n: n / 8))


def risk(p: Any, population: np.ndarray) -> Any:
    """Mean over the population's two rows e of <p, e>**2: convex in p."""
    return np.mean((p @ population.T) ** 2, axis=-1)


def gradient(p: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Of <p, e>**2 in p."""
    return np.asarray(2 * np.sum(p * e, axis=-1, keepdims=True) * e)


@pytest.mark.parametrize("learner", [experts.hedge(0.7), experts.adahedge()], ids=["hedge", "ada"])
@pytest.mark.parametrize("anytime", [False, True], ids=["average", "anytime"])
@given(population=errors, u=st.integers(0, 2))
def test_excess_risk_is_at_most_the_expected_regret_over_t(
    learner: Any, anytime: bool, population: np.ndarray, u: int
) -> None:
    """E[F(x_t)] - F(u) <= E[sum <g_s, p_s - u>] / t for every t <= T, over all 2**T sequences.

    x_t is the average of p_1, ..., p_t; gradients at p_t (Cesa-Bianchi et al.) or x_t (Cutkosky).
    """
    drawn = np.asarray(list(itertools.product([0, 1], repeat=ROUNDS))).T  # (T, 2**T)
    state = learner.init(np.zeros((2**ROUNDS, 3)))
    point = np.zeros((2**ROUNDS, 3))
    regret = np.zeros(2**ROUNDS)
    plays = []
    for t, rows in enumerate(drawn, 1):
        play = learner.predict(state)
        point = experts.anytime_iterate(point, play, t)
        plays.append(play)
        loss = gradient(point if anytime else play, population[rows])
        regret += np.sum(play * loss, axis=-1) - loss[:, u]
        state = learner.update(state, play, Feedback(loss))
        excess = risk(point, population).mean() - risk(np.eye(3)[u], population)
        assert excess <= regret.mean() / t + 1e-12
        np.testing.assert_allclose(point, experts.average_iterate(np.stack(plays)), atol=1e-15)


@given(population=errors)
def test_a_random_iterate_has_the_mean_risk_of_all(population: np.ndarray) -> None:
    plays = np.random.default_rng(0).dirichlet(np.ones(3), size=ROUNDS)
    uniforms = (np.arange(ROUNDS)[:, None] + 0.5) / ROUNDS
    drawn = experts.sample_iterate(np.repeat(plays[:, None], ROUNDS, axis=1), uniforms)
    expected = risk(plays, population).mean()
    assert risk(drawn, population).mean() == pytest.approx(expected, abs=1e-12)
    assert risk(experts.average_iterate(plays), population) <= expected + 1e-12


def test_average_iterate_has_no_more_than_the_mean_convex_loss() -> None:
    """Jensen, the step that online-to-batch rests on, for a squared loss."""
    rng = np.random.default_rng(0)
    plays, target = rng.dirichlet(np.ones(4), size=50), rng.random(4)
    loss = ((plays - target) ** 2).sum(-1)
    average = experts.average_iterate(plays)
    assert ((average - target) ** 2).sum() < loss.mean()


def test_sample_iterate_returns_each_round_equally_often() -> None:
    plays = np.eye(4)
    uniforms = (np.arange(100)[:, None] + 0.5) / 100
    drawn = experts.sample_iterate(np.broadcast_to(plays[:, None], (4, 100, 4)), uniforms)
    np.testing.assert_allclose(drawn.mean(0), 0.25)


def test_best_cumulative_is_the_leader_among_survivors() -> None:
    loss, alive = np.asarray([0.0, 2.0, 1.0, 1.0]), np.asarray([False, True, True, True])
    assert experts.best_cumulative(loss, alive) == 2
