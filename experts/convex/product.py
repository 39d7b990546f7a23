"""Products of domains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from experts.convex.domains import Domain, checked
from experts.numerics.arguments import whole
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Product:
    """The product of domains: the last axis is split among them.

    Parameters
    ----------
    parts
        (domain, its dimension) for each, in the order of the coordinates.
    """

    parts: tuple[tuple[Domain, int], ...]
    round: ClassVar[bool] = False

    def __post_init__(self) -> None:
        try:
            pairs = [(checked(part), size) for part, size in self.parts]
        except TypeError:
            message = f"parts must be pairs (domain, dimension), got {self.parts!r}"
            raise ValueError(message) from None
        parts = tuple((part, whole("parts: dimension", size)) for part, size in pairs)
        for part, size in parts:
            if part.dimension not in {None, size}:
                raise ValueError(f"parts has {part!r} in dimension {size}")
        if not parts:
            raise ValueError("parts must hold at least one domain, got none")
        object.__setattr__(self, "parts", parts)

    @property
    def dimension(self) -> int | None:
        """The sum of the parts' dimensions."""
        return sum(size for _, size in self.parts)

    @property
    def bounded(self) -> bool:
        """Whether all parts are."""
        return all(part.bounded for part, _ in self.parts)

    def start(self, like: Array) -> Array:
        """The parts' starts."""
        return self._joined([part.start(x) for part, x in self._split(like)])

    def project(self, point: Array, weight: Array | None = None) -> Array:
        """Part by part."""
        weights: Sequence[Array | None] = [weight] * len(self.parts)
        if weight is not None and weight.shape[-1] == point.shape[-1]:
            weights = [each for _, each in self._split(weight)]
        split = zip(self._split(point), weights, strict=True)
        return self._joined([part.project(x, each) for (part, x), each in split])

    def minimise(self, gradient: Array) -> Array:
        """Part by part."""
        return self._joined([part.minimise(g) for part, g in self._split(gradient)])

    def contains(self, point: Array, slack: float = 0.0) -> Array:
        """Whether every part contains its coordinates."""
        inside = [part.contains(x, slack) for part, x in self._split(point)]
        xp = array_namespace(point)
        return xp.all(xp.stack(inside, axis=-1), axis=-1)

    def diameter(self, dimension: int) -> float:
        """The root of the sum of the parts' squares."""
        return math.hypot(*(part.diameter(size) for part, size in self.parts))

    def reach(self, dimension: int) -> float:
        """The root of the sum of the parts' squares."""
        return math.hypot(*(part.reach(size) for part, size in self.parts))

    def width(self, dimension: int) -> float:
        """The largest of the parts'."""
        return max(part.width(size) for part, size in self.parts)

    def _split(self, array: Array) -> list[tuple[Domain, Array]]:
        split, first = [], 0
        for part, size in self.parts:
            split.append((part, array[..., first : first + size]))
            first += size
        return split

    def _joined(self, arrays: list[Array]) -> Array:
        return array_namespace(*arrays).concat(arrays, axis=-1)
