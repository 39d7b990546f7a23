"""The simplex, and the capped simplex, as a domain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from experts.convex.domains import relative_weight
from experts.numerics.parameters import number
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Simplex:
    """The simplex {x >= 0: sum x = total}, capped if `cap` is given: x <= cap too.

    ``Simplex()`` holds the distributions, ``Simplex(m, cap=1)`` the means of the sets of m out of
    d components. `start` is uniform.

    Parameters
    ----------
    total
        The sum of the coordinates, > 0.
    cap
        The largest coordinate, > 0; None: total. Points exist if d cap >= total.
    """

    total: float = 1.0
    cap: float | None = None
    dimension: ClassVar[int | None] = None
    bounded: ClassVar[bool] = True
    round: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", number("total", self.total))
        if self.cap is not None:
            object.__setattr__(self, "cap", number("cap", self.cap))

    def start(self, like: Array) -> Array:
        """``total / d``; ValueError if that is above the cap."""
        each = self.total / like.shape[-1]
        if each > self._most:
            raise ValueError(
                f"{self!r} needs at least {math.ceil(self.total / self._most)} coordinates, "
                f"got {like.shape[-1]}"
            )
        return array_namespace(like).zeros_like(like) + each

    def project(self, point: Array, weight: Array | None = None) -> Array:
        """``clip(y - tau / w, 0, cap)``, with the tau for which it sums to total.

        As tau falls the sum grows from 0 along straight lines that meet where a coordinate leaves
        0 or comes to the cap; these 2d values are sorted, and the line that crosses total is
        solved. Two steps of Newton's method then mend what the running sums have lost.
        """
        xp = array_namespace(point)
        each = 0.0 * point + 1.0
        if weight is not None and weight.shape[-1] == point.shape[-1] > 1:
            each = each / relative_weight(weight)
        else:  # tau lies within a cap below the pivot: what is beyond does not matter
            fewest = math.ceil(self.total / self._most - 1e-9)
            pivot = xp.sort(point, axis=-1, descending=True)[..., fewest - 1 : fewest]
            point = xp.clip(point - pivot, -self._most, self._most)
        ends = xp.concat([point / each, (point - self._most) / each], axis=-1)
        turns = xp.concat([each, -each], axis=-1)
        order = xp.argsort(ends, axis=-1, descending=True)
        ends = xp.take_along_axis(ends, order, axis=-1)
        slope = xp.cumulative_sum(xp.take_along_axis(turns, order, axis=-1), axis=-1)
        slope = xp.where(slope > 0, slope, 0.0)
        rise = slope[..., :-1] * (ends[..., :-1] - ends[..., 1:])
        height = xp.concat([0.0 * point[..., :1], xp.cumulative_sum(rise, axis=-1)], axis=-1)
        # The last end at which the sum is below total: ends fall, heights grow.
        below = height < self.total
        last = below & xp.concat([~below[..., 1:], below[..., :1]], axis=-1)
        place, here, steep = (
            xp.sum(xp.where(last, value, 0.0), axis=-1, keepdims=True)
            for value in (ends, height, slope)
        )
        tau = place - (self.total - here) / xp.where(steep > 0, steep, 1.0)
        for _ in range(2):
            moved = point - tau * each
            active = xp.sum(
                xp.where((moved > 0) & (moved < self._most), each, 0.0), axis=-1, keepdims=True
            )
            excess = xp.sum(xp.clip(moved, 0.0, self._most), axis=-1, keepdims=True) - self.total
            tau = tau + xp.where(active > 0, excess / xp.where(active > 0, active, 1.0), 0.0)
        found = xp.clip(point - tau * each, 0.0, self._most)
        return found * (self.total / xp.sum(found, axis=-1, keepdims=True))

    def minimise(self, gradient: Array) -> Array:
        """Cap where the gradient is smallest, until total is spent; ties: the first."""
        xp = array_namespace(gradient)
        order = xp.argsort(gradient, axis=-1, stable=True)
        rank = xp.astype(xp.argsort(order, axis=-1, stable=True), gradient.dtype)
        return xp.clip(self.total - rank * self._most, 0.0, self._most)

    def contains(self, point: Array, slack: float = 0.0) -> Array:
        """``-slack <= x <= cap + slack`` and ``|sum x - total| <= slack``."""
        xp = array_namespace(point)
        inside = xp.all((point >= -slack) & (point <= self._most + slack), axis=-1)
        return inside & (xp.abs(xp.sum(point, axis=-1) - self.total) <= slack)

    def diameter(self, dimension: int) -> float:
        """``sqrt(2) |vertex|``, or of the simplex of what is missing to the cap, if smaller.

        No more, as points have no negative coordinates; two vertices apart reach it if there is
        room for both.
        """
        missing = dimension * self._most - self.total
        least = min(self.total, max(missing, 0.0))
        return math.sqrt(2 * self._square(least))

    def reach(self, dimension: int) -> float:
        """The distance from the centre to a vertex."""
        return math.sqrt(max(0.0, self._square(self.total) - self.total**2 / dimension))

    def width(self, dimension: int) -> float:
        """Cap, or total if that is smaller."""
        return self._most

    @property
    def _most(self) -> float:
        return self.total if self.cap is None else min(self.cap, self.total)

    def _square(self, total: float) -> float:
        """|x|**2 of a vertex with this sum."""
        full = math.floor(total / self._most)
        return full * self._most**2 + (total - full * self._most) ** 2
