"""What the search asks of a space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from nas_adapter.supernet import Supernet

Architecture = tuple[int, ...]
"""For each edge of the cell, the index of its operation."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is to be built."""

    in_channels: int
    classes: int
    channels: int
    """C, channels after the stem"""
    cells: int
    """N, cells in each stage"""


class Space(Protocol):
    """A search space: one file that implements this and is entered in `spaces.SPACES`."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the K candidate operations of an edge."""

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of the E edges of the cell, "target<-source"."""

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """A network whose edge e offers the operations `choices[e]` (indices).

        `search`: batch normalisation as in a supernet (no affine parameters, statistics of the
        batch at hand, so that no operation's are stale); else as in a network of its own.
        """

    def genotype(self, architecture: Architecture) -> str:
        """The architecture in the space's published notation."""

    def parse(self, genotype: str) -> Architecture:
        """Back from `genotype`; ValueError if it is malformed."""


def random_architecture(space: Space, generator: torch.Generator) -> Architecture:
    """Uniform over the space."""
    drawn = torch.randint(len(space.operations), (len(space.edges),), generator=generator)
    return tuple(drawn.tolist())
