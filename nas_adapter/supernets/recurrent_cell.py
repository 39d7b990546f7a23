"""The recurrent cell of DARTS, with all candidate operations mixed or with one architecture.

It takes a token's embedding x and the hidden state h after the token before, both of width H:

    s_0 = h + sigmoid(c) (tanh(u) - h),                       [c, u] = [x, h] W_0
    s_i = sum over edges i<-j of s_j + sigmoid(c) (f(u) - s_j),   [c, u] = s_j W_i

where f is the operation of the edge. An edge with "none" contributes nothing, not even s_j. The
new hidden state is the mean of s_1 ... s_8. The matrix W_i belongs to the node: its edges and
operations share it. In a search, a node has edges from all nodes before it and every s_i is
normalised over the batch; an architecture keeps one edge a node and normalises nothing.

Where this differs from the authors' code: their normalisation keeps one running mean and variance,
shared by s_0 ... s_8, and evaluates the supernet with it; here the statistics are always those of
the current batch, so that no operation's are stale.

Source: Liu et al. 2019, Section 3.1.2; Zilly et al. 2017 (recurrent highway networks).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nas_adapter.supernets.supernet import Weights

NODES = 8
ENDS = tuple((target, source) for target in range(1, NODES + 1) for source in range(target))
Function = Callable[[Tensor], Tensor] | None
FUNCTIONS: dict[str, Function] = {
    "none": None,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda x: x,
}
"""The operations: name -> activation function f. A new one is a new line here."""
OPERATIONS = tuple(FUNCTIONS)
WEIGHT_RANGE = 0.04
"""Matrices start uniform in [-WEIGHT_RANGE, WEIGHT_RANGE]."""


class Shares(NamedTuple):
    """Weights of a node's edges, of those n that still offer an operation."""

    total: Tensor
    """(n, 1, 1): sum over the operations"""
    by_operation: dict[int, Tensor]
    """(rows, 1, 1): weights of each operation, on those edges that still offer it"""


Plan = Sequence[Shares | Sequence[int]]
"""Weights of every node's edges, or the indices of their operations."""


class Cell(nn.Module):
    """The recurrent cell; `choices` says what each edge offers of the operations `functions`."""

    def __init__(
        self,
        width: int,
        choices: Sequence[Sequence[int]],
        functions: Sequence[Function],
        *,
        search: bool,
    ) -> None:
        super().__init__()
        self.weight = _uniform(2 * width, 2 * width)
        self.nodes = nn.ModuleList(
            Node(width, choices[start : start + sources], functions)
            for sources, start in zip(range(1, NODES + 1), _starts(), strict=True)
        )
        self.norm: nn.Module = nn.Identity()
        if search:
            self.norm = nn.BatchNorm1d(width, affine=False, track_running_stats=False)

    def plan(self, weights: Weights) -> Plan:
        """The weights in the form that `forward` takes: the same at all positions of a window."""
        rows = [
            weights[start : start + sources]
            for sources, start in zip(range(1, NODES + 1), _starts(), strict=True)
        ]
        if isinstance(weights, Tensor):
            return [node.shares(row) for node, row in zip(self.nodes, rows, strict=True)]  # type: ignore[operator]
        return rows  # type: ignore[return-value]

    def forward(self, x: Tensor, hidden: Tensor, plan: Plan, dropout_mask: Tensor | None) -> Tensor:
        """The hidden state after x; all (B, H). `dropout_mask` is applied to a matrix's inputs."""
        entering = torch.cat([x, hidden if dropout_mask is None else hidden * dropout_mask], -1)
        gate, candidate = (entering @ self.weight).chunk(2, -1)
        states = [self.norm(torch.lerp(hidden, candidate.tanh(), gate.sigmoid()))]
        for node, share in zip(self.nodes, plan, strict=True):
            states.append(self.norm(node(states, share, dropout_mask)))
        return torch.stack(states[1:]).mean(0)

    def remove(self, edge: int, operation: int) -> None:
        """Drop an operation from an edge."""
        target, source = ENDS[edge]
        self.nodes[target - 1].remove(source, operation)  # type: ignore[operator]


class Node(nn.Module):
    """A node of the cell: its matrix, and the operations that each of its edges still offers.

    All edges that offer an operation are computed at once. With p the weights of edge i<-j and sums
    over the operations that it offers besides "none",

        sum_k p_k (s_j + g (f_k(u) - s_j)) = (1 - g) P s_j + g sum_k p_k f_k(u),  P = sum_k p_k.
    """

    index: Tensor
    """(n,) the sources of the edges that are computed"""
    mask: Tensor
    """(n, K) 1 where such an edge offers an operation"""

    def __init__(
        self, width: int, choices: Sequence[Sequence[int]], functions: Sequence[Function]
    ) -> None:
        super().__init__()
        self.activations = {i: f for i, f in enumerate(functions) if f is not None}
        self.count = len(functions)
        self.weight = _uniform(width, 2 * width)
        self.offered = [sorted(set(offered) & set(self.activations)) for offered in choices]
        self._arrange()

    def remove(self, source: int, operation: int) -> None:
        """Drop an operation from the edge that comes from `source`."""
        if operation in self.offered[source]:
            self.offered[source].remove(operation)
            self._arrange()

    def shares(self, weights: Tensor) -> Shares:
        """The weights (i, K) of this node's edges as `Shares`."""
        mine = (weights[self.index] * self.mask)[..., None, None]  # (n, K, 1, 1)
        by_operation = {}
        for operation in self.activations:
            rows = self.get_buffer(f"rows_{operation}")
            if len(rows) > 0:
                by_operation[operation] = mine[rows, operation]
        return Shares(mine.sum(1), by_operation)

    def forward(
        self, states: list[Tensor], share: Shares | Sequence[int], dropout_mask: Tensor | None
    ) -> Tensor:
        """The node's sum over its edges, (B, H), from the states of the nodes before it."""
        if isinstance(share, Shares):
            return self._mixed(states, share, dropout_mask)
        out = torch.zeros_like(states[0])
        for state, operation, offered in zip(states, share, self.offered, strict=True):
            if operation in offered:
                gate, candidate = self._matrix(state, dropout_mask)
                out = out + torch.lerp(state, self.activations[operation](candidate), gate)
        return out

    def _mixed(self, states: list[Tensor], share: Shares, dropout_mask: Tensor | None) -> Tensor:
        if not self.alive:
            return torch.zeros_like(states[0])
        stacked = torch.stack([states[source] for source in self.alive])  # (n, B, H)
        gate, candidate = self._matrix(stacked, dropout_mask)
        active = torch.zeros_like(stacked)
        for operation, part in share.by_operation.items():
            activation = self.activations[operation]
            if len(part) == len(self.alive):
                active = torch.addcmul(active, part, activation(candidate))
            else:
                rows = self.get_buffer(f"rows_{operation}")
                active = active.index_add(0, rows, part * activation(candidate[rows]))
        return torch.lerp(share.total * stacked, active, gate).sum(0)

    def _matrix(self, state: Tensor, dropout_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gate sigmoid(c) and candidate u of the states (..., B, H)."""
        entering = state if dropout_mask is None else state * dropout_mask
        gate, candidate = (entering @ self.weight).chunk(2, -1)
        return gate.sigmoid(), candidate

    def _arrange(self) -> None:
        """Buffers that say which edges are computed, and in which of their rows each operation."""
        self.alive = [source for source, offered in enumerate(self.offered) if offered]
        mask = torch.zeros(len(self.alive), self.count)
        for row, source in enumerate(self.alive):
            mask[row, self.offered[source]] = 1
        found = {"index": torch.tensor(self.alive, dtype=torch.long), "mask": mask}
        for operation in self.activations:
            rows = [row for row, s in enumerate(self.alive) if operation in self.offered[s]]
            found[f"rows_{operation}"] = torch.tensor(rows, dtype=torch.long)
        for name, buffer in found.items():
            dtype = self.weight.dtype if name == "mask" else buffer.dtype
            self.register_buffer(name, buffer.to(self.weight.device, dtype), persistent=False)


def _starts() -> list[int]:
    """Index of the first edge of each node."""
    return [ENDS.index((target, 0)) for target in range(1, NODES + 1)]


def _uniform(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(rows, columns).uniform_(-WEIGHT_RANGE, WEIGHT_RANGE))
