"""`Graph`: a set of actions as the paths of a directed acyclic graph."""

from __future__ import annotations

import graphlib
import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from experts.numerics.arguments import whole

Edge = tuple[Hashable, Hashable]


@dataclass(frozen=True)
class Graph:
    """Actions that are the paths of a directed acyclic graph from its source to its sink.

    An action is the set of the components on its path, a vector in {0, 1}^d. Components are the
    edges themselves, unless several edges share one or some have none: so a graph also describes
    k of n (`subsets`), orders (`permutations`) and one choice after the other (`chain`).

    Parameters
    ----------
    edges
        (from, to) for each edge; nodes are any hashable values, edges may be parallel.
    source, sink
        Where the paths begin and end.
    components
        For each edge its component, 0, ..., d - 1, or None: it has no loss. Default: edge e is
        component e.

    Raises
    ------
    ValueError
        With the edge: one that is no pair, a circle, an edge that is on no path from source to
        sink, a path that would have a component twice, components not numbered 0, ..., d - 1.

    Examples
    --------
    >>> roads = Graph([("home", "ring"), ("home", "town"), ("ring", "town"), ("ring", "work"),
    ...                ("town", "work")], source="home", sink="work")
    >>> roads.count, roads.size
    (3, 3)
    >>> roads.actions().astype(int)
    array([[1, 0, 0, 1, 0],
           [0, 1, 0, 0, 1],
           [1, 0, 1, 0, 1]])
    """

    edges: Sequence[Edge]
    source: Hashable
    sink: Hashable
    components: Sequence[int | None] | None = None

    def __post_init__(self) -> None:
        edges = tuple(_pair(edge) for edge in self.edges)
        given = range(len(edges)) if self.components is None else self.components
        labels = tuple(None if part is None else whole("components", part, 0) for part in given)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "components", labels)
        self._check_components()
        self._check_paths()
        self._check_repeats()

    @classmethod
    def subsets(cls, n: int, k: int, options: int = 1) -> Graph:
        """All ways to keep exactly k of n items, with one of some options on each that is kept.

        Component ``item * options + option``, d = n options; C(n, k) options^k paths. With
        ``options`` operations and k = 2 it is what a node of DARTS's cell chooses from.

        Examples
        --------
        >>> Graph.subsets(3, 2).actions().astype(int)
        array([[0, 1, 1],
               [1, 0, 1],
               [1, 1, 0]])
        >>> Graph.subsets(5, 2, options=7).count  # C(5, 2) * 7**2
        490
        """
        n, k, options = whole("n", n), whole("k", k), whole("options", options)
        if k > n:
            raise ValueError(f"k must be at most n = {n}, got {k}")
        edges: list[Edge] = []
        components: list[int | None] = []
        for item, kept in itertools.product(range(n), range(k + 1)):
            here = (item, kept)
            if not max(0, k - n + item) <= kept <= min(item, k):
                continue  # too few items left, or more kept than there were
            if k - kept < n - item:
                edges.append((here, (item + 1, kept)))
                components.append(None)
            if kept < k:
                edges += [(here, (item + 1, kept + 1))] * options
                components += range(item * options, (item + 1) * options)
        return cls(edges, (0, 0), (n, k), components)

    @classmethod
    def permutations(cls, n: int) -> Graph:
        """All n! orders of n items; component ``place * n + item``, d = n**2.

        The nodes are the 2**n sets of items that are placed already: for n up to about 12.

        Examples
        --------
        >>> Graph.permutations(10).count
        3628800
        """
        n = whole("n", n)
        edges: list[Edge] = []
        components = []
        for placed in range(2**n):
            for item in range(n):
                if not placed >> item & 1:
                    edges.append((placed, placed | 1 << item))
                    components.append(placed.bit_count() * n + item)
        return cls(edges, 0, 2**n - 1, components)

    @classmethod
    def chain(cls, graphs: Iterable[Graph]) -> Graph:
        """One path through each of several graphs: all combinations of their actions.

        Components are those of the first graph, then those of the second, and so on.
        """
        edges: list[Edge] = []
        components: list[int | None] = []
        offset = 0
        parts = list(graphs)
        if not (parts and all(isinstance(part, Graph) for part in parts)):
            raise ValueError(f"graphs must hold at least one graph and no other, got {parts!r}")
        for index, graph in enumerate(parts):
            joints = {graph.source: (index,), graph.sink: (index + 1,)}
            edges += [
                (joints.get(tail, (index, tail)), joints.get(head, (index, head)))
                for tail, head in graph.edges
            ]
            components += [None if c is None else c + offset for c in graph.labels]
            offset += graph.dimension
        return cls(edges, (0,), (len(parts),), components)

    @property
    def labels(self) -> tuple[int | None, ...]:
        """The component of each edge."""
        assert isinstance(self.components, tuple)
        return self.components

    @cached_property
    def dimension(self) -> int:
        """d, the number of components."""
        return 1 + max((part for part in self.labels if part is not None), default=-1)

    @cached_property
    def count(self) -> int:
        """N, the number of paths, exactly."""
        return self._gathered(1, sum, lambda edge: 0)[self.sink]

    @property
    def log_count(self) -> float:
        """ln N."""
        return math.log(self.count)

    @cached_property
    def size(self) -> int:
        """m, the number of components in the largest action."""
        return self._gathered(0, max, lambda edge: self.labels[edge] is not None)[self.sink]

    @cached_property
    def depth(self) -> dict[Hashable, int]:
        """For every node the number of edges of the longest way to it."""
        return self._gathered(0, max, lambda edge: 1)

    @property
    def uniforms(self) -> int:
        """How many uniform numbers a draw takes: the number of edges of the longest path."""
        return self.depth[self.sink]

    @cached_property
    def order(self) -> list[Hashable]:
        """The nodes in topological order: the source first, the sink last."""
        before: dict[Hashable, list[Hashable]] = {self.source: []}
        for tail, head in self.edges:
            before.setdefault(head, []).append(tail)
        try:
            return list(graphlib.TopologicalSorter(before).static_order())
        except graphlib.CycleError as error:
            circle = " -> ".join(repr(node) for node in reversed(error.args[1]))
            raise ValueError(f"edges must not form a circle, got {circle}") from None

    @cached_property
    def into(self) -> dict[Hashable, list[int]]:
        """The numbers of the edges into each node."""
        found: dict[Hashable, list[int]] = {node: [] for node in self.order}
        for edge, (_, head) in enumerate(self.edges):
            found[head].append(edge)
        return found

    def actions(self, most: int = 10**6) -> np.ndarray:
        """All actions, bool (N, d), one for each path; ValueError if they are more than `most`."""
        if self.count > most:
            raise ValueError(f"the graph has {self.count} paths, more than most = {most}")
        found = np.zeros((self.count, self.dimension), dtype=bool)
        for row, path in zip(found, self._ways(self.sink), strict=True):
            labels = (self.labels[edge] for edge in path)
            row[[label for label in labels if label is not None]] = True
        return found

    def _ways(self, node: Hashable) -> Iterator[tuple[int, ...]]:
        """All paths from the source to a node."""
        if node == self.source:
            yield ()
        for edge in self.into[node]:
            for path in self._ways(self.edges[edge][0]):
                yield (*path, edge)

    def _gathered(
        self, first: int, join: Callable[[list[int]], int], step: Callable[[int], int]
    ) -> dict[Hashable, int]:
        """A number for every node: `first`, then `join` of those before it plus `step(edge)`."""
        found = {self.source: first}
        for node in self.order[1:]:
            found[node] = join([found[self.edges[e][0]] + step(e) for e in self.into[node]])
        return found

    def _check_components(self) -> None:
        if len(self.labels) != len(self.edges):
            raise ValueError(
                f"components must have one entry for each of the {len(self.edges)} edges, "
                f"got {len(self.labels)}"
            )
        used = {part for part in self.labels if part is not None}
        if not used or used != set(range(len(used))):
            raise ValueError(
                f"components must be numbered 0, ..., d - 1 without a gap, got {sorted(used)}"
            )

    def _check_paths(self) -> None:
        """Every edge is on a path from source to sink."""
        reached, reaching = {self.source}, {self.sink}
        into = self.into
        for node in self.order:
            if any(self.edges[edge][0] in reached for edge in into[node]):
                reached.add(node)
        for node in reversed(self.order):
            if node in reaching:
                reaching |= {self.edges[edge][0] for edge in into[node]}
        for tail, head in self.edges:
            if tail not in reached or head not in reaching:
                raise ValueError(
                    f"every edge must be on a path from source {self.source!r} to sink "
                    f"{self.sink!r}, got the edge {(tail, head)!r}"
                )

    def _check_repeats(self) -> None:
        """No path has a component twice: no edge comes before another one of its component."""
        bit = {node: 1 << index for index, node in enumerate(self.order)}
        before = dict(bit)  # for each node the nodes from which it can be reached, and itself
        for node in self.order:
            for edge in self.into[node]:
                before[node] |= before[self.edges[edge][0]]
        heads: dict[int, int] = {}
        for part, (_, head) in zip(self.labels, self.edges, strict=True):
            if part is not None:
                heads[part] = heads.get(part, 0) | bit[head]
        for part, (tail, head) in zip(self.labels, self.edges, strict=True):
            if part is not None and heads[part] & before[tail]:
                raise ValueError(
                    f"no path may have a component twice, got {part} on edge {(tail, head)!r} and "
                    "on one before it"
                )


def _pair(edge: Any) -> Edge:
    """An edge, checked."""
    try:
        tail, head = edge
        hash((tail, head))
    except (TypeError, ValueError):
        raise ValueError(
            f"edges must be pairs (from, to) of hashable nodes, got {edge!r}"
        ) from None
    return tail, head
