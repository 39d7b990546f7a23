"""Mixed edges and supernets: weighted sums of candidate operations, which can be removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

Weights = Tensor | Sequence[int]
"""Weights of all edges (E, K), or an architecture: the index of one operation for each edge."""


class MixedEdge(nn.Module):
    """The weighted sum of candidate operations, ``sum_i p_i f_i(x)``.

    It can be used in any network, with `nas_adapter.EdgeExperts` or without: give `forward` the
    edge's row of the distributions, and call `remove` for what was wiped out. (`forget` takes what
    was removed out of an optimiser.) The derivative in p_i is <d loss / d output, f_i(x)>.

    Parameters
    ----------
    operations
        Index of each operation that the edge still has -> its module. The output of a module
        has the shape of its input, or with a stride every `stride`-th row and column of it. None
        is the operation "none", whose output is zero and which costs nothing.
    stride
        1, or 2 on an edge that halves an image.

    Attributes
    ----------
    drop_path
        Chance with which, in training, the one operation of a discrete network is left out for
        an image; its output is scaled up to the same mean. Identities are never left out.
        Source: Larsson et al. 2017; as in DARTS.

    Examples
    --------
    >>> edge = MixedEdge({0: None, 1: nn.Identity(), 2: nn.Softplus()})
    >>> edge(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.5, 0.0]))
    tensor([0.5000, 1.0000])
    >>> edge.remove(2)
    >>> edge(torch.tensor([1.0, 2.0]), 1)
    tensor([1., 2.])
    """

    def __init__(self, operations: Mapping[int, nn.Module | None], stride: int = 1) -> None:
        super().__init__()
        self.stride, self.drop_path = stride, 0.0
        self.modules_by_index = nn.ModuleDict(
            {str(index): module for index, module in operations.items() if module is not None}
        )

    def forward(self, x: Tensor, weights: Tensor | int) -> Tensor:
        """Mix with `weights` (K,), or apply the one operation with this index."""
        if isinstance(weights, int):
            chosen = str(weights)
            if chosen in self.modules_by_index:
                return self._dropped(self.modules_by_index[chosen], x)
            return self.nothing(x)
        parts = weights.unbind()
        out = self.nothing(x)
        for index, module in self.modules_by_index.items():
            out = out + parts[int(index)] * module(x)
        return out

    def remove(self, operation: int) -> None:
        """Remove an operation with its parameters; it is no longer computed."""
        if str(operation) in self.modules_by_index:
            del self.modules_by_index[str(operation)]

    def nothing(self, x: Tensor) -> Tensor:
        """Zeros of the shape of an output."""
        return torch.zeros_like(x if self.stride == 1 else x[..., :: self.stride, :: self.stride])

    def _dropped(self, module: nn.Module, x: Tensor) -> Tensor:
        out: Tensor = module(x)
        if not self.training or self.drop_path == 0 or isinstance(module, nn.Identity):
            return out
        kept = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) >= self.drop_path
        return out * kept / (1 - self.drop_path)


class Supernet(nn.Module):
    """Base of every space's networks: E edges, each a choice among operations.

    A supernet has every operation on every edge, a discrete network has one; both are of the same
    class. A subclass implements `forward(x, weights)` and `mixed_edges`.
    """

    def mixed_edges(self, edge: int) -> Iterator[MixedEdge]:
        """All places where edge `edge` of the cell occurs, one for each cell of the stack."""
        raise NotImplementedError

    def set_drop_path(self, chance: float) -> None:
        """Set the drop-path chance of every edge; see `MixedEdge`."""
        for module in self.modules():
            if isinstance(module, MixedEdge):
                module.drop_path = chance

    def remove(self, edge: int, operation: int) -> None:
        """Remove an operation from an edge, in every cell."""
        for mixed in self.mixed_edges(edge):
            mixed.remove(operation)


def forget(optimizer: torch.optim.Optimizer, network: nn.Module) -> None:
    """Remove from `optimizer` the parameters that `network` no longer has, and their momentum."""
    kept = {id(parameter) for parameter in network.parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if id(parameter) not in kept:
                optimizer.state.pop(parameter, None)
        group["params"] = [parameter for parameter in group["params"] if id(parameter) in kept]
