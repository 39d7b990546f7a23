"""Distributions over all paths of a graph, by dynamic programming.

A path is drawn from the sink back to the source: at every node, one of the edges into it. So a
distribution over paths is one for each node over the edges into it, and a round costs a few passes
over the edges, however many paths there are.

A pass takes nodes together in *levels*: a node's level is the number of edges of the longest way to
it. Edges are held in *slots*, S in all: level by level, node by node, as many for each node of a
level as the one with most edges needs.

Source: Takimoto & Warmuth 2003 (path kernels, weight pushing).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from experts.ftrl import Entropy
from experts.numerics.masks import lowest
from experts.numerics.sampling import draw
from experts.structured.graph import Graph
from experts.types import Array


class Level(NamedTuple):
    """The n nodes of a level, with at most w edges into and v out of each; arrays of numpy."""

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


class Paths:
    """A graph made ready for passes over its levels."""

    def __init__(self, graph: Graph) -> None:
        depth = {graph.source: 0}
        for node in graph.order[1:]:
            depth[node] = 1 + max(depth[graph.edges[edge][0]] for edge in graph.into[node])
        rows: list[list[Any]] = [[] for _ in range(1 + depth[graph.sink])]
        for node in graph.order:
            rows[depth[node]].append(node)
        number = {node: index for index, node in enumerate(node for row in rows for node in row)}
        self.slots = 0
        slot: dict[int, int] = {}
        for row in rows[1:]:
            width = max(len(graph.into[node]) for node in row)
            for node in row:
                slot |= {edge: self.slots + place for place, edge in enumerate(graph.into[node])}
                self.slots += width
        out: dict[Any, list[int]] = {node: [] for node in graph.order}
        component = np.full(self.slots, graph.dimension)
        slots: list[list[int]] = [[] for _ in range(graph.dimension)]
        for edge, ((tail, _), label) in enumerate(zip(graph.edges, graph.labels, strict=True)):
            out[tail].append(slot[edge])
            if label is not None:
                component[slot[edge]] = label
                slots[label].append(slot[edge])
        self.component = component
        """(S,): the component of every slot; d where there is none"""
        self.slots_of = _padded(slots, self.slots)
        """(d, .): the slots of every component, then S"""
        self.levels: list[Level] = []
        """all but that of the source"""
        end = 0
        for row in rows[1:]:
            into = [[number[graph.edges[edge][0]] for edge in graph.into[node]] for node in row]
            tails = _padded(into, -1)
            start, end = end, end + tails.size
            leaving = _padded([out[node] for node in row], self.slots)
            self.levels.append(Level(start, end, np.maximum(tails, 0), tails >= 0, leaving))

    def spread(self, loss: Array) -> Array:
        """Losses of components (..., d) on their slots, (..., S)."""
        return _taken(_extended(loss), self.component)

    def components(self, flow: Array) -> Array:
        """The sum over its slots for every component, (..., d), of `flow` (..., S)."""
        return array_namespace(flow).sum(_taken(_extended(flow), self.slots_of), axis=-1)

    def relative(self, cost: Array) -> tuple[Array, Array]:
        """Costs (..., S) less the best path's: (..., S), and the cost of the best path, (..., 1).

        All are >= 0; those of a path add up to its cost less the best path's, and those of the best
        way from the source to any node are 0. (Each is d(from) + cost - d(to), d the shortest way.)
        """
        xp = array_namespace(cost)
        shortest, leads = 0.0 * cost[..., :1], []
        for level in self.levels:
            way = _taken(shortest, level.tails) + self._level(cost, level)
            real = xp.asarray(level.real, device=device(cost))
            best = lowest(way, real)
            leads.append(_flat(xp.where(real, way - best, 0.0)))
            shortest = xp.concat([shortest, best[..., 0]], axis=-1)
        return xp.concat(leads, axis=-1), shortest[..., -1:]

    def weigh(self, lead: Array, scale: Array) -> tuple[Array, Array]:
        """Paths in proportion to exp(-cost / scale), from what `relative` gave.

        Returns
        -------
        chances : (..., S)
            For every node the probabilities of the edges into it.
        log_total : (..., 1)
            ln of the sum of the weights, between 0 and ln N; at scale 0 of the number of paths
            that cost 0.
        """
        xp = array_namespace(lead)
        log_sum, chances = 0.0 * lead[..., :1], []
        for level in self.levels:
            real = xp.asarray(level.real, device=device(lead))
            before = _taken(log_sum, level.tails)
            here = self._level(lead, level)
            chance, total = Entropy().weights(here, scale[..., None], real, before)
            chances.append(_flat(chance))
            log_sum = xp.concat([log_sum, total[..., 0]], axis=-1)
        return xp.concat(chances, axis=-1), log_sum[..., -1:]

    def flow(self, chances: Array) -> Array:
        """The probability that the path uses the edge, (..., S)."""
        xp = array_namespace(chances)
        none = 0.0 * chances[..., :1]
        flow, reached = none, none[..., None] + 1.0  # the sink is on every path
        for level in reversed(self.levels):
            if level.end < self.slots:
                leaving = _taken(flow, level.out - level.end)
                reached = xp.sum(leaving, axis=-1, keepdims=True)
            flow = xp.concat([_flat(reached * self._level(chances, level)), flow], axis=-1)
        return flow[..., :-1]

    def draw(self, chances: Array, uniforms: Array) -> Array:
        """The `flow` of one path that is drawn, 0 or 1: (..., S), from uniforms (..., levels)."""
        xp = array_namespace(chances)
        chosen = [
            _flat(draw(self._level(chances, level), uniforms[..., index : index + 1, None]))
            for index, level in enumerate(self.levels)
        ]
        return self.flow(xp.astype(xp.concat(chosen, axis=-1), chances.dtype))

    def _level(self, values: Array, level: Level) -> Array:
        """What is in the slots of a level, (..., n, w)."""
        xp = array_namespace(values)
        shape = (*values.shape[:-1], *level.real.shape)
        return xp.reshape(values[..., level.start : level.end], shape)


def best_action(graph: Graph, loss: Array) -> Array:
    """An action of the smallest total loss, bool (..., d), for losses of components (..., d).

    Found by dynamic programming: what regret is measured against.

    Examples
    --------
    >>> best_action(Graph.subsets(4, 2), np.asarray([3.0, 1.0, 2.0, 4.0]))
    array([False,  True,  True, False])
    """
    paths = Paths(graph)
    lead, _ = paths.relative(paths.spread(loss))
    chances, _ = paths.weigh(lead, 0.0 * loss[..., :1])
    middle = array_namespace(loss).concat([0.0 * loss[..., :1] + 0.5] * graph.uniforms, axis=-1)
    return paths.components(paths.draw(chances, middle)) > 0


def _padded(rows: Sequence[Sequence[int]], fill: int) -> np.ndarray:
    """Rows of different lengths as one array (rows, longest)."""
    width = max(1, *(len(row) for row in rows))
    return np.asarray([[*row, *[fill] * (width - len(row))] for row in rows])


def _extended(values: Array) -> Array:
    """With a 0 after the last entry of each row, to which fillers point."""
    return array_namespace(values).concat([values, 0.0 * values[..., :1]], axis=-1)


def _taken(values: Array, index: np.ndarray) -> Array:
    """``values[..., index]``."""
    xp = array_namespace(values)
    flat = xp.asarray(index.ravel(), device=device(values))
    return xp.reshape(xp.take(values, flat, axis=-1), (*values.shape[:-1], *index.shape))


def _flat(values: Array) -> Array:
    """(..., n, w) as (..., n * w)."""
    xp = array_namespace(values)
    return xp.reshape(values, (*values.shape[:-2], -1))
