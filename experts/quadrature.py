"""Integrals of exp(a x - b x**2) over [0, 1], in the log domain, for any size of a and b >= 0.

The array API has no erf. The integrand is a piece of a bell: all of it but e**-36 of its height
lies in a window that is known in closed form, and there a Fejer rule with 48 nodes is exact to
about 1e-13. The nodes are computed where the arrays are: nothing is copied from the host.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from array_api_compat import array_namespace, device

from experts.types import Array

_NODES = 48
_DEPTH = 36.0  # e**-36 = 2e-16
KNEE = 64.0


class Bell(NamedTuple):
    """Integrals over x in [0, 1], each shaped as a and b, (..., K)."""

    log_mass: Array
    """ln of the integral of exp(a x - b x**2)"""
    log_mean: Array
    """ln of the integral of x exp(a x - b x**2)"""
    level: Array
    """`squeeze` of F = integral of (exp(a x - b x**2) - 1) / x; convex in a for b <= 1e8"""


def bell(a: Array, b: Array) -> Bell:
    """The three integrals; a (..., K), b >= 0 (..., K)."""
    xp = array_namespace(a)
    inside = (a > 0) & (a < 2 * b)
    peak = xp.where(inside, a / xp.where(inside, 2 * b, 1.0), xp.astype(a > 0, a.dtype))
    # Off the peak the exponent falls by b h**2 + slope h, the slope 0 unless the peak is an end.
    slope = xp.where(inside, 0.0, xp.abs(a - 2 * b * peak))
    fall = slope + xp.sqrt(slope**2 + 4 * _DEPTH * b)
    reach = 2 * _DEPTH / xp.where(fall > 2 * _DEPTH, fall, 2 * _DEPTH)
    start = xp.where(peak > reach, peak - reach, 0.0)
    end = xp.where(peak + reach < 1, peak + reach, 1.0)
    nodes, weights = _fejer(a)
    x = start[..., None] + (end - start)[..., None] * nodes
    exponent = a[..., None] * x - b[..., None] * x**2
    height = (a - b * peak) * peak
    share = weights * xp.exp(exponent - height[..., None])
    width = height + xp.log(end - start)
    log_mass = width + xp.log(xp.sum(share, axis=-1))
    log_mean = width + xp.log(xp.sum(share * x, axis=-1))
    # start > 0 only if height > _DEPTH: then the "- 1" is lost in the rounding of F
    above = width + xp.log(xp.sum(share / x, axis=-1))
    near = xp.expm1(xp.where(start[..., None] > 0, 0.0, exponent)) / x
    value = (end - start) * xp.sum(weights * near, axis=-1) + xp.log(end)
    return Bell(log_mass, log_mean, xp.where(start > 0, squeeze_log(above), squeeze(value)))


def squeeze(value: Array) -> Array:
    """``value`` up to c = 64, ``c (1 + ln(value / c))`` above: increasing, and never too large."""
    xp = array_namespace(value)
    return xp.where(value > KNEE, squeeze_log(xp.log(xp.where(value > KNEE, value, KNEE))), value)


def squeeze_log(log_value: Array) -> Array:
    """`squeeze` of a value above c, from its logarithm."""
    return KNEE * (1 - math.log(KNEE) + log_value)


def unsqueeze(level: Array) -> Array:
    """The inverse of `squeeze`."""
    xp = array_namespace(level)
    above = xp.where(level > KNEE, level / KNEE - 1, 0.0)
    return xp.where(level > KNEE, KNEE * xp.exp(above), level)


def _fejer(like: Array) -> tuple[Array, Array]:
    """Fejer's first rule on [0, 1]: nodes and weights, (_NODES,)."""
    xp = array_namespace(like)
    odd = 2 * xp.arange(_NODES, dtype=like.dtype, device=device(like)) + 1
    j = xp.arange(1, _NODES // 2 + 1, dtype=like.dtype, device=device(like))[:, None]
    # j * odd reduced by whole turns, exactly, before it meets pi
    cosines = xp.cos(math.pi / _NODES * xp.remainder(j * odd, 2 * xp.ones_like(odd) * _NODES))
    weights = (1 - 2 * xp.sum(cosines / (4 * j**2 - 1), axis=0)) / _NODES
    return (1 + xp.cos(math.pi / (2 * _NODES) * odd)) / 2, weights
