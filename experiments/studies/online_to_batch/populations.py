"""Populations of losses, linear and squared, whose risk is known exactly."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nas_adapter.errors import UserError

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
        """Minimiser of p'Mp on the simplex: the best of the stationary points of all faces.

        A minimiser of smallest support is the only stationary point of its face, so the equations
        M p = x 1, <1, p> = 1 have one solution there. On other faces they may be singular; then any
        solution may be tried.
        """
        found = []
        for size in range(1, self.experts + 1):
            for face in itertools.combinations(range(self.experts), size):
                system = np.ones((size + 1, size + 1))
                system[:-1, :-1] = self._moments[np.ix_(face, face)]
                system[-1, -1] = 0
                p = np.zeros(self.experts)
                p[list(face)] = np.linalg.lstsq(system, np.eye(size + 1)[-1])[0][:-1]
                if np.all(p >= 0):
                    found.append(p)
        return min(found, key=self.risk)

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


def from_table(path: Path, target: str, forecasters: Sequence[str]) -> Squared:
    """Errors of the forecasts in the columns `forecasters` of a CSV file with a header.

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, or has anything but finite numbers there.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), reader.fieldnames or ()
    except OSError as error:
        raise UserError(f"--table {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--table {path} is not a CSV file: {error}") from error
    if len(forecasters) < 2 or len(rows) < 2:
        raise UserError("--table needs two rows or more, and --forecasters two names or more")
    for name in (target, *forecasters):
        if name not in columns:
            raise UserError(f"--table {path} has no column {name!r}, only {', '.join(columns)}")
    if any(None in row for row in rows):
        raise UserError(f"--table {path} has a row of more cells than there are columns")
    try:
        numbers = np.asarray([[float(row[n]) for n in (target, *forecasters)] for row in rows])
    except (TypeError, ValueError) as error:
        raise UserError(f"--table {path} holds something else than numbers: {error}") from error
    if not np.isfinite(numbers).all():
        raise UserError(f"--table {path} holds a number that is not finite")
    return scaled(numbers[:, 1:] - numbers[:, :1])


def scaled(errors: Array) -> Squared:
    """Errors (N, K) divided by the largest absolute one."""
    largest = np.abs(errors).max()
    if largest == 0:
        raise UserError("all forecasts are exact: there is nothing to learn")
    return Squared(errors / largest)
