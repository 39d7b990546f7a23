"""The recurrent cell of DARTS, all candidates at once or one architecture.

It reads a token's embedding x and the hidden state h that the token before left, both H wide:

    s_0 = h + sigmoid(c) (tanh(u) - h),                       [c, u] = [x, h] W_0
    s_i = sum over edges i<-j of s_j + sigmoid(c) (f(u) - s_j),   [c, u] = s_j W_i

where f is the operation of the edge. An edge with "none" contributes nothing, not even s_j. The
new hidden state is the mean of s_1 ... s_8. The matrix W_i belongs to the node: its edges and
operations share it. Searching, a node hears from all nodes before it and every s_i is normalised
over the batch; an architecture keeps one edge a node and normalises nothing.

Where this differs from the authors' code: their normalisation keeps one running mean and variance,
shared by s_0 ... s_8, and judges the supernet by it; here the statistics are always those of the
batch at hand, so that no operation's are stale.

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
OPERATIONS = ("none", "tanh", "relu", "sigmoid", "identity")
ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {
    1: torch.tanh,
    2: torch.relu,
    3: torch.sigmoid,
    4: lambda x: x,
}
"""By index of the operation; "none" has none."""
WEIGHT_RANGE = 0.04
"""Matrices start uniform in plus or minus this."""


class Shares(NamedTuple):
    """Weights of the edges of a node that are computed at all, n of them."""

    total: Tensor
    """(n, 1, 1): of all operations together"""
    by_operation: dict[int, Tensor]
    """(rows, 1, 1): of each operation, on those edges that still offer it"""


Plan = Sequence[Shares | Sequence[int]]
"""For every node the weights of its edges, or their operations."""


class Cell(nn.Module):
    """The recurrent cell; `choices` says what each edge offers."""

    def __init__(self, width: int, choices: Sequence[Sequence[int]], *, search: bool) -> None:
        super().__init__()
        self.weight = _uniform(2 * width, 2 * width)
        self.nodes = nn.ModuleList(
            Node(width, choices[start : start + sources])
            for sources, start in zip(range(1, NODES + 1), _starts(), strict=True)
        )
        self.norm: nn.Module = nn.Identity()
        if search:
            self.norm = nn.BatchNorm1d(width, affine=False, track_running_stats=False)

    def plan(self, weights: Weights) -> Plan:
        """What `forward` needs of the weights: the same at all positions of a window."""
        rows = [
            weights[start : start + sources]
            for sources, start in zip(range(1, NODES + 1), _starts(), strict=True)
        ]
        if isinstance(weights, Tensor):
            return [node.shares(row) for node, row in zip(self.nodes, rows, strict=True)]  # type: ignore[operator]
        return rows  # type: ignore[return-value]

    def forward(self, x: Tensor, hidden: Tensor, plan: Plan, heard: Tensor | None) -> Tensor:
        """The hidden state after x; all (B, H). `heard`: a mask on all that enters a matrix."""
        entering = torch.cat([x, hidden if heard is None else hidden * heard], -1)
        gate, candidate = (entering @ self.weight).chunk(2, -1)
        states = [self.norm(torch.lerp(hidden, candidate.tanh(), gate.sigmoid()))]
        for node, share in zip(self.nodes, plan, strict=True):
            states.append(self.norm(node(states, share, heard)))
        return torch.stack(states[1:]).mean(0)

    def remove(self, edge: int, operation: int) -> None:
        """Drop an operation from an edge."""
        target, source = ENDS[edge]
        self.nodes[target - 1].remove(source, operation)  # type: ignore[operator]


class Node(nn.Module):
    """One node: its matrix, and what each of its edges still offers.

    All edges that offer anything are computed at once. With p the weights of edge i<-j and sums
    over the operations that it offers besides "none",

        sum_k p_k (s_j + g (f_k(u) - s_j)) = (1 - g) P s_j + g sum_k p_k f_k(u),  P = sum_k p_k.
    """

    index: Tensor
    """(n,) the sources of the edges that are computed"""
    mask: Tensor
    """(n, K) 1 where such an edge offers an operation"""

    def __init__(self, width: int, choices: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.weight = _uniform(width, 2 * width)
        self.offered = [sorted(set(offered) & set(ACTIVATIONS)) for offered in choices]
        self._arrange()

    def remove(self, source: int, operation: int) -> None:
        """Drop an operation from the edge that comes from `source`."""
        if operation in self.offered[source]:
            self.offered[source].remove(operation)
            self._arrange()

    def shares(self, weights: Tensor) -> Shares:
        """The weights (i, K) of this node's edges, in the form in which they are needed."""
        mine = (weights[self.index] * self.mask)[..., None, None]  # (n, K, 1, 1)
        by_operation = {}
        for operation in ACTIVATIONS:
            rows = self.get_buffer(f"rows_{operation}")
            if len(rows) > 0:
                by_operation[operation] = mine[rows, operation]
        return Shares(mine.sum(1), by_operation)

    def forward(
        self, states: list[Tensor], share: Shares | Sequence[int], heard: Tensor | None
    ) -> Tensor:
        """The node's sum, (B, H), from the nodes before it."""
        if isinstance(share, Shares):
            return self._mixed(states, share, heard)
        out = torch.zeros_like(states[0])
        for state, operation, offered in zip(states, share, self.offered, strict=True):
            if operation in offered:
                gate, candidate = self._matrix(state, heard)
                out = out + torch.lerp(state, ACTIVATIONS[operation](candidate), gate)
        return out

    def _mixed(self, states: list[Tensor], share: Shares, heard: Tensor | None) -> Tensor:
        if not self.alive:
            return torch.zeros_like(states[0])
        stacked = torch.stack([states[source] for source in self.alive])  # (n, B, H)
        gate, candidate = self._matrix(stacked, heard)
        active = torch.zeros_like(stacked)
        for operation, part in share.by_operation.items():
            activation = ACTIVATIONS[operation]
            if len(part) == len(self.alive):
                active = torch.addcmul(active, part, activation(candidate))
            else:
                rows = self.get_buffer(f"rows_{operation}")
                active = active.index_add(0, rows, part * activation(candidate[rows]))
        return torch.lerp(share.total * stacked, active, gate).sum(0)

    def _matrix(self, state: Tensor, heard: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gate and candidate."""
        entering = state if heard is None else state * heard
        gate, candidate = (entering @ self.weight).chunk(2, -1)
        return gate.sigmoid(), candidate

    def _arrange(self) -> None:
        """Which edges are computed at all, and in which of these rows each operation."""
        self.alive = [source for source, offered in enumerate(self.offered) if offered]
        mask = torch.zeros(len(self.alive), len(OPERATIONS))
        for row, source in enumerate(self.alive):
            mask[row, self.offered[source]] = 1
        found = {"index": torch.tensor(self.alive, dtype=torch.long), "mask": mask}
        for operation in ACTIVATIONS:
            rows = [row for row, s in enumerate(self.alive) if operation in self.offered[s]]
            found[f"rows_{operation}"] = torch.tensor(rows, dtype=torch.long)
        for name, buffer in found.items():
            dtype = self.weight.dtype if name == "mask" else buffer.dtype
            self.register_buffer(name, buffer.to(self.weight.device, dtype), persistent=False)


def _starts() -> list[int]:
    """The first of each node's edges among all."""
    return [ENDS.index((target, 0)) for target in range(1, NODES + 1)]


def _uniform(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(rows, columns).uniform_(-WEIGHT_RANGE, WEIGHT_RANGE))
