"""Product distributions against the list of all architectures."""

from __future__ import annotations

import itertools
import math
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experts import ProductDistribution
from experts.structured.product import edge_entropy
from experts.testing.games import as_numpy

ARCHITECTURES = np.asarray(list(itertools.product(range(3), repeat=3)))
weights = hnp.arrays(np.float64, (2, 3, 3), elements=st.integers(0, 4)).filter(
    lambda w: bool(np.all(w.sum(-1) > 0))
)
products = weights.map(lambda w: ProductDistribution(w / w.sum(-1, keepdims=True)))


def everything(product: ProductDistribution) -> np.ndarray:
    """ln p of all architectures, (batch, |A|)."""
    edges = ProductDistribution(product.edges[:, None])
    result: np.ndarray = edges.log_probability(ARCHITECTURES[None])
    return result


@given(product=products, k=st.integers(1, 40))
def test_top_k_is_the_head_of_the_sorted_list(product: ProductDistribution, k: int) -> None:
    found, log_p = product.top_k(k)
    assert found.shape == (2, min(k, 27), 3)
    np.testing.assert_allclose(log_p, -np.sort(-everything(product), axis=-1)[:, :k], atol=1e-12)
    np.testing.assert_array_equal(found[:, 0], product.mode())
    for one, rows, values in zip(product.edges, found, log_p, strict=True):
        assert len({tuple(row) for row in rows.tolist()}) == len(rows), "an architecture twice"
        np.testing.assert_allclose(ProductDistribution(one[None]).log_probability(rows), values)


def test_top_k_of_a_product_too_large_to_list() -> None:
    rng = np.random.default_rng(0)
    product = ProductDistribution(rng.dirichlet(np.ones(8), size=14))  # 4e12 architectures
    found, log_p = product.top_k(100)
    assert np.all(np.diff(log_p) <= 0)
    swaps = np.repeat(product.mode()[None], 14 * 8, 0)  # all neighbours of the mode
    swaps[np.arange(14 * 8), np.repeat(np.arange(14), 8)] = np.tile(np.arange(8), 14)
    near = ProductDistribution(product.edges[None]).log_probability(swaps)
    held = {tuple(row) for row in found.tolist()}
    assert {tuple(row) for row in swaps[near > log_p[-1] + 1e-9].tolist()} <= held


@given(product=products)
def test_marginals_by_enumeration(product: ProductDistribution) -> None:
    probability = np.exp(everything(product))
    for edge, operation in itertools.product(range(3), range(3)):
        mass = probability[:, ARCHITECTURES[:, edge] == operation].sum(-1)
        np.testing.assert_allclose(product.marginals()[:, edge, operation], mass, atol=1e-12)


@given(product=products, other=products)
def test_kl_by_enumeration(product: ProductDistribution, other: ProductDistribution) -> None:
    ours, theirs = everything(product), everything(other)
    for value, p, q in zip(product.kl(other), ours, theirs, strict=True):
        possible = p > -math.inf
        if np.any(q[possible] == -math.inf):
            assert value == math.inf
        else:
            expected = np.sum(np.exp(p[possible]) * (p - np.where(possible, q, 0))[possible])
            assert value == pytest.approx(expected, abs=1e-12)


@given(product=products, dead=hnp.arrays(bool, (2, 3, 3)))
def test_without_is_the_conditional(product: ProductDistribution, dead: np.ndarray) -> None:
    emptied = ~np.any(~dead & (product.edges > 0), axis=-1, keepdims=True)
    dead = dead & ~emptied
    before, after = everything(product), everything(product.without(dead))
    hit = np.any(dead[:, np.arange(3), ARCHITECTURES], axis=-1)
    kept = np.where(hit, 0, np.exp(before))
    np.testing.assert_allclose(np.exp(after), kept / kept.sum(-1, keepdims=True), atol=1e-12)
    assert np.all(product.without(dead).edges[dead] == 0)


def test_an_edge_never_loses_all_of_its_operations() -> None:
    product = ProductDistribution(np.asarray([[0.2, 0.8], [1.0, 0.0]]))
    left = product.without(np.asarray([[True, True], [True, False]]))
    np.testing.assert_array_equal(left.edges, product.edges)


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
@given(product=products, k=st.integers(1, 30), dead=hnp.arrays(bool, (2, 3, 3)))
def test_products_are_the_same_in_every_library(
    xp: Any, product: ProductDistribution, k: int, dead: np.ndarray
) -> None:
    other = ProductDistribution(xp.asarray(product.edges))
    ours, theirs = product.top_k(k), other.top_k(k)
    np.testing.assert_allclose(as_numpy(theirs[1]), ours[1], atol=1e-12)
    left, others = product.without(dead), other.without(xp.asarray(dead))
    np.testing.assert_allclose(as_numpy(others.edges), left.edges, atol=1e-12)
    np.testing.assert_allclose(as_numpy(others.kl(other)), left.kl(product), atol=1e-12)
    np.testing.assert_allclose(as_numpy(other.entropy()), product.entropy(), atol=1e-12)


@pytest.mark.parametrize("xp", [np, torch, array_api_strict])
def test_ragged_edges(xp: Any) -> None:
    like = xp.zeros((), dtype=xp.float32)
    product = ProductDistribution.ragged([[1.0], xp.asarray([0.5, 0.25, 0.25]), (0.5, 0.5)], like)
    assert product.edges.dtype == xp.float32
    assert as_numpy(product.edges).tolist() == [[1, 0, 0], [0.5, 0.25, 0.25], [0.5, 0.5, 0]]
    _, log_p = product.top_k(100)
    assert np.isfinite(as_numpy(log_p)).sum() == 1 * 3 * 2
    assert float(product.log_probability((1, 0, 0))) == -math.inf


def test_bad_architectures_and_edges_are_refused() -> None:
    product = ProductDistribution(np.full((2, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"indices in \[0, 3\), got 3 on edge 1"):
        product.log_probability([0, 3])
    with pytest.raises(ValueError, match=r"got -1 on edge 0"):
        product.log_probability((-1, 0))
    with pytest.raises(ValueError, match=r"architecture has shape \(3,\), expected \(\.\.\., 2\)"):
        product.log_probability(np.asarray([0, 1, 2]))
    with pytest.raises(ValueError, match="architecture must be of an integer type, got float64"):
        product.log_probability(np.asarray([0.0, 1.0]))
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, got True"):
        product.top_k(True)
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, got 0"):
        product.top_k(0)
    with pytest.raises(ValueError, match=r"edges\[1\] must have shape .*, got \(0,\)"):
        ProductDistribution.ragged([[1.0], []], np.zeros(()))
    with pytest.raises(ValueError, match="at least one edge"):
        ProductDistribution.ragged([], np.zeros(()))
    assert product.log_probability(np.asarray([0, 3])) == -math.inf


@given(
    edges=hnp.arrays(np.float64, (3, 3), elements=st.integers(0, 4)).filter(
        lambda w: bool(np.all(w.sum(-1) > 0))
    )
)
def test_product_distribution_by_enumeration(edges: np.ndarray) -> None:
    product = ProductDistribution(edges / edges.sum(-1, keepdims=True))
    architectures = np.asarray(list(itertools.product(range(3), repeat=3)))
    probability = np.exp(product.log_probability(architectures))
    best = np.exp(product.log_probability(product.mode()))
    assert probability.sum() == pytest.approx(1)
    assert best == probability.max()
    known = probability[probability > 0]
    assert float(product.entropy()) == pytest.approx(-(known * np.log(known)).sum(), abs=1e-12)


def test_product_samples_follow_the_marginals() -> None:
    edges = np.asarray([[0.2, 0.8, 0.0], [0.0, 0.5, 0.5]])
    uniforms = np.random.default_rng(0).random((20_000, 2))
    drawn = ProductDistribution(np.broadcast_to(edges, (20_000, 2, 3))).sample(uniforms)
    frequency = (drawn[..., None] == np.arange(3)).mean(0)
    np.testing.assert_allclose(frequency, edges, atol=0.02)
    assert np.all(frequency[edges == 0] == 0)


def test_edge_entropy() -> None:
    np.testing.assert_allclose(
        edge_entropy(np.asarray([[0.5, 0.5], [1, 0]])), [math.log(2), 0], atol=1e-15
    )
