"""What the search asks of a space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch

from nas_adapter.supernets.supernet import Supernet

Architecture = tuple[int, ...]
"""For each edge, the index of its operation."""

NONE = "none"
"""The operation whose output is zero: an edge that is not there."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is to be built."""

    inputs: int
    """channels of an image, or words of the vocabulary"""
    outputs: int
    """classes, or words of the vocabulary"""
    channels: int
    """C, channels after the stem, or units of the hidden state"""
    cells: int
    """N; the space says of what"""
    auxiliary: bool = False
    """whether there is a second head to train by"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the weights of a space's networks are trained: SGD under a cosine schedule."""

    rate: float
    lowest_rate: float
    momentum: float
    weight_decay: float
    nesterov: bool = False
    clip: float | None = None
    """norm that gradients are clipped to; None: not clipped"""
    patience: int | None = None
    """epochs n; a retraining averages its weights once the validation metric is no better than the
    best of all but the last n epochs, and keeps the best of all epochs; None: neither"""

    def optimizer(self, network: torch.nn.Module) -> torch.optim.SGD:
        """For all parameters of a network."""
        return torch.optim.SGD(
            network.parameters(),
            lr=self.rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
        )


class Space(Protocol):
    """A search space: one file that implements this; those of the package are in `SPACES`."""

    @property
    def task(self) -> str:
        """What its networks are for: "images" or "text"; a key of `tasks.TASKS`."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the K candidate operations."""

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of the E edges: "target<-source", or "cell/target<-source" with several cells."""

    @property
    def choices(self) -> tuple[tuple[int, ...], ...]:
        """For each edge the indices of the operations that it offers."""

    @property
    def inputs(self) -> int | None:
        """Incoming edges that a node keeps in an architecture; the other ones are "none".

        None: every edge keeps whatever operation it has, "none" among them.
        """

    @property
    def search_tuning(self) -> Tuning:
        """For the weights of the supernet."""

    @property
    def retrain_tuning(self) -> Tuning:
        """For a network of its own."""

    @property
    def architecture_rate(self) -> float:
        """Of Adam on DARTS's logits."""

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """A network whose edge e offers the operations `choices[e]` (indices).

        `search`: normalisation as in a supernet (no affine parameters, statistics of the batch at
        hand, so that no operation's are stale); else as in a network of its own.
        """

    def genotype(self, architecture: Architecture) -> str:
        """The architecture in the space's published notation."""

    def parse(self, genotype: str) -> Architecture:
        """Back from `genotype`; ValueError if it is malformed."""


class End(NamedTuple):
    """Where an edge is."""

    cell: str
    """"" where the space has one cell"""
    target: int
    source: int


def ends(space: Space) -> tuple[End, ...]:
    """Of every edge, from its name.

    >>> from nas_adapter.spaces import NASBench201
    >>> ends(NASBench201())[1]
    End(cell='', target=2, source=0)
    """
    found = []
    for edge in space.edges:
        cell, _, nodes = edge.rpartition("/")
        target, _, source = nodes.partition("<-")
        found.append(End(cell, int(target), int(source)))
    return tuple(found)


def nodes(space: Space) -> tuple[tuple[int, ...], ...]:
    """The indices of the edges that go into each node, node by node and cell by cell."""
    into: dict[tuple[str, int], list[int]] = {}
    for edge, end in enumerate(ends(space)):
        into.setdefault((end.cell, end.target), []).append(edge)
    return tuple(tuple(edges) for edges in into.values())


def real_choices(space: Space) -> tuple[tuple[int, ...], ...]:
    """What an edge offers besides "none", where a node keeps `inputs` of them; else all of it."""
    if space.inputs is None:
        return space.choices
    return tuple(
        tuple(index for index in offered if space.operations[index] != NONE)
        for offered in space.choices
    )


def uniform_over_choices(space: Space, device: torch.device) -> torch.Tensor:
    """For every edge the uniform distribution over what it offers, float64 (E, K)."""
    offered = torch.zeros(len(space.edges), len(space.operations), dtype=torch.float64)
    for edge, indices in enumerate(space.choices):
        offered[edge, list(indices)] = 1 / len(indices)
    return offered.to(device)


def random_architecture(space: Space, generator: torch.Generator) -> Architecture:
    """Uniform over the space: the operations, and where `inputs` says so, the edges kept."""
    offered = real_choices(space)
    chosen = [
        indices[int(torch.randint(len(indices), (), generator=generator))] for indices in offered
    ]
    if space.inputs is not None:
        none = space.operations.index(NONE)
        for edges in nodes(space):
            order = torch.randperm(len(edges), generator=generator).tolist()
            for place in order[space.inputs :]:
                chosen[edges[place]] = none
    return tuple(chosen)
