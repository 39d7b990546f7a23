"""The trivial advisor: the architecture with the most parameters."""

from __future__ import annotations

import torch

from nas_adapter.scores import parameters
from nas_adapter.spaces import NONE, Architecture, Size, Space, genotype


def count_parameters(space: Space, size: Size, architecture: Architecture) -> float:
    """Parameters of the discrete network."""
    chosen = [[operation] for operation in architecture]
    return parameters(space.network(size, chosen, search=False))


def largest(space: Space, size: Size) -> Architecture | None:
    """The architecture whose discrete network has the most parameters; None if all have as many.

    Parameters add up over the edges: each operation's are those that it adds on its edge to a cell
    that is otherwise empty (or, without "none", has every edge's first operation). Ties go to the
    operation that the space names first.
    """
    none = space.operations.index(NONE) if NONE in space.operations else None
    empty = tuple(offered[0] if none is None else none for offered in space.choices)
    least = count_parameters(space, size, empty)
    added = torch.zeros(len(space.edges), len(space.operations), dtype=torch.float64)
    for edge, offered in enumerate(space.choices):
        for operation in offered:
            cell = (*empty[:edge], operation, *empty[edge + 1 :])
            added[edge, operation] = count_parameters(space, size, cell) - least
    if bool((added == 0).all()):
        return None
    return genotype.read(space, "additive", added, seed=0)
