"""Domains: closed convex sets of points (..., d); the whole space, balls and boxes.

`project` takes a weight w > 0 for each coordinate, (..., 1) or (..., d), and gives the point of
the domain with the smallest ``sum_i w_i (x_i - y_i)**2``; without one, the nearest point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from array_api_compat import array_namespace, device

from experts.numerics.parameters import number, real
from experts.types import Array

_STEPS = 16
_LEAST = 1e-12
"""Weights are raised to this part of the largest: a coordinate without weight could be anywhere."""


@runtime_checkable
class Domain(Protocol):
    """A closed convex set; the dimension d is the last axis."""

    @property
    def dimension(self) -> int | None:
        """d, where the domain is of one dimension only; None: any."""

    @property
    def bounded(self) -> bool:
        """Whether it has a `diameter`, and `minimise` a minimiser."""

    @property
    def round(self) -> bool:
        """Whether rotations about the origin leave it as it is."""

    def start(self, like: Array) -> Array:
        """A point in its middle, (..., d), typed and placed as `like`."""

    def project(self, point: Array, weight: Array | None = None) -> Array:
        """The (weighted) projection of `point`, (..., d)."""

    def minimise(self, gradient: Array) -> Array:
        """A point of the domain with the smallest <gradient, x>, (..., d)."""

    def contains(self, point: Array, slack: float = 0.0) -> Array:
        """Whether `point` is in the domain, bool (...); `slack` is added to every inequality."""

    def diameter(self, dimension: int) -> float:
        """The largest distance of two points in dimension d, or a bound on it.

        A ValueError of this, `reach` and `width` if there is none.
        """

    def reach(self, dimension: int) -> float:
        """The largest distance of a point from `start`."""

    def width(self, dimension: int) -> float:
        """The largest distance of two points in one coordinate."""


def chosen(domain: Domain | None, default: Domain) -> Domain:
    """`domain`, or the default for None; ValueError if it is none."""
    return default if domain is None else checked(domain)


def checked(domain: Any) -> Domain:
    """`domain`, if it is one; else a ValueError."""
    if isinstance(domain, type) or not isinstance(domain, Domain):
        raise ValueError(f"domain must be a domain such as Ball(1.0) or Simplex(), got {domain!r}")
    return domain


def check_dimension(domain: Domain, like: Array) -> None:
    """Refuse points (..., d) of a dimension that the domain is not of: ValueError."""
    found = like.shape[-1] if like.ndim else 0
    if found == 0 or domain.dimension not in {None, found}:
        wanted = "at least 1" if domain.dimension is None else domain.dimension
        raise ValueError(f"like must have last axis {wanted} for {domain!r}, got {like.shape}")


@dataclass(frozen=True, slots=True)
class WholeSpace:
    """All of R^d; for learners that need no bounded domain. `start` is 0."""

    dimension: ClassVar[int | None] = None
    bounded: ClassVar[bool] = False
    round: ClassVar[bool] = True

    def start(self, like: Array) -> Array:
        """0."""
        return array_namespace(like).zeros_like(like)

    def project(self, point: Array, weight: Array | None = None) -> Array:
        """The point itself."""
        return point

    def minimise(self, gradient: Array) -> Array:
        """There is no minimiser: ValueError."""
        raise ValueError("a linear function has no minimiser on WholeSpace()")

    def contains(self, point: Array, slack: float = 0.0) -> Array:
        """True of finite points."""
        xp = array_namespace(point)
        return xp.all(xp.isfinite(point), axis=-1)

    def diameter(self, dimension: int) -> float:
        """There is none: ValueError."""
        raise ValueError(f"domain must be bounded unless eta (or eps) is given, got {self!r}")

    reach = width = diameter


@dataclass(frozen=True, slots=True)
class Ball:
    """The Euclidean ball {x: |x| <= radius}; `start` is 0."""

    radius: float = 1.0
    dimension: ClassVar[int | None] = None
    bounded: ClassVar[bool] = True
    round: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", number("radius", self.radius))

    def start(self, like: Array) -> Array:
        """0."""
        return array_namespace(like).zeros_like(like)

    def project(self, point: Array, weight: Array | None = None) -> Array:
        """``w y / (w + tau)``, with the least tau >= 0 for which it is in the ball.

        Newton's steps for 1 / |x(tau)|, which is concave: from 0 they rise to the solution.
        """
        xp = array_namespace(point)
        if weight is not None and weight.shape[-1] == point.shape[-1] > 1:
            weight, tau = relative_weight(weight), 0.0 * point[..., :1]
            for _ in range(_STEPS):
                inner = point * (weight / (weight + tau))
                length = norm(inner)
                slope = xp.sum(inner**2 / (weight + tau), axis=-1, keepdims=True)
                beyond = length > self.radius
                step = length**2 * (length / self.radius - 1) / xp.where(beyond, slope, 1.0)
                tau = tau + xp.where(beyond, step, 0.0)
            point = point * (weight / (weight + tau))
        length = norm(point)
        beyond = length > self.radius
        return xp.where(beyond, point * (self.radius / xp.where(beyond, length, 1.0)), point)

    def minimise(self, gradient: Array) -> Array:
        """``-radius g / |g|``; 0 for g = 0."""
        length = norm(gradient)
        return -self.radius * gradient / array_namespace(length).where(length > 0, length, 1.0)

    def contains(self, point: Array, slack: float = 0.0) -> Array:
        """``|x| <= radius + slack``."""
        return norm(point)[..., 0] <= self.radius + slack

    def diameter(self, dimension: int) -> float:
        """2 radius."""
        return 2 * self.radius

    width = diameter

    def reach(self, dimension: int) -> float:
        """Radius."""
        return self.radius


@dataclass(frozen=True, slots=True)
class Box:
    """The box {x: low <= x <= high}; `start` is its centre.

    Parameters
    ----------
    low, high
        A number each, for any dimension; or d of them.
    """

    low: Any = -1.0
    high: Any = 1.0
    bounded: ClassVar[bool] = True
    round: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        sizes = {len(side) for side in (self.low, self.high)} - {1}
        if len(sizes) > 1:
            raise ValueError(f"low and high must be of one length, got {sorted(sizes)}")
        if not all(side > 0 for side in self._sides(max(sizes, default=1))):
            raise ValueError(f"low must be below high, got low={self.low!r}, high={self.high!r}")

    @property
    def dimension(self) -> int | None:
        """The length of low or high; None if both are numbers."""
        longest = max(len(self.low), len(self.high))
        return None if longest == 1 else longest

    def start(self, like: Array) -> Array:
        """The centre."""
        low, high = self._ends(like)
        return array_namespace(like).zeros_like(like) + (low + high) / 2

    def project(self, point: Array, weight: Array | None = None) -> Array:
        """Every coordinate cut to its interval, whatever the weights."""
        low, high = self._ends(point)
        xp = array_namespace(point)
        return xp.minimum(xp.maximum(point, low + 0.0 * point), high + 0.0 * point)

    def minimise(self, gradient: Array) -> Array:
        """Low where the gradient is positive, high elsewhere."""
        low, high = self._ends(gradient)
        zero = 0.0 * gradient
        return array_namespace(gradient).where(gradient > 0, zero + low, zero + high)

    def contains(self, point: Array, slack: float = 0.0) -> Array:
        """``low - slack <= x <= high + slack``."""
        low, high = self._ends(point)
        return array_namespace(point).all((point >= low - slack) & (point <= high + slack), axis=-1)

    def diameter(self, dimension: int) -> float:
        """|high - low|."""
        return math.hypot(*self._sides(dimension))

    def reach(self, dimension: int) -> float:
        """Half of the diameter."""
        return self.diameter(dimension) / 2

    def width(self, dimension: int) -> float:
        """The longest side."""
        return max(self._sides(dimension))

    def _sides(self, dimension: int) -> list[float]:
        low, high = (side * dimension if len(side) == 1 else side for side in (self.low, self.high))
        return [b - a for a, b in zip(low, high, strict=True)]

    def _ends(self, like: Array) -> tuple[Array, Array]:
        """Low and high, (1,) or (d,), in the library of `like`."""
        xp = array_namespace(like)
        place = {"dtype": like.dtype, "device": device(like)}
        return xp.asarray(self.low, **place), xp.asarray(self.high, **place)


def norm(point: Array) -> Array:
    """|x|, (..., 1); no square over- or underflows."""
    xp = array_namespace(point)
    most = xp.max(xp.abs(point), axis=-1, keepdims=True)
    unit = xp.where(most > 0, most, 1.0)
    return unit * xp.sqrt(xp.sum((point / unit) ** 2, axis=-1, keepdims=True))


def relative_weight(weight: Array) -> Array:
    """Weights over the largest, and none too small; all 1 where all are 0."""
    xp = array_namespace(weight)
    most = xp.max(weight, axis=-1, keepdims=True)
    scaled = weight / xp.where(most > 0, most, 1.0)
    return xp.where(most > 0, xp.where(scaled > _LEAST, scaled, _LEAST), 1.0)


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """A number or a sequence of them as a tuple of finite floats."""
    alone = getattr(value, "ndim", 1) == 0 or not hasattr(value, "__len__")
    found = [real(each) for each in ([value] if alone else value)]
    if not found or any(each is None or not math.isfinite(each) for each in found):
        raise ValueError(f"{name} must be a number or a sequence of them, got {value!r}")
    return tuple(float(each) for each in found if each is not None)
