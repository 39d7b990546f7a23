"""A graph made ready for passes over its edges: index arrays of numpy, made once on the host.

A pass takes nodes together in *levels*: a node's level is the number of edges of the longest way to
it. Edges are held in *slots*, S in all: level by level, node by node, as many for each node of a
level as the one with most edges needs.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from experts.structured.graph import Graph


class Level(NamedTuple):
    """The n nodes of a level, with at most w edges into and v out of each."""

    start: int
    """the first of its n * w slots"""
    end: int
    """the one after the last"""
    tails: np.ndarray
    """(n, w): the node that each edge comes from, numbered in the order of levels"""
    real: np.ndarray
    """bool (n, w): whether the slot has an edge"""
    out: np.ndarray
    """(n, v): the slots of the edges out of each node; S where there is none"""


class Levels(NamedTuple):
    """The levels of a graph, and which components its slots have."""

    slots: int
    """S"""
    component: np.ndarray
    """(S,): the component of every slot; d where there is none"""
    slots_of: np.ndarray
    """(d, .): the slots of every component, then S"""
    levels: tuple[Level, ...]
    """all but that of the source; the sink is alone in the last one"""


def levels_of(graph: Graph) -> Levels:
    """The levels of a graph."""
    rows = _rows(graph)
    slot, slots = _slots(graph, rows)
    out: dict[Hashable, list[int]] = {node: [] for node in graph.order}
    component = np.full(slots, graph.dimension)
    slots_of: list[list[int]] = [[] for _ in range(graph.dimension)]
    for edge, ((tail, _), label) in enumerate(zip(graph.edges, graph.labels, strict=True)):
        out[tail].append(slot[edge])
        if label is not None:
            component[slot[edge]] = label
            slots_of[label].append(slot[edge])
    number = {node: index for index, node in enumerate(node for row in rows for node in row)}
    levels, end = [], 0
    for row in rows[1:]:
        into = [[number[graph.edges[edge][0]] for edge in graph.into[node]] for node in row]
        tails = _padded(into, -1)
        start, end = end, end + tails.size
        leaving = _padded([out[node] for node in row], slots)
        levels.append(Level(start, end, np.maximum(tails, 0), tails >= 0, leaving))
    return Levels(slots, component, _padded(slots_of, slots), tuple(levels))


def _rows(graph: Graph) -> list[list[Hashable]]:
    """The nodes of every level."""
    depth = graph.depth
    rows: list[list[Hashable]] = [[] for _ in range(1 + depth[graph.sink])]
    for node in graph.order:
        rows[depth[node]].append(node)
    return rows


def _slots(graph: Graph, rows: list[list[Hashable]]) -> tuple[dict[int, int], int]:
    """The slot of every edge, and how many slots there are."""
    slot, slots = dict[int, int](), 0
    for row in rows[1:]:
        width = max(len(graph.into[node]) for node in row)
        for node in row:
            slot |= {edge: slots + place for place, edge in enumerate(graph.into[node])}
            slots += width
    return slot, slots


def _padded(rows: Sequence[Sequence[int]], fill: int) -> np.ndarray:
    """Rows of different lengths as one array (rows, longest)."""
    width = max(1, *(len(row) for row in rows))
    return np.asarray([[*row, *[fill] * (width - len(row))] for row in rows])
