"""Integrals of exp(a x - b x**2) over [0, 1], in the log domain, for any size of a and b >= 0.

The array API has no erf. The integrand is a piece of a bell curve: outside a window that is known
in closed form it is below e**-28 of its height, and in the window a Fejer rule with 48 nodes is
exact to 6e-12 (worst where both ends of the window lie inside of [0, 1]). The nodes are computed on
the arrays' device, without a copy from the host.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from array_api_compat import array_namespace, device

from experts.types import Array

_NODES = 48
_DEPTH = 28.0  # e**-28 = 7e-13
KNEE = 64.0


class Bell(NamedTuple):
    """exp(a x - b x**2) at the nodes of its window; the methods give integrals over [0, 1]."""

    start: Array
    """left end of the window, (..., K)"""
    end: Array
    """its right end, (..., K)"""
    height: Array
    """the exponent at the peak, (..., K)"""
    x: Array
    """nodes in the window, (..., K, N)"""
    exponent: Array
    """a x - b x**2 there, (..., K, N)"""
    weights: Array
    """of the rule, (N,)"""
    share: Array
    """weights exp(exponent - height), (..., K, N): what all integrals need"""

    def log_mass(self) -> Array:
        """ln of the integral of exp(a x - b x**2), (..., K)."""
        return self._log_sum(1.0)

    def log_mean(self) -> Array:
        """ln of the integral of x exp(a x - b x**2), (..., K)."""
        return self._log_sum(self.x)

    def level(self) -> Array:
        """`squeeze` of F = integral of (exp(a x - b x**2) - 1) / x; convex in a for b <= 1e8."""
        xp = array_namespace(self.x)
        # start > 0 only if height > _DEPTH: then the "- 1" is lost in the rounding of F
        above = self._log_sum(1 / self.x)
        near = xp.expm1(xp.where(self.start[..., None] > 0, 0.0, self.exponent)) / self.x
        value = (self.end - self.start) * xp.sum(self.weights * near, axis=-1) + xp.log(self.end)
        return xp.where(self.start > 0, squeeze_log(above), squeeze(value))

    def _log_sum(self, factor: Array | float) -> Array:
        """ln of the integral of factor exp(a x - b x**2)."""
        xp = array_namespace(self.x)
        mean = xp.sum(self.share * factor, axis=-1)
        return self.height + xp.log(self.end - self.start) + xp.log(mean)


def bell(a: Array, b: Array) -> Bell:
    """The integrand at its nodes, for a (..., K) and b >= 0 (..., K)."""
    xp = array_namespace(a)
    inside = (a > 0) & (a < 2 * b)
    peak = xp.where(inside, a / xp.where(inside, 2 * b, 1.0), xp.astype(a > 0, a.dtype))
    # Off the peak the exponent falls by b h**2 + slope h, the slope 0 unless the peak is an end.
    slope = xp.where(inside, 0.0, xp.abs(a - 2 * b * peak))
    square = slope**2 + 4 * _DEPTH * b
    steep = square > _DEPTH**2  # otherwise the window is all of [0, 1]; no root of 0, for gradients
    fall = slope + xp.sqrt(xp.where(steep, square, _DEPTH**2))
    reach = 2 * _DEPTH / xp.where(fall > 2 * _DEPTH, fall, 2 * _DEPTH)
    start = xp.where(peak > reach, peak - reach, 0.0)
    end = xp.where(peak + reach < 1, peak + reach, 1.0)
    nodes, weights = _fejer(a)
    x = start[..., None] + (end - start)[..., None] * nodes
    exponent = a[..., None] * x - b[..., None] * x**2
    height = (a - b * peak) * peak
    share = weights * xp.exp(exponent - height[..., None])
    return Bell(start, end, height, x, exponent, weights, share)


def squeeze(value: Array) -> Array:
    """``value`` up to c = 64, ``c (1 + ln(value / c))`` above: increasing, without overflow."""
    xp = array_namespace(value)
    return xp.where(value > KNEE, squeeze_log(xp.log(xp.where(value > KNEE, value, KNEE))), value)


def squeeze_log(log_value: Array) -> Array:
    """`squeeze` of a value above c, from its logarithm."""
    return KNEE * (1 - math.log(KNEE) + log_value)


def unsqueeze_log(level: Array) -> Array:
    """ln of the value of which `squeeze` is `level`, for levels of at least c."""
    return level / KNEE - 1 + math.log(KNEE)


def _fejer(like: Array) -> tuple[Array, Array]:
    """Fejer's first rule on [0, 1]: nodes and weights, (_NODES,)."""
    xp = array_namespace(like)
    odd = 2 * xp.arange(_NODES, dtype=like.dtype, device=device(like)) + 1
    j = xp.arange(1, _NODES // 2 + 1, dtype=like.dtype, device=device(like))[:, None]
    # j * odd reduced by whole turns, exactly, before it meets pi
    cosines = xp.cos(math.pi / _NODES * xp.remainder(j * odd, 2 * xp.ones_like(odd) * _NODES))
    weights = (1 - 2 * xp.sum(cosines / (4 * j**2 - 1), axis=0)) / _NODES
    return (1 + xp.cos(math.pi / (2 * _NODES) * odd)) / 2, weights
