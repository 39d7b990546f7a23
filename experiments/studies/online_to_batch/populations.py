"""Populations of losses, linear and squared, whose risk is known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from experts.forecasting import best_mixture

Array = Any


class Population(Protocol):
    """A distribution of z and a loss f(p, z), convex in p on the simplex; risk F(p) = E f(p, z)."""

    @property
    def experts(self) -> int:
        """Number of experts K."""

    @property
    def loss_range(self) -> float:
        """Loss range B: the largest difference between two entries of a gradient."""

    @property
    def least(self) -> float:
        """Smallest risk on the simplex, min F."""

    @property
    def best(self) -> Array:
        """Point of smallest risk, (K,)."""

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw z, (*shape, K)."""

    def loss(self, p: Array, z: Array) -> Array:
        """Loss f(p, z), (...)."""

    def gradient(self, p: Array, z: Array) -> Array:
        """Gradient of f in p, (..., K)."""

    def risk(self, p: Array) -> Array:
        """Exact risk F(p), (...)."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Linear losses f(p, z) = <p, z>, z_k independent in {0, 1} with P(z_k = 1) = means_k."""

    means: Array
    """(K,)"""

    @property
    def experts(self) -> int:
        """Number of experts K."""
        return len(self.means)

    @property
    def loss_range(self) -> float:
        """Loss range, 1."""
        return 1.0

    @property
    def least(self) -> float:
        """The smallest mean."""
        return float(self.means.min())

    @property
    def best(self) -> Array:
        """All weight on the expert with the smallest mean."""
        return np.eye(self.experts)[self.means.argmin()]

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw z, (*shape, K)."""
        return (rng.random((*shape, self.experts)) < self.means).astype(float)

    def loss(self, p: Array, z: Array) -> Array:
        """Loss <p, z>, (...)."""
        return np.sum(p * z, axis=-1)

    def gradient(self, p: Array, z: Array) -> Array:
        """Gradient z, the same for every p."""
        return z

    def risk(self, p: Array) -> Array:
        """Risk <p, means>, (...)."""
        return p @ self.means


@dataclass(frozen=True, slots=True, eq=False)
class Squared:
    """Squared losses f(p, e) = <p, e>**2 of forecasts mixed with weights p.

    e_k is forecaster k's error; as the weights add up to 1, the mixture's error is <p, e>. A round
    draws a row of the table uniformly: the table is the population.
    """

    errors: Array
    """(N, K), divided by the largest absolute error: in [-1, 1]"""

    @property
    def experts(self) -> int:
        """Number of experts K."""
        return int(self.errors.shape[1])

    @property
    def loss_range(self) -> float:
        """Loss range: the largest 2 |<p, e>| (max e - min e) over the rows and all p."""
        spread = np.ptp(self.errors, axis=1)
        return float((2 * np.abs(self.errors).max(axis=1) * spread).max())

    @property
    def least(self) -> float:
        """Smallest risk, that of `best`."""
        return float(self.risk(self.best))

    @property
    def best(self) -> Array:
        """Minimiser of p'Mp on the simplex."""
        return best_mixture(self.errors, np.zeros(len(self.errors))).weights

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw rows of the table with replacement."""
        return self.errors[rng.integers(len(self.errors), size=shape)]

    def loss(self, p: Array, z: Array) -> Array:
        """Loss <p, e>**2, (...)."""
        return np.sum(p * z, axis=-1) ** 2

    def gradient(self, p: Array, z: Array) -> Array:
        """Gradient 2 <p, e> e, (..., K)."""
        return 2 * np.sum(p * z, axis=-1, keepdims=True) * z

    def risk(self, p: Array) -> Array:
        """Risk p'Mp, (...), with M the mean of ee'."""
        return np.sum(p @ self._moments * p, axis=-1)

    @property
    def _moments(self) -> Array:
        return self.errors.T @ self.errors / len(self.errors)


def synthetic(rng: np.random.Generator, rows: int = 5000, count: int = 6) -> Squared:
    """Made-up forecasters of different skill: errors are uniform, with a part in common."""
    own = rng.uniform(-1, 1, (rows, count)) * np.linspace(0.4, 1, count)
    return scaled(own + 0.3 * rng.uniform(-1, 1, (rows, 1)))


def scaled(errors: Array) -> Squared:
    """Errors (N, K), not all 0, divided by the largest absolute one."""
    return Squared(errors / np.abs(errors).max())
