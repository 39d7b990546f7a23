"""Gradient descent and the online Newton step against their formulas, written with scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.linalg import cholesky, solve
from scipy.optimize import brentq, lsq_linear

from experts.convex import Ball, Box, Domain, Simplex, ogd, online_newton_step

ROUNDS, SIZE = 40, 4
Projection = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(point y, matrix H) -> the nearest point of the domain in the metric of H."""


def into_ball(point: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Radius 1: the multiplier of |x|**2 <= 1 by Brent's method."""
    identity = np.eye(len(point))

    def at(multiplier: float) -> np.ndarray:
        return np.asarray(solve(matrix + multiplier * identity, matrix @ point, assume_a="pos"))

    if np.linalg.norm(point) <= 1:
        return point
    return at(float(brentq(lambda m: np.linalg.norm(at(m)) - 1, 0, 1e6, xtol=1e-14, rtol=1e-15)))


def into_box(point: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """[-1, 0.5]: bounded least squares."""
    root = cholesky(matrix)
    return np.asarray(lsq_linear(root, root @ point, (-1, 0.5), method="bvls", tol=1e-15).x)


def onto_simplex(point: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """In multiples of the identity: the threshold by Brent's method."""
    low, high = point.min() - 1, point.max()
    level = brentq(lambda x: np.maximum(point - x, 0).sum() - 1, low, high, xtol=1e-15)
    return np.asarray(np.maximum(point - level, 0))


def points(learner: Any, gradients: np.ndarray) -> np.ndarray:
    state, found = learner.init(gradients[0]), []
    for gradient in gradients:
        found.append(learner.predict(state))
        state = learner.update(state, found[-1], gradient)
    return np.stack(found)


def gradients(seed: int) -> np.ndarray:
    """A drift and noise, so that the boundary is met and left."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROUNDS, SIZE)) + np.sin(
        np.arange(ROUNDS)[:, None] / 5 + np.arange(SIZE)
    )


@pytest.mark.parametrize(
    ("domain", "project", "diameter"),
    [
        (Ball(), into_ball, 2.0),
        (Box(-1, 0.5), into_box, 1.5 * SIZE**0.5),
        (Simplex(), onto_simplex, 2**0.5),
    ],
    ids=["ball", "box", "simplex"],
)
def test_gradient_descent(domain: Domain, project: Projection, diameter: float) -> None:
    """x - eta_t g, eta_t = D / sqrt(2 sum |g|**2), and back."""
    for seed in range(3):
        given = gradients(seed)
        expected, point, total = [], np.asarray(domain.start(given[0])), 0.0
        for gradient in given:
            expected.append(point)
            total += gradient @ gradient
            eta = diameter / np.sqrt(2 * total)
            point = project(point - eta * gradient, np.eye(SIZE))
        np.testing.assert_allclose(points(ogd(domain), given), expected, atol=1e-8)


@pytest.mark.parametrize(
    ("domain", "project", "diameter", "gamma"),
    [
        (Ball(), into_ball, 2.0, 0.1),
        (Ball(), into_ball, 2.0, 0.5),
        (Box(-1, 0.5), into_box, 1.5 * SIZE**0.5, 0.02),
        (Box(-1, 0.5), into_box, 1.5 * SIZE**0.5, 0.1),
    ],
    ids=["ball", "ball, larger steps", "box", "box, larger steps"],
)
def test_online_newton_step(
    domain: Domain, project: Projection, diameter: float, gamma: float
) -> None:
    """x - A_t^{-1} g / gamma, A_t = I / (gamma D)**2 + sum g g^T, and back in the metric A_t."""
    for seed in range(2):
        given = gradients(seed)
        expected, point = [], np.asarray(domain.start(given[0]))
        matrix = np.eye(SIZE) / (gamma * diameter) ** 2
        for gradient in given:
            expected.append(point)
            matrix = matrix + np.outer(gradient, gradient)
            point = project(point - solve(matrix, gradient) / gamma, matrix)
        found = points(online_newton_step(gamma, domain), given)
        np.testing.assert_allclose(found, expected, atol=1e-8)
