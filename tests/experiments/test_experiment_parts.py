"""What the experiments are built of, against definitions and exact values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from studies.online_to_batch import populations
from studies.product_games import joint as product_play
from studies.synthetic_bandits import problems as bandit_problems

import experts
from experts.environments import Given


def test_architectures_are_in_the_order_of_nested_loops() -> None:
    losses = np.random.default_rng(0).random((5, 2, 3, 4))  # (T, S, E, K)
    environment = product_play.Architectures(losses)
    generators = [np.random.default_rng(seed) for seed in range(2)]
    found = environment.start(generators)(5)
    for index, chosen in enumerate(itertools.product(range(4), repeat=3)):
        mean = losses[:, :, np.arange(3), chosen].mean(axis=-1)
        np.testing.assert_allclose(found[..., index], mean, rtol=1e-14)


@given(losses=hnp.arrays(np.float64, (6, 2, 3), elements=st.floats(0, 1)), eta=st.floats(0.01, 3))
def test_joint_and_per_edge_plays_are_the_same(losses: np.ndarray, eta: float) -> None:
    absolute, relative = product_play.differences(experts.hedge(eta), losses)
    assert absolute <= 1e-14
    assert relative <= 1e-12


def test_one_number_fed_to_every_edge() -> None:
    """With one edge it is the bandit game; the architectures drawn lose what they are told to."""
    losses = np.random.default_rng(0).integers(0, 2, (300, 400, 1, 2)) * np.asarray([0.2, 1.0])
    rng = np.random.default_rng(1)
    suffered = product_play.fed_the_total(experts.exp3(), losses, rng).sum(axis=0)
    bandit = experts.play(experts.exp3(), Given(losses), seeds=1, feedback="bandit")
    other = bandit.loss[-1, 0, :, 0]
    error = math.hypot(suffered.std(), other.std()) / math.sqrt(400)
    assert abs(suffered.mean() - other.mean()) < 4 * error
    same = np.broadcast_to(np.asarray([0.25, 0.5, 0.75])[:, None], (20, 5, 3, 2))
    np.testing.assert_array_equal(product_play.fed_the_total(experts.exp3(), same, rng), 1.5)


def test_ucb1_pulls_the_arm_of_largest_index() -> None:
    losses = np.random.default_rng(0).integers(0, 2, (300, 3, 4)).astype(float)
    pulled = bandit_problems.ucb1(losses)
    for game in range(3):
        assert pulled[:4, game].tolist() == [0, 1, 2, 3]
        for t in range(4, 300):
            index = []
            for arm in range(4):
                rounds = np.flatnonzero(pulled[:t, game] == arm)
                mean = 1 - losses[rounds, game, arm].mean()
                index.append(mean + math.sqrt(2 * math.log(t) / len(rounds)))
            assert index[pulled[t, game]] >= max(index) - 1e-12


@pytest.mark.parametrize(("loss", "stays"), [(0.0, 2 / 3), (1.0, 1 / 3)])
def test_thompson_samples_the_posterior(loss: float, stays: float) -> None:
    """Beta(2, 1) beats Beta(1, 1) with probability 2/3, Beta(1, 2) with 1/3."""
    games = 20_000
    losses = np.full((2, games, 2), loss)
    first, second = bandit_problems.thompson(losses, np.random.default_rng(0))
    for share, expected in ((first.mean(), 0.5), ((first == second).mean(), stays)):
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / games)


@pytest.mark.parametrize("name", bandit_problems.PROBLEMS)
def test_problems_are_probabilities_with_the_gap_that_they_say(name: str) -> None:
    means = bandit_problems.PROBLEMS[name](1000, 4, 0.2)
    assert means.shape == (1000, 4)
    assert means.min() >= 0 and means.max() <= 1
    gaps = np.sort(means, axis=1)[:, 1] - means.min(axis=1)
    assert gaps.max() == pytest.approx(0.2)
    assert name == "shrinking" or gaps.min() == pytest.approx(0.2)


@given(errors=hnp.arrays(np.int64, (6, 3), elements=st.integers(-4, 4)).filter(np.any))
def test_the_least_risk_is_the_least(errors: np.ndarray) -> None:
    """No point of a grid on the simplex is better, and the gradient says so: Frank-Wolfe's gap."""
    squared = populations.scaled(errors.astype(float))
    best = squared.best
    assert best.sum() == pytest.approx(1)
    assert best.min() >= 0
    slope = squared.gradient(best, squared.errors).mean(axis=0)
    assert best @ slope - slope.min() <= 1e-9
    grid = np.asarray([p for p in itertools.product(range(11), repeat=3) if sum(p) == 10]) / 10
    assert squared.least <= squared.risk(grid).min() + 1e-12


def test_the_range_of_a_gradient_is_what_it_says() -> None:
    squared = populations.synthetic(np.random.default_rng(0), rows=200, count=4)
    rng = np.random.default_rng(1)
    plays = np.concatenate([np.eye(4), rng.dirichlet(np.ones(4), size=50)])
    slopes = squared.gradient(plays[:, None], squared.errors[None])
    assert np.ptp(slopes, axis=-1).max() == pytest.approx(squared.loss_range)
