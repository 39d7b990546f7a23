"""What trials suggested, as the dimensions of a search with the conditions among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Sequence
from decimal import Decimal
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

MOST_OPTIONS = 64
"""Of a dimension. A parameter with more is left to the independent sampler."""

Point = dict[str, Any]
"""A trial's options, by the parameter's name."""


def options(distribution: BaseDistribution) -> list[Any]:
    """The values of a distribution in their order, if there are 2 to 64; else none.

    None, too, of categorical choices that hold nan, or equal ones like 1 and True, and of steps
    that are lost in rounding, so that Optuna takes a value for none of the distribution's.
    """
    if isinstance(distribution, CategoricalDistribution):
        found = list(distribution.choices)
        plain = all(isinstance(o, Hashable) and o == o for o in found)  # noqa: PLR0124  (nan)
        usable = plain and len(set(found)) == len(found)
        return found if usable and 2 <= len(found) <= MOST_OPTIONS else []
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.step is None:
        return []
    low, high, step = (
        Decimal(str(number)) for number in (distribution.low, distribution.high, distribution.step)
    )
    count = int((high - low) / step) + 1
    if not 2 <= count <= MOST_OPTIONS:
        return []
    kind = int if isinstance(distribution, IntDistribution) else float
    grid = [kind(low + i * step) for i in range(count)]
    return grid if all(distribution._contains(value) for value in grid) else []


def conditions(
    points: Sequence[Point], partial: Sequence[Point] = ()
) -> dict[str, dict[str, list[Any]]]:
    """When each dimension is active, as in `Choice.when`: what explains some points.

    A dimension that is in all points always is. Of another one, a condition is on a dimension that
    is there whenever it is, and allows the options that were seen then. Every point without it must
    break a condition. Conditions are added one by one: that which most of the points break that
    break none so far; of equals, that on the dimension with the fewest options seen. A dimension
    that conditions cannot explain is left out.

    Parameters
    ----------
    partial
        Points that may lack dimensions that are active: they only show what is allowed.
    """
    every = [*points, *partial]
    counts = Counter(name for point in every for name in point)
    seen = {name: len({point[name] for point in every if name in point}) for name in counts}
    found: dict[str, dict[str, list[Any]]] = {}
    for name, _ in counts.most_common():  # a condition is on a dimension that is there more often
        there = [point for point in every if name in point]
        allowed = {
            other: dict.fromkeys(point[other] for point in there)
            for other in found
            if all(other in point for point in there)
        }
        when: dict[str, list[Any]] = {}
        left = [point for point in points if name not in point]
        while left:
            broken = {
                other: sum(_breaks(point, other, values) for point in left)
                for other, values in allowed.items()
            }
            best = max(broken, key=lambda other: (broken[other], -seen[other]), default="")
            if not broken.get(best):
                break
            when[best] = list(allowed[best])
            left = [point for point in left if not _breaks(point, best, allowed[best])]
        else:
            found[name] = when
    return found


def _breaks(point: Point, name: str, allowed: Container[Any]) -> bool:
    """Whether a point has an option that is not allowed; not if it has none."""
    return name in point and point[name] not in allowed
