"""A space-filling start: the strata of a Latin hypercube that is balanced both ways."""

from __future__ import annotations

import numpy as np

from experts.structured.search.space import Space
from experts.types import Array


def latin(space: Space, rows: int, generator: np.random.Generator) -> Array:
    """Strata 0, ..., rows - 1 of the first points, (rows, E): each once on every dimension.

    Dimensions with the same options go through them in the same order, one row apart. So a point
    has as many different ones as it can, and each row tells of all of them.

    Source: McKay, Beckman & Conover 1979 (Latin hypercube); the shifts make it a Latin square.
    """
    strata = np.empty((rows, len(space.names)), dtype=np.int64)
    for group in np.unique(space.groups):
        order = generator.permutation(rows)
        for shift, at in enumerate(generator.permutation(np.flatnonzero(space.groups == group))):
            strata[:, at] = np.roll(order, shift)
    return strata
