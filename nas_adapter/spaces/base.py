"""The contract between a search space and its users, and what follows from it for every space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch

from nas_adapter.edges.layout import Layout
from nas_adapter.edges.problems import uniform
from nas_adapter.supernets.supernet import Supernet

Architecture = tuple[int, ...]
"""An architecture: for each edge the index of its operation."""

NONE = "none"
"""Name of the operation whose output is zero, as if the edge were absent."""


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a network."""

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
    """Hyper-parameters of SGD under a cosine schedule, for the weights of a space's networks."""

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
        """The optimizer of all parameters of a network, which are on one device."""
        parameters = list(network.parameters())
        return self.sgd(parameters, captured=parameters[0].is_cuda)

    def sgd(self, parameters: list[torch.nn.Parameter], *, captured: bool) -> torch.optim.SGD:
        """The optimizer. `captured`: for steps that are captured in a CUDA graph.

        Then the rate is a tensor, which a graph reads anew in every step, and all momentum is there
        from the start, as zeros: the first step is the same.
        """
        place = parameters[0].device
        rate = torch.tensor(float(self.rate), device=place) if captured else self.rate
        optimizer = torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
            fused=captured,
        )
        if captured and self.momentum > 0:
            for parameter in parameters:
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer


class Space(Protocol):
    """A search space: E edges, each a choice among K operations, and networks made of them.

    One file implements it; the package's own spaces are in `SPACES`.
    """

    @property
    def task(self) -> str:
        """The task of its networks, "images" or "text": a key of `tasks.TASKS`."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the K candidate operations."""

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of the E edges: "target<-source", or "cell/target<-source" with several cells."""

    @property
    def choices(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the operations that each edge offers."""

    @property
    def inputs(self) -> int | None:
        """Incoming edges that a node keeps in an architecture; the other ones are "none".

        None: every edge keeps whatever operation it has, "none" among them.
        """

    @property
    def search_tuning(self) -> Tuning:
        """Tuning of the supernet's weights."""

    @property
    def retrain_tuning(self) -> Tuning:
        """Tuning of a discrete network's weights."""

    @property
    def architecture_rate(self) -> float:
        """Learning rate of Adam on DARTS's logits."""

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """A network whose edge e offers the operations `choices[e]` (indices).

        `search`: a supernet, whose normalisation has no affine parameters and takes statistics of
        the current batch, so that no operation's are stale; else a discrete network.
        """

    def genotype(self, architecture: Architecture) -> str:
        """The architecture in the space's published notation."""

    def parse(self, genotype: str) -> Architecture:
        """Back from `genotype`; ValueError if it is malformed."""


class End(NamedTuple):
    """Place of an edge: its cell, and the nodes that it joins."""

    cell: str
    """"" where the space has one cell"""
    target: int
    source: int


def ends(space: Space) -> tuple[End, ...]:
    """The place of every edge, from its name.

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
    """Operations that a kept edge can have: without "none" where a node keeps `inputs` edges."""
    if space.inputs is None:
        return space.choices
    return tuple(
        tuple(index for index in offered if space.operations[index] != NONE)
        for offered in space.choices
    )


def uniform_over_choices(space: Space, device: torch.device) -> torch.Tensor:
    """Uniform distributions over what each edge offers, float64 (E, K)."""
    return uniform(Layout.of(space, device).mask)


def random_architecture(space: Space, generator: torch.Generator) -> Architecture:
    """An architecture drawn uniformly: operations and, with `inputs`, the edges that are kept."""
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
