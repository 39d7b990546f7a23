"""The black-box searcher: its codes, the game it plays on the edges, what it queries next."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts.structured.black_box import (
    Codes,
    ModelBased,
    SemiBandit,
    normal_scores,
    standardized,
)
from experts.structured.least_squares import Pairwise

CODES = Codes(edges=6, choices=5)
SEARCH = ModelBased(CODES, Pairwise(pair=0.25, noise=0.1), eta=1.0, rounds=12)


@pytest.mark.parametrize(("edges", "choices"), [(6, 5), (1, 4), (3, 2)])
def test_codes_are_the_digits_of_architectures(edges: int, choices: int) -> None:
    codes = Codes(edges, choices)
    every = np.arange(codes.size)
    nested = np.asarray(list(itertools.product(range(choices), repeat=edges)))
    np.testing.assert_array_equal(codes.decode(every), nested)
    np.testing.assert_array_equal(codes.encode(nested), every)
    np.testing.assert_array_equal(np.argmax(codes.one_hot(every), -1), nested)
    np.testing.assert_array_equal(codes.one_hot(every).sum(-1), 1)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_edges_game_keeps_the_bound_of_hedge(seed: int) -> None:
    """On each edge: regret <= ln K / eta + (eta / 8) sum of squared ranges."""
    model, eta, rng = SEARCH.model, SEARCH.eta, np.random.default_rng(seed)
    size, edges = 1 + 24 + 240, CODES.one_hot(rng.integers(CODES.size, size=(1, 3)))
    f = model.posterior_draw(np.eye(size), edges, np.zeros((1, 3)), rng.standard_normal(size), 0.0)
    plays = SEARCH._distributions(f)[:-1]
    losses = f.edge_losses(plays)
    regret = np.sum(plays * losses, axis=(0, -1)) - losses.sum(0).min(-1)
    bound = np.log(CODES.choices) / eta + eta / 8 * np.sum(np.ptp(losses, axis=-1) ** 2, axis=0)
    assert np.all(regret <= bound + 1e-4)
    assert regret.shape == (1, 6)


def test_a_search_whose_draws_were_all_queried_takes_another_architecture() -> None:
    seen = np.ones(CODES.size, dtype=bool)
    seen[777] = False
    plays = np.repeat(CODES.one_hot(np.asarray([3])), 4, axis=0)
    generator = np.random.default_rng(0)
    assert SEARCH._pick(plays, seen, generator) == 777
    seen[3] = False
    assert SEARCH._pick(plays, seen, generator) == 3


@given(losses=st.lists(st.floats(0, 1), max_size=30, unique=True))
def test_normal_scores_keep_the_order_and_are_centred(losses: list[float]) -> None:
    scores = normal_scores(np.asarray(losses, dtype=float))
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(losses))
    np.testing.assert_allclose(scores.sum(), 0, atol=1e-9)


def test_standardized_losses_have_mean_zero_and_variance_one() -> None:
    scores = standardized(np.asarray([0.1, 0.2, 0.6]))
    assert scores.mean() == pytest.approx(0)
    assert scores.var() == pytest.approx(1)
    np.testing.assert_array_equal(standardized(np.full(3, 0.5)), 0)
    assert standardized(np.zeros(0)).shape == (0,)


def test_any_number_of_edges_and_operations() -> None:
    """A small space is queried whole, each architecture once; bandits repeat themselves."""
    codes = Codes(edges=3, choices=2)
    loss = np.random.default_rng(0).random(codes.size)
    generators = [np.random.default_rng(seed) for seed in range(4)]
    search = ModelBased(codes, Pairwise(), eta=1.0, rounds=3)
    asked = search(lambda at: loss[at], codes.size, generators)
    np.testing.assert_array_equal(np.sort(asked, axis=-1), np.tile(np.arange(codes.size), (4, 1)))
    bandit = SemiBandit(codes, experts.exp3())(lambda at: loss[at], 50, generators)
    assert bandit.shape == (4, 50)
    assert bandit.min() >= 0
    assert bandit.max() < codes.size
