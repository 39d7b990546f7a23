"""Distributions over all paths of a graph, by dynamic programming.

A path is drawn from the sink back to the source: at every node, one of the edges into it. So a
distribution over paths is one for each node over the edges into it, and a round costs a few passes
over the edges, in the slots of `Levels`, however many paths there are.

Source: Takimoto & Warmuth 2003 (path kernels, weight pushing).
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, device

from experts.checks import check_components
from experts.ftrl import Entropy
from experts.numerics.masks import lowest
from experts.numerics.sampling import draw
from experts.structured.graph import Graph
from experts.structured.levels import Level, levels_of
from experts.types import Array


class Paths:
    """Passes over the levels of a graph; arrays (..., S) hold a number for every slot."""

    def __init__(self, graph: Graph) -> None:
        self.slots, self.component, self.slots_of, self.levels = levels_of(graph)

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

    Found by dynamic programming: what regret is measured against. ValueError for losses that are
    not finite, or not of the graph's components.

    Examples
    --------
    >>> import numpy as np
    >>> best_action(Graph.subsets(4, 2), np.asarray([3.0, 1.0, 2.0, 4.0]))
    array([False,  True,  True, False])
    """
    check_components("loss", loss, graph.dimension)
    xp, shape = array_namespace(loss), (*loss.shape[:-1], graph.uniforms)
    if not bool(xp.all(xp.isfinite(loss))):
        raise ValueError("loss must be finite, got nan or infinity")
    paths = Paths(graph)
    lead, _ = paths.relative(paths.spread(loss))
    chances, _ = paths.weigh(lead, 0.0 * loss[..., :1])
    middle = xp.full(shape, 0.5, dtype=loss.dtype, device=device(loss))
    return paths.components(paths.draw(chances, middle)) > 0


def _extended(values: Array) -> Array:
    """With a 0 after the last entry of each row, to which fillers point."""
    return array_namespace(values).concat([values, 0.0 * values[..., :1]], axis=-1)


def _taken(values: Array, index: Any) -> Array:
    """``values[..., index]``, with an index array of numpy."""
    xp = array_namespace(values)
    flat = xp.asarray(index.ravel(), device=device(values))
    return xp.reshape(xp.take(values, flat, axis=-1), (*values.shape[:-1], *index.shape))


def _flat(values: Array) -> Array:
    """(..., n, w) as (..., n * w)."""
    *batch, n, w = values.shape
    return array_namespace(values).reshape(values, (*batch, n * w))
