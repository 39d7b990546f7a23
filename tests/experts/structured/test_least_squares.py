"""Least squares over edges, against the list of all architectures and the normal equations."""

from __future__ import annotations

import itertools
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from experts.least_squares import Pairwise, Quadratic
from experts.testing.games import as_numpy

EDGES, CHOICES = 3, 3
ALL = np.eye(CHOICES)[list(itertools.product(range(CHOICES), repeat=EDGES))]
MODEL = Pairwise(pair=0.4, noise=0.2)
SIZE = 1 + 6 + 12
seeds = st.integers(0, 2**32 - 1)


def product(rng: np.random.Generator) -> np.ndarray:
    edges: np.ndarray = rng.dirichlet(np.ones(CHOICES), size=EDGES)
    return edges


def chances(edges: np.ndarray) -> np.ndarray:
    """Probability of every architecture, (27,)."""
    p: np.ndarray = np.prod(np.sum(ALL * edges, axis=-1), axis=-1)
    return p


def function(rng: np.random.Generator) -> Quadratic:
    """A random function: a draw from the posterior after four queries."""
    queries = ALL[rng.integers(27, size=4)]
    noise = rng.standard_normal(4)
    return MODEL.posterior_draw(np.eye(SIZE), queries, noise, rng.standard_normal(SIZE), noise)


@given(seed=seeds)
def test_expectations_under_a_product_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges, f = product(rng), function(rng)
    p, values = chances(edges), f.value(ALL)
    np.testing.assert_allclose(MODEL.features(edges), p @ MODEL.features(ALL), atol=1e-12)
    np.testing.assert_allclose(f.value(edges), p @ values, atol=1e-9)
    for edge, choice in itertools.product(range(EDGES), range(CHOICES)):
        with_it = p * ALL[:, edge, choice]
        expected = with_it @ values / with_it.sum()
        np.testing.assert_allclose(f.edge_losses(edges)[edge, choice], expected, atol=1e-9)


@given(seed=seeds, count=st.integers(0, 40))
def test_the_posterior_is_that_of_the_normal_equations(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    queries, targets = ALL[rng.integers(27, size=count)], rng.standard_normal(count)
    root = MODEL.init(ALL[0])
    for query in queries:
        root = MODEL.observe(root, query)
    phi, everywhere = MODEL.features(queries), MODEL.features(ALL)
    expected = np.linalg.inv(np.eye(SIZE) + phi.T @ phi / MODEL.noise**2)
    np.testing.assert_allclose(root @ root.T, expected, atol=1e-9)
    np.testing.assert_allclose(MODEL.total(queries, targets), targets @ phi, atol=1e-12)
    mean = everywhere @ expected @ phi.T @ targets / MODEL.noise**2
    np.testing.assert_allclose(MODEL.mean(root, queries, targets).value(ALL), mean, atol=1e-8)


@given(seed=seeds, count=st.integers(0, 12))
def test_a_draw_has_the_mean_and_the_covariance_of_the_posterior(seed: int, count: int) -> None:
    """A draw is affine in its normals: unit vectors give the square root of its covariance."""
    rng = np.random.default_rng(seed)
    queries, targets = ALL[rng.integers(27, size=count)], rng.standard_normal(count)
    root = MODEL.init(ALL[0])
    for query in queries:
        root = MODEL.observe(root, query)

    def draw(normal: np.ndarray) -> np.ndarray:
        f = MODEL.posterior_draw(root, queries, targets, normal[:SIZE], normal[SIZE:])
        return np.asarray(f.value(ALL))

    mean = draw(np.zeros(SIZE + count))
    np.testing.assert_allclose(mean, MODEL.mean(root, queries, targets).value(ALL), atol=1e-9)
    moved = np.stack([draw(unit) - mean for unit in np.eye(SIZE + count)])
    everywhere = MODEL.features(ALL)
    np.testing.assert_allclose(
        moved.T @ moved, everywhere @ root @ root.T @ everywhere.T, atol=1e-8
    )


@given(seed=seeds)
def test_a_loss_with_pair_effects_is_recovered_from_all_of_its_values(seed: int) -> None:
    f = function(np.random.default_rng(seed))
    exact = Pairwise(pair=0.4, noise=1e-4)
    root = exact.init(ALL[0])
    for query in ALL:
        root = exact.observe(root, query)
    values = f.value(ALL)
    fitted = exact.mean(root, ALL, values).value(ALL)
    np.testing.assert_allclose(fitted, values, atol=1e-5 * (1 + np.abs(values).max()))


@given(seed=seeds)
def test_renaming_operations_and_edges_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    renamed = np.stack([ALL[:, e][:, rng.permutation(CHOICES)] for e in range(EDGES)], axis=1)
    renamed = renamed[:, rng.permutation(EDGES)]
    before, after = MODEL.features(ALL), MODEL.features(renamed)
    np.testing.assert_allclose(before @ before.T, after @ after.T, atol=1e-12)


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
def test_every_library_gives_the_same(xp: Any) -> None:
    rng = np.random.default_rng(0)
    queries, targets = ALL[rng.integers(27, size=(2, 7))], rng.standard_normal((2, 7))
    prior, noise, edges = rng.standard_normal((2, SIZE)), targets[::-1].copy(), product(rng)

    def result(convert: Any) -> list[Any]:
        root = MODEL.init(convert(queries[:, 0]))
        for t in range(7):
            root = MODEL.observe(root, convert(queries[:, t]))
        given = (root, convert(queries), convert(targets))
        f = MODEL.posterior_draw(*given, convert(prior), convert(noise))
        return [*f, f.value(convert(edges)), f.edge_losses(convert(edges)), *MODEL.mean(*given)]

    for theirs, ours in zip(result(xp.asarray), result(np.asarray), strict=True):
        np.testing.assert_allclose(as_numpy(theirs), ours, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=seeds, power=st.integers(-3, 0), count=st.sampled_from([1, 50, 200]))
def test_precise_queries_are_believed_also_in_single_precision(
    dtype: Any, seed: int, power: int, count: int
) -> None:
    """The fit at what was asked, with the error that the docstring allows."""
    rng = np.random.default_rng(seed)
    model = Pairwise(noise=10.0**power)
    queries = ALL[rng.integers(27, size=3)][rng.integers(3, size=count)].astype(dtype)
    root = model.init(queries[0])
    for query in queries:
        root = model.observe(root, query)
    found = model.mean(root, queries, np.ones(count, dtype)).value(queries)
    phi = model.features(queries.astype(float))
    gram = phi @ phi.T
    exact = gram @ np.linalg.solve(gram + model.noise**2 * np.eye(count), np.ones(count))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found, exact, atol=(eps * count / model.noise) ** 2 + 64 * eps)


def test_more_queries_than_the_type_can_digest_are_refused() -> None:
    model = Pairwise(noise=1e-3)
    queries = np.repeat(ALL[:1], 5000, axis=0).astype(np.float32)
    root, targets = model.init(queries[0]), np.ones(5000, np.float32)
    with pytest.raises(ValueError, match=r"noise must be at least .* for 5000 queries in float32"):
        model.mean(root, queries, targets)
    for _ in range(50):
        root = model.observe(root, queries[0])
    fitted = model.mean(root, queries[:50], targets[:50]).value(queries[0])
    assert fitted == pytest.approx(1, abs=1e-4)  # 13.26 by Sherman-Morrison


@pytest.mark.parametrize("setting", [{"pair": 0.0}, {"noise": -1.0}, {"noise": float("nan")}])
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        Pairwise(**setting)
