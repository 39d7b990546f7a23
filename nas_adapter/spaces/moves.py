"""Architectures that differ from one by a single change."""

from __future__ import annotations

from nas_adapter.spaces.base import NONE, Architecture, Space, nodes, real_choices


def one_edge_changes(space: Space, architecture: Architecture) -> list[Architecture]:
    """All architectures of `space` that are one change away, in a fixed order.

    A change gives one edge another operation. Where a node keeps `Space.inputs` of its edges, it
    does so for a kept edge, or drops a kept edge and keeps another one with any of its operations:
    the number of kept edges stays.

    >>> from nas_adapter.spaces import NASBench201, without
    >>> len(one_edge_changes(without(NASBench201(), ["none"]), (3,) * 6))
    18
    """
    offered = real_choices(space)
    found = []
    for edges in nodes(space):
        for edge in edges:
            if space.inputs is not None and space.operations[architecture[edge]] == NONE:
                continue
            found += [
                _changed(architecture, {edge: operation})
                for operation in offered[edge]
                if operation != architecture[edge]
            ]
            if space.inputs is not None:
                found += _swaps(space, architecture, edge, edges)
    return found


def _swaps(
    space: Space, architecture: Architecture, edge: int, edges: tuple[int, ...]
) -> list[Architecture]:
    """`edge` is dropped, and another edge of its node is kept instead."""
    none = space.operations.index(NONE)
    return [
        _changed(architecture, {edge: none, other: operation})
        for other in edges
        if architecture[other] == none
        for operation in real_choices(space)[other]
    ]


def _changed(architecture: Architecture, changes: dict[int, int]) -> Architecture:
    return tuple(changes.get(edge, operation) for edge, operation in enumerate(architecture))
