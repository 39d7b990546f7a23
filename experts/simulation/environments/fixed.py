"""Loss sequences that are known beforehand; every seed meets the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from experts.numerics.arguments import flag, floats, whole
from experts.numerics.parameters import interval
from experts.simulation.environments.base import Course
from experts.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A loss sequence that is known in full; every seed meets the same one.

    Parameters
    ----------
    losses : (T, ..., K)
        Anything that numpy turns into numbers. Not copied.
    loss_interval
        Smallest and largest loss, to be checked; None: any finite number.
    relatives
        Whether the losses are -ln of price relatives, so that `play` can count log wealth.
    """

    losses: Array = field(repr=False)
    loss_interval: tuple[float, float] | None = None
    relatives: bool = False
    adaptive: ClassVar[bool] = False

    def __post_init__(self) -> None:
        losses = floats("losses", self.losses)
        if losses.ndim < 2 or 0 in losses.shape:
            raise ValueError(
                f"losses must have shape (T, ..., K), none of them 0, got {losses.shape}"
            )
        object.__setattr__(self, "losses", losses)
        if self.loss_interval is not None:
            ends = interval("loss_interval", self.loss_interval)
            object.__setattr__(self, "loss_interval", ends)
        object.__setattr__(self, "relatives", flag("relatives", self.relatives))

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K)."""
        return tuple(self.losses.shape[1:])

    @property
    def horizon(self) -> int | None:
        """T."""
        return len(self.losses)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run from the first row on."""
        position = 0

        def following(rounds: int) -> Array:
            nonlocal position
            rows = self.losses[position : position + rounds, None]
            position += rounds
            return np.broadcast_to(rows, (len(rows), len(generators), *self.shape))

        return following


@dataclass(frozen=True, slots=True)
class Alternating:
    """Alternating losses: the experts lose 1 in turn, the others 0; the very first loss is 1/2.

    With two experts, whoever follows the leader loses in every round but the first, and either
    expert only in every second one: the sequence that shows why a learner must not be greedy.

    Parameters
    ----------
    experts
        K >= 1.

    Source: de Rooij et al. 2014, Section 5 (two experts).
    """

    experts: int
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "experts", whole("experts", self.experts))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.experts,)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run from expert 0 on."""
        done = 0

        def following(rounds: int) -> Array:
            nonlocal done
            turn = np.arange(done, done + rounds) % self.experts
            rows = np.where(turn[:, None] == np.arange(self.experts), 1.0, 0.0)
            if done == 0:
                rows[:1] /= 2
            done += rounds
            return np.broadcast_to(rows[:, None], (rounds, len(generators), self.experts))

        return following
