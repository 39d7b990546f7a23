"""Mixed edges: every candidate operation at once, weighted; a wiped-out one is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

Weights = Tensor | Sequence[int]
"""Weights of all edges (E, K), or an architecture: the index of one operation for each edge."""


class MixedEdge(nn.Module):
    """The weighted sum of candidate operations, ``sum_i p_i f_i(x)``.

    Parameters
    ----------
    operations
        Index of each operation that the edge still has -> its module. The output of a module
        has the shape of its input. None stands for the operation "none", whose output is zero
        and which costs nothing.
    """

    def __init__(self, operations: Mapping[int, nn.Module | None]) -> None:
        super().__init__()
        self.modules_by_index = nn.ModuleDict(
            {str(index): module for index, module in operations.items() if module is not None}
        )

    def forward(self, x: Tensor, weights: Tensor | int) -> Tensor:
        """Mix with `weights` (K,), or apply the one operation with this index."""
        if isinstance(weights, int):
            chosen = str(weights)
            if chosen in self.modules_by_index:
                return self.modules_by_index[chosen](x)  # type: ignore[no-any-return]
            return torch.zeros_like(x)
        parts = weights.unbind()
        out = torch.zeros_like(x)
        for index, module in self.modules_by_index.items():
            out = out + parts[int(index)] * module(x)
        return out

    def remove(self, operation: int) -> None:
        """Drop an operation: its parameters and its compute are gone."""
        if str(operation) in self.modules_by_index:
            del self.modules_by_index[str(operation)]


class Supernet(nn.Module):
    """Base of all networks of all spaces: E edges, each a choice among operations.

    A supernet has every operation on every edge; a discrete network has one. They are the same
    class. A subclass implements `forward(x, weights)` and `mixed_edges`.
    """

    def mixed_edges(self, edge: int) -> Iterator[MixedEdge]:
        """All places where edge `edge` of the cell occurs, one for each cell of the stack."""
        raise NotImplementedError

    def remove(self, edge: int, operation: int) -> None:
        """Remove an operation from an edge, in every cell."""
        for mixed in self.mixed_edges(edge):
            mixed.remove(operation)


def forget(optimizer: torch.optim.Optimizer, network: nn.Module) -> None:
    """Let go of the parameters that `network` no longer has, and of their momentum."""
    kept = {id(parameter) for parameter in network.parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if id(parameter) not in kept:
                optimizer.state.pop(parameter, None)
        group["params"] = [parameter for parameter in group["params"] if id(parameter) in kept]
