"""A fan: the candidate operations of all edges that leave one node, computed together.

All edges of a fan read the same input x. So ReLU, pooling and the identity are computed once for
all of them, and convolutions of one kind are one convolution with their kernels side by side.

Every edge keeps its modules, and their parameters, for itself: names, checkpoints, removal and
discrete networks know nothing of fans. What was removed from an edge is not computed.

**An operation says how it can be computed with its like** by an attribute `kind`: modules of the
same kind differ in nothing but their parameters. A kind with parameters has a static method ::

    together(modules, source: Source, scale: Tensor (m C,)) -> Tensor (N, m C, H, W)

which gives the outputs of m such modules, side by side, times `scale`: C equal weights for each. A
kind without is computed once, by calling one of its modules. An operation without a kind is called
edge by edge, as `MixedEdge` does.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nas_adapter.supernets.supernet import MixedEdge, Weights


class Source:
    """A node's value x (N, C, H, W), in the forms that operations read; each is computed once."""

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self._copies: dict[int, Tensor] = {}

    @cached_property
    def relu(self) -> Tensor:
        """max(x, 0)."""
        return self.x.relu()

    def copies(self, count: int) -> Tensor:
        """`count` copies of `relu` side by side, (N, count C, H, W)."""
        if count == 1:
            return self.relu
        if count not in self._copies:
            self._copies[count] = torch.cat([self.relu] * count, 1)
        return self._copies[count]


class _Place(NamedTuple):
    """An operation of an edge."""

    edge: int
    module: nn.Module
    weight: Tensor
    """(C,), C equal ones"""


def nodes(
    inputs: Sequence[Tensor],
    ends: Sequence[tuple[int, int]],
    edges: Sequence[MixedEdge] | nn.ModuleList,
    weights: Weights,
) -> list[Tensor]:
    """All nodes of a cell: its inputs, then each node as the sum of the edges that go into it.

    Parameters
    ----------
    inputs
        The first nodes, (N, C, H, W).
    ends
        (target, source) of every edge, source < target.
    edges, weights
        What each edge computes, and the weights (E, K) of its operations or the index of one.
    """
    if not isinstance(weights, Tensor):
        return plain_nodes(inputs, ends, edges, weights)
    scales, found = _scales(weights, inputs[0]), list(inputs)
    mixed: list[Any] = list(edges)
    totals: dict[int, Tensor] = {}
    last = max(target for target, _ in ends)
    for source in range(last):
        if source >= len(inputs):
            found.append(totals[source])
        leaving = [edge for edge, (_, start) in enumerate(ends) if start == source]
        parts = fan(found[source], [mixed[e] for e in leaving], [scales[e] for e in leaving])
        for edge, part in zip(leaving, parts, strict=True):
            target = ends[edge][0]
            totals[target] = totals[target] + part if target in totals else part
    return [*found, totals[last]]


def plain_nodes(
    inputs: Sequence[Tensor],
    ends: Sequence[tuple[int, int]],
    edges: Sequence[MixedEdge] | nn.ModuleList,
    weights: Weights,
) -> list[Tensor]:
    """`nodes`, every edge by itself: what `nodes` is tested against, and how architectures run."""
    found = list(inputs)
    for node in range(len(inputs), 1 + max(target for target, _ in ends)):
        parts = [
            edges[edge](found[source], weights[edge])
            for edge, (target, source) in enumerate(ends)
            if target == node
        ]
        found.append(sum(parts[1:], parts[0]))
    return found


def _scales(weights: Tensor, x: Tensor) -> list[tuple[Tensor, ...]]:
    """The weight of each edge's operations, (C,) for x (N, C, H, W).

    They are copies and not views: batch normalisation of channels_last images reads a weight that
    is expanded from one number beyond its end, and the gradient is wrong.
    """
    precise = weights.to(torch.promote_types(x.dtype, torch.float32))
    copies = precise[..., None].expand(-1, -1, x.shape[1]).contiguous()
    return [row.unbind() for row in copies.unbind()]


def fan(x: Tensor, edges: Sequence[MixedEdge], scales: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The outputs of `edges`, which all read x (N, C, H, W).

    Parameters
    ----------
    scales
        For each edge the weights of its K operations: (C,), C equal numbers.
    """
    groups: dict[Hashable, list[_Place]] = {}
    for edge, (mixed, weights) in enumerate(zip(edges, scales, strict=True)):
        for index, module in mixed.modules_by_index.items():
            kind = _kind(module) or (edge, index)
            groups.setdefault(kind, []).append(_Place(edge, module, weights[int(index)]))
    source, shared = Source(x), []
    side_by_side: dict[tuple[int, ...], Tensor] = {}
    for kind, places in groups.items():
        first: Any = places[0].module
        if _kind(first) != kind or not hasattr(first, "together"):
            shared.append((first(x), places))
            continue
        scale = torch.cat([place.weight for place in places])
        out = first.together([place.module for place in places], source, scale)
        on = tuple(place.edge for place in places)
        side_by_side[on] = side_by_side[on].add_(out) if on in side_by_side else out
    return _sums(x, edges, side_by_side, shared)


def _sums(
    x: Tensor,
    edges: Sequence[MixedEdge],
    side_by_side: dict[tuple[int, ...], Tensor],
    shared: list[tuple[Tensor, list[_Place]]],
) -> list[Tensor]:
    """Of every edge: its blocks of what is side by side, and shared values times its weights."""
    parts: list[list[Tensor]] = [[] for _ in edges]
    for on, values in side_by_side.items():
        for edge, block in zip(on, values.chunk(len(on), 1), strict=True):
            parts[edge].append(block)
    sums: list[Tensor | None] = [sum(part[1:], part[0]) if part else None for part in parts]
    for value, places in shared:
        for edge, _, weight in places:
            total, scale = sums[edge], weight[:, None, None]
            sums[edge] = value * scale if total is None else torch.addcmul(total, value, scale)
    return [
        mixed.nothing(x) if total is None else total
        for mixed, total in zip(edges, sums, strict=True)
    ]


def _kind(module: nn.Module) -> Hashable | None:
    """The module's kind; None for a module with hooks, whose every call is to be seen."""
    if module._forward_hooks or module._forward_pre_hooks:
        return None
    return getattr(module, "kind", None)
