"""The contract of an environment, and helpers that environments share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from experts.numerics.arguments import floats
from experts.numerics.parameters import real
from experts.types import Array

Course = Callable[[Any], Array]
"""One run of an environment, called until the game ends. Oblivious: the number n of next rounds ->
losses (n, S, ..., K). Adaptive: the round's distributions (S, ..., K) -> losses (S, ..., K).

An environment may show something before every round: with an attribute `context_shape`, contexts
(n, S, *context_shape); with `sleeping` = True, who is awake, bool (n, S, ..., K). Its course gives
pairs, what is shown and the losses. A course that knows the expected losses has a method `told`,
which gives the same and those as well (see `Told`)."""


class Environment(Protocol):
    """An environment, as `play` uses it."""

    @property
    def adaptive(self) -> bool:
        """Whether the losses depend on the distributions played."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K): the losses of one round of one seed."""

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the environment has; None: any."""

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """Smallest and largest loss; `play` refuses others. None: any finite number."""

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A fresh run for S = len(generators) seeds, each with its own stream of randomness.

        Draw in the order of the rounds, so that it does not matter how many are asked for at once.
        """


@dataclass(frozen=True, slots=True)
class Told:
    """A course that knows the expected losses of its rounds; calling it gives the losses alone."""

    told: Callable[[int], tuple[Array, ...]]
    """the number n of next rounds -> their losses (n, S, ..., K), and what these were expected to
    be before any was drawn, (n or 1, S or 1, ..., K)"""

    def __call__(self, rounds: int) -> Array:
        """The losses of the next n rounds, (n, S, ..., K)."""
        return self.told(rounds)[0]


def check_environment(name: str, value: Any, *, plain: bool = False) -> None:
    """Refuse what is no environment, and if `plain` one that shows something before a round."""
    if isinstance(value, type) or not hasattr(value, "start"):
        kind = getattr(value, "__name__", type(value).__name__)
        hint = (
            f"did you mean {kind}(...)?"
            if callable(value)
            else "wrap a sequence of losses (T, ..., K) in environments.Given"
        )
        raise ValueError(f"{name} must be an environment, got {kind}; {hint}")
    if plain and (getattr(value, "sleeping", False) or getattr(value, "context_shape", None)):
        raise ValueError(
            f"{name} must be an environment that shows nothing before a round, got {value!r}; "
            "change what is inside of it instead"
        )


def changed(course: Any, change: Callable[[Array], Array]) -> Course:
    """The course with its losses changed, and what is expected of them if it knows that."""
    if not hasattr(course, "told"):
        return lambda asked: change(course(asked))

    def told(rounds: int) -> tuple[Array, Array]:
        losses, means = course.told(rounds)
        return change(losses), change(means)

    return Told(told)


def each(generators: Sequence[np.random.Generator], shape: tuple[int, ...], draw: Any) -> Array:
    """Losses (n, S, ..., K) for `shape` (n, ..., K): every seed's from its own generator.

    `draw(seed, generator, rows)` fills rows (n, ..., K) in place; `seed` counts from 0.
    """
    drawn = np.empty((len(generators), *shape))
    for seed, (generator, rows) in enumerate(zip(generators, drawn, strict=True)):
        draw(seed, generator, rows)
    return np.moveaxis(drawn, 0, 1)


def probabilities(name: str, value: Any) -> Array:
    """`value` as an array (..., K) of numbers in [0, 1]."""
    array = floats(name, value).copy()
    if array.ndim < 1 or 0 in array.shape or not np.all((array >= 0) & (array <= 1)):
        raise ValueError(f"{name} must be numbers in [0, 1], (..., K), got {array!r}")
    return array


def number(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float, if it is a number in [low, high]."""
    read = real(value)
    if read is None or not low <= read <= high:
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {value!r}")
    return read
