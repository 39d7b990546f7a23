"""Domains: projections and linear minimisers against scipy, sizes against pairs of points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, linprog, minimize

from experts.convex import Ball, Box, Product, Simplex, WholeSpace, ogd
from experts.convex.descent import nearest

BOUNDED = [
    Ball(0.7),
    Box(-1.0, 0.5),
    Simplex(),
    Simplex(2.0, cap=1.0),
    Simplex(1.5, cap=0.7),
    Product(((Simplex(), 3), (Ball(0.5), 2), (Box([0.0], [3.0]), 1))),
]
every_domain = pytest.mark.parametrize("domain", BOUNDED, ids=repr)
SIZE = 6


def residual(domain: Any, point: np.ndarray, target: np.ndarray, matrix: np.ndarray) -> float:
    """By how much some point of the domain improves on `point`: 0 of the projection only."""
    slope = matrix @ (point - target)
    return float(slope @ (point - domain.minimise(slope)))


@every_domain
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_projection_is_where_no_direction_improves(
    domain: Any, scale: float, weighted: bool
) -> None:
    """A convex function has its minimum over a set where <slope, v - x> >= 0 for every v of it."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        target = rng.normal(size=SIZE) * scale
        weight = rng.random(SIZE) ** 6 if weighted else np.ones(SIZE)
        point = domain.project(target, weight if weighted else None)
        assert domain.contains(point, 1e-12 * (1 + scale))
        assert residual(domain, point, target, np.diag(weight)) <= 1e-10 * (1 + scale)
        if not weighted:
            np.testing.assert_allclose(domain.project(point), point, atol=1e-12)


@pytest.mark.parametrize("cap", [None, 0.4])
def test_projection_onto_the_simplex_against_scipy(cap: float | None) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        target, weight = rng.normal(size=5), rng.random(5) + 0.1
        found = minimize(
            lambda x, y, w: np.sum(w * (x - y) ** 2),
            np.full(5, 0.2),
            args=(target, weight),
            jac=lambda x, y, w: 2 * w * (x - y),
            bounds=[(0, 1 if cap is None else cap)] * 5,
            constraints=[LinearConstraint(np.ones((1, 5)), 1, 1)],
            method="SLSQP",
            options={"ftol": 1e-15, "maxiter": 500},
        )
        point = Simplex(cap=cap).project(target, weight)
        np.testing.assert_allclose(point, found.x, atol=1e-6)


@every_domain
def test_projection_in_a_full_metric(domain: Any) -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        root = rng.normal(size=(SIZE, SIZE))
        matrix, target = np.eye(SIZE) + root @ root.T / SIZE, rng.normal(size=SIZE)
        point = nearest(domain, matrix, target, domain.start(target))
        assert domain.contains(point, 1e-12)
        assert residual(domain, point, target, matrix) <= 1e-8


@pytest.mark.parametrize(("total", "cap"), [(1.0, None), (2.0, 1.0), (1.5, 0.7)])
def test_linear_minimiser_against_linprog(total: float, cap: float | None) -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        slope = rng.normal(size=SIZE)
        found = linprog(slope, A_eq=np.ones((1, SIZE)), b_eq=[total], bounds=(0, cap))
        point = Simplex(total, cap).minimise(slope)
        assert Simplex(total, cap).contains(point, 1e-12)
        assert slope @ point == pytest.approx(found.fun, abs=1e-9)


@every_domain
def test_sizes_are_those_of_the_extreme_points(domain: Any) -> None:
    rng = np.random.default_rng(4)
    directions = rng.normal(size=(300, SIZE))
    ends, others = domain.minimise(directions), domain.minimise(-directions)
    start = domain.start(directions)
    apart = np.linalg.norm(ends[:, None] - np.concatenate([ends, others])[None], axis=-1).max()
    far = np.linalg.norm(ends - start, axis=-1).max()
    assert domain.contains(start, 1e-12).all()
    assert apart == pytest.approx(domain.diameter(SIZE), rel=0.02)
    assert apart <= domain.diameter(SIZE) + 1e-12
    assert far == pytest.approx(domain.reach(SIZE), rel=1e-9)
    assert np.max(np.abs(ends - others)) <= domain.width(SIZE) + 1e-12


def test_the_capped_simplex_near_its_cap() -> None:
    """Only one point, and sets of d - 1: what is missing to the cap is a simplex."""
    assert Simplex(3.0, cap=1.0).diameter(3) == 0.0
    assert Simplex(2.0, cap=1.0).diameter(3) == pytest.approx(math.sqrt(2))
    np.testing.assert_allclose(Simplex(3.0, cap=1.0).project(np.asarray([9.0, 0, -9])), 1.0)


def test_tied_coordinates_share_the_projection() -> None:
    np.testing.assert_allclose(Simplex().project(np.asarray([2.0, 2.0, 0.0])), [0.5, 0.5, 0.0])
    np.testing.assert_allclose(Simplex().project(np.full(4, 1e6)), 0.25)


def test_points_that_are_very_far() -> None:
    """1e23 - 1 is 1e23: the cap would be lost in it."""
    far = 1e23 * np.asarray([3.0, -1.0, 2.0, 2.0])
    np.testing.assert_allclose(Simplex().project(far), [1, 0, 0, 0])
    np.testing.assert_allclose(Simplex(2, cap=1).project(far), [1, 0, 0.5, 0.5])
    np.testing.assert_allclose(Ball(2).project(far), 2 * far / np.linalg.norm(far))


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="low must be below high"):
        Box(1.0, 0.0)
    with pytest.raises(ValueError, match="of one length"):
        Box([0.0, 0.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="radius must be a positive number, got -1"):
        Ball(-1)
    with pytest.raises(ValueError, match="needs at least 2 coordinates, got 1"):
        ogd(Simplex(2, cap=1)).init(np.zeros(1))
    with pytest.raises(ValueError, match="last axis 2"):
        ogd(Box([0, 0], [1, 1])).init(np.zeros(3))
    with pytest.raises(ValueError, match="bounded unless eta"):
        ogd(WholeSpace()).init(np.zeros(3))
    with pytest.raises(ValueError, match="in dimension 3"):
        Product(((Box([0, 0], [1, 1]), 3),))
    for size in (2.5, True, "2", 0):
        with pytest.raises(ValueError, match="parts: dimension must be a whole number"):
            Product(((Ball(), size),))  # type: ignore[arg-type]
    for domain in (Ball, "ball", None):
        with pytest.raises(ValueError, match="domain must be a domain such as Ball"):
            Product(((domain, 2),))  # type: ignore[arg-type]
    for parts in (Ball(), [Ball(), 2], 3):
        with pytest.raises(ValueError, match="parts must be pairs"):
            Product(parts)  # type: ignore[arg-type]
