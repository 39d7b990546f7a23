"""Metrics of descent: what a step is divided by, and the losses that this is proved for.

H_t is a positive matrix, kept as a number (..., 1), a diagonal (..., d) or in full (..., d, d). A
metric chooses it when it has seen the gradient g_t.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from array_api_compat import array_namespace

from experts.convex.domains import Domain, norm
from experts.numerics.parameters import Setting, fitted
from experts.types import Array

_DAMPING = 1e-6
_TUNED = math.sqrt(0.5)
"""The best eta over the size of the domain."""


class Measure(NamedTuple):
    """State of a metric."""

    matrix: Array
    """H_t"""
    inverse: Array
    """its inverse; 0 where it is 0"""
    charged: Array
    """E_t: H_t less the curvature that the losses so far are known to have"""
    total: Array
    """sums over the gradients, where H_t is not enough to make H_{t+1} of"""
    unit: Array
    """(..., 1): 1 / eta"""


class Metric(Protocol):
    """The rule by which H_t is chosen."""

    def init(self, like: Array, domain: Domain) -> Measure:
        """State before the first round."""

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """State after a round with this gradient, (..., d)."""

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """See `ConvexLearner.instantaneous`, (...)."""


@dataclass(frozen=True, slots=True)
class Constant:
    """H = 1 / eta in every round; `eta` is as in `experts.ftrl.Fixed`. Convex losses."""

    eta: Setting

    def init(self, like: Array, domain: Domain) -> Measure:
        """1 / eta, (..., 1)."""
        unit = (0.0 * like[..., :1] + 1) / fitted("eta", self.eta, like)
        return _diagonal(unit, unit)

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """It stays."""
        return measure

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]


@dataclass(frozen=True, slots=True)
class Known:
    """H = G sqrt(T) / D: T rounds, gradients of norm <= G, diameter D. Convex losses."""

    horizon: int
    gradient_bound: float

    def init(self, like: Array, domain: Domain) -> Measure:
        """G sqrt(T) / D, (..., 1)."""
        size = extent(domain.diameter, like)
        unit = 0.0 * like[..., :1] + self.gradient_bound * math.sqrt(self.horizon) / size
        return _diagonal(unit, unit)

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """It stays."""
        return measure

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]


@dataclass(frozen=True, slots=True)
class Lengths:
    """H_t = sqrt(sum_s |g_s|**2) / eta, or so for each coordinate alone. Convex losses.

    Parameters
    ----------
    eta
        None: the domain's diameter / sqrt(2), or that of its widest coordinate.
    coordinates
        Whether each coordinate has its own, (..., d).
    """

    eta: float | None = None
    coordinates: bool = False

    def init(self, like: Array, domain: Domain) -> Measure:
        """0."""
        size = domain.width if self.coordinates else domain.diameter
        eta = self.eta or extent(size, like) * _TUNED
        zero = 0.0 * (like if self.coordinates else like[..., :1])
        return _diagonal(zero, 0.0 * like[..., :1] + 1 / eta)

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """With the length of the gradient; no square over- or underflows."""
        xp = array_namespace(gradient)
        length = xp.abs(gradient) if self.coordinates else norm(gradient)
        return _diagonal(xp.hypot(measure.matrix, length * measure.unit), measure.unit)

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]


@dataclass(frozen=True, slots=True)
class Covariance:
    """H_t = (S**(1/2) + c I) / eta, S = sum_s g_s g_s^T, c = 1e-6 sqrt(trace S). Convex losses.

    Needs `linalg.eigh` of the array library, and a domain that rotations leave as it is.

    Parameters
    ----------
    eta
        None: D / sqrt(2), D the domain's diameter.
    """

    eta: float | None = None

    def init(self, like: Array, domain: Domain) -> Measure:
        """0, (..., d, d)."""
        if not domain.round:
            raise ValueError(f"domain must be a ball or the whole space, got {domain!r}")
        eta = self.eta or extent(domain.diameter, like) * _TUNED
        zero = outer(0.0 * like)
        return Measure(zero, zero, zero, zero, 0.0 * like[..., :1] + 1 / eta)

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """By the eigenvectors of S; both parts of H grow, as the root is operator monotone."""
        xp = array_namespace(gradient)
        total = measure.total + outer(gradient * measure.unit)
        values, vectors = xp.linalg.eigh(total)
        values = xp.where(values > 0, values, 0.0)
        trace = xp.sum(values, axis=-1, keepdims=True)
        roots = xp.sqrt(values) + _DAMPING * xp.sqrt(trace)
        inverse = xp.where(roots > 0, 1 / xp.where(roots > 0, roots, 1.0), 0.0)
        back = xp.matrix_transpose(vectors)
        matrix = xp.matmul(vectors * roots[..., None, :], back)
        inverse = xp.matmul(vectors * inverse[..., None, :], back)
        return Measure(matrix, inverse, matrix, total, measure.unit)

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]


@dataclass(frozen=True, slots=True)
class Growing:
    """H_t = mu t, E_t = 0: losses that are mu-strongly convex."""

    modulus: float

    def init(self, like: Array, domain: Domain) -> Measure:
        """0, (..., 1)."""
        zero = 0.0 * like[..., :1]
        return _diagonal(zero, zero)._replace(charged=zero)

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """One mu more."""
        grown = _diagonal(measure.matrix + self.modulus, measure.unit)
        return grown._replace(charged=measure.charged)

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u> - (mu / 2) |x - u|**2, (...)."""
        apart = play - comparator
        return (inner(gradient, apart) - self.modulus / 2 * inner(apart, apart))[..., 0]


@dataclass(frozen=True, slots=True)
class Newton:
    """H_t = gamma (eps I + sum_s g_s g_s^T), E_t = gamma eps I: exp-concave losses.

    Parameters
    ----------
    gamma
        f(x) - f(u) <= <g, x - u> - (gamma / 2) <g, x - u>**2 for the losses and points in question.
    eps
        None: 1 / (gamma D)**2, D the domain's diameter.
    """

    gamma: float
    eps: float | None = None

    def init(self, like: Array, domain: Domain) -> Measure:
        """gamma eps I, (..., d, d)."""
        eps = self.eps or (self.gamma * extent(domain.diameter, like)) ** -2
        xp = array_namespace(like)
        size = like.shape[-1]
        eye = xp.eye(size, dtype=like.dtype, device=like.device) + outer(0.0 * like)
        unit = 0.0 * like[..., :1] + self.gamma
        start = self.gamma * eps
        return Measure(start * eye, eye / start, start + 0.0 * unit, 0.0 * unit, unit)

    def update(self, measure: Measure, gradient: Array) -> Measure:
        """The inverse by Sherman & Morrison."""
        matrix = measure.matrix + self.gamma * outer(gradient)
        bent = apply(measure.inverse, gradient)
        fall = self.gamma / (1 + self.gamma * inner(gradient, bent))
        inverse = measure.inverse - fall[..., None] * outer(bent)
        return measure._replace(matrix=matrix, inverse=inverse)

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u> - (gamma / 2) <g, x - u>**2, (...)."""
        slope = inner(gradient, play - comparator)[..., 0]
        return slope - self.gamma / 2 * slope**2


def apply(matrix: Array, point: Array) -> Array:
    """``H x``, (..., d), for H (..., 1), (..., d) or (..., d, d)."""
    if matrix.ndim == point.ndim:
        return matrix * point
    return array_namespace(point).matmul(matrix, point[..., None])[..., 0]


def inner(left: Array, right: Array) -> Array:
    """<x, y>, (..., 1)."""
    return array_namespace(left).sum(left * right, axis=-1, keepdims=True)


def outer(point: Array) -> Array:
    """``x x^T``, (..., d, d)."""
    return point[..., :, None] * point[..., None, :]


def extent(size: Callable[[int], float], like: Array) -> float:
    """A size of the domain of points `like`; 1 of a single point, where any rate will do."""
    return size(like.shape[-1]) or 1.0


def _diagonal(matrix: Array, unit: Array) -> Measure:
    """Of a matrix (..., 1) or (..., d), all of which is charged."""
    xp = array_namespace(matrix)
    inverse = xp.where(matrix > 0, 1 / xp.where(matrix > 0, matrix, 1.0), 0.0)
    return Measure(matrix, inverse, matrix, 0.0 * unit, unit)
