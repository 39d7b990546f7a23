"""Where losses come from. An environment is a frozen set of choices with one method, `start`.

To add one, write a frozen dataclass with the attributes of `Environment`; `play` needs nothing
else. What is revealed of a loss (all of it, or the drawn expert's) is chosen in `play`, not here.
A batch of edges, each with its own draw, is `shape` (E, K): with bandit feedback that is the
semi-bandit game over a product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from experts.types import Array

Course = Callable[[Any], Array]
"""One run of an environment, called again and again as the game goes on. Oblivious: the number n
of rounds to come -> losses (n, S, ..., K). Adaptive: the play (S, ..., K) -> losses (S, ..., K)."""


class Environment(Protocol):
    """What `play` asks of an environment."""

    @property
    def adaptive(self) -> bool:
        """Whether the losses depend on the plays."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K): the losses of one round of one seed."""

    @property
    def horizon(self) -> int | None:
        """Number of rounds that there are; None: any."""

    @property
    def loss_range(self) -> tuple[float, float] | None:
        """Smallest and largest loss; `play` refuses others. None: any finite number."""

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A fresh run for S = len(generators) seeds, each with its own stream of randomness.

        Draw in the order of the rounds, so that it does not matter how many are asked for at once.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A loss sequence that is known in full; every seed meets the same one.

    Parameters
    ----------
    losses : (T, ..., K)
        Anything that numpy turns into numbers. Not copied.
    loss_range
        Smallest and largest loss, to be checked; None: any finite number.
    """

    losses: Array = field(repr=False)
    loss_range: tuple[float, float] | None = None
    adaptive: ClassVar[bool] = False

    def __post_init__(self) -> None:
        losses = np.asarray(self.losses, dtype=np.float64)
        if losses.ndim < 2 or 0 in losses.shape:
            raise ValueError(
                f"losses must have shape (T, ..., K), none of them 0, got {losses.shape}"
            )
        object.__setattr__(self, "losses", losses)

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K)."""
        return tuple(self.losses.shape[1:])

    @property
    def horizon(self) -> int | None:
        """T."""
        return len(self.losses)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """From the first row."""
        position = 0

        def following(rounds: int) -> Array:
            nonlocal position
            rows = self.losses[position : position + rounds, None]
            position += rounds
            return np.broadcast_to(rows, (len(rows), len(generators), *self.shape))

        return following


@dataclass(frozen=True, slots=True, eq=False)
class Bernoulli:
    """Independent losses in {0, 1}: P(loss of k = 1) = means_k.

    Parameters
    ----------
    means : (..., K)
        In [0, 1].
    """

    means: Array
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        means = np.asarray(self.means, dtype=np.float64)
        if means.ndim < 1 or 0 in means.shape or not np.all((means >= 0) & (means <= 1)):
            raise ValueError(f"means must be numbers in [0, 1], (..., K), got {self.means!r}")
        object.__setattr__(self, "means", means)

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K)."""
        return tuple(self.means.shape)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """Each seed draws from its own generator."""

        def following(rounds: int) -> Array:
            drawn = np.empty((len(generators), rounds, *self.shape))
            for generator, rows in zip(generators, drawn, strict=True):
                generator.random(out=rows)
                np.less(rows, self.means, out=rows)
            return np.moveaxis(drawn, 0, 1)

        return following


@dataclass(frozen=True, slots=True)
class AgainstTheFavourite:
    """Adaptive and deterministic: loss 1 on the largest weight (all of them, if tied), 0 elsewhere.

    Parameters
    ----------
    experts
        K >= 1.
    """

    experts: int
    adaptive: ClassVar[bool] = True
    horizon: ClassVar[int | None] = None
    loss_range: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.experts != int(self.experts) or self.experts < 1:
            raise ValueError(f"experts must be a whole number of at least 1, got {self.experts!r}")

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.experts,)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """No memory, no randomness."""

        def answer(play: Array) -> Array:
            return np.where(play == play.max(axis=-1, keepdims=True), 1.0, 0.0)

        return answer
