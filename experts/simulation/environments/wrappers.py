"""Environments that change or combine others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from experts.numerics.arguments import whole
from experts.numerics.parameters import interval
from experts.simulation.environments.base import (
    Course,
    Environment,
    Told,
    changed,
    check_environment,
)
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Corrupted:
    """Corrupted losses: in the first `rounds` rounds they are reversed to low + high - loss.

    The corruption is sum_t max_k |corrupted - drawn| <= `rounds` * (high - low), reached by losses
    that are low or high. Early corruption costs a learner the most: it has not seen anything yet.

    Parameters
    ----------
    base
        An oblivious environment with a `loss_interval`.
    rounds
        C >= 0, how many rounds are corrupted.

    Source: Lykouris, Mirrokni & Paes Leme 2018 (the model; the corruption is ours).
    """

    base: Environment
    rounds: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounds", whole("rounds", self.rounds, 0))
        check_environment("base", self.base, plain=True)
        _interval(self.base)
        if self.base.adaptive:
            raise ValueError(f"base must be oblivious, got {self.base!r}")

    @property
    def adaptive(self) -> bool:
        """False."""
        return False

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the base."""
        return self.base.shape

    @property
    def horizon(self) -> int | None:
        """That of the base."""
        return self.base.horizon

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """That of the base."""
        return self.base.loss_interval

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run of the base, whose first losses are reversed."""
        course: Any = self.base.start(generators)
        low, high = _interval(self.base)
        done = 0
        knows = hasattr(course, "told")

        def lie(numbers: Array, rounds: int) -> Array:
            numbers = np.repeat(numbers, rounds // len(numbers), axis=0)  # a copy
            lies = numbers[: max(0, self.rounds - done)]
            np.subtract(low + high, lies, out=lies)
            return numbers

        def following(rounds: int) -> tuple[Array, ...]:
            nonlocal done
            parts = course.told(rounds) if knows else (course(rounds),)
            lies = tuple(lie(numbers, rounds) for numbers in parts)
            done += rounds
            return lies

        return Told(following) if knows else lambda rounds: following(rounds)[0]


@dataclass(frozen=True, slots=True)
class Scaled:
    """Scaled losses: mapped linearly from the base's interval to [low, high].

    Parameters
    ----------
    base
        An environment with a `loss_interval`.
    low, high
        Where its smallest and its largest loss go; low < high.
    """

    base: Environment
    low: float
    high: float

    def __post_init__(self) -> None:
        check_environment("base", self.base, plain=True)
        low, high = _interval(self.base)
        if not low < high:
            raise ValueError(f"base must have more than one loss, got {self.base!r}")
        low, high = interval("low and high", (self.low, self.high))
        if not (low < high and math.isfinite(high - low)):
            raise ValueError(f"low must be below high, got low={self.low!r}, high={self.high!r}")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def adaptive(self) -> bool:
        """That of the base."""
        return self.base.adaptive

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the base."""
        return self.base.shape

    @property
    def horizon(self) -> int | None:
        """That of the base."""
        return self.base.horizon

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """(low, high)."""
        return (self.low, self.high)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run of the base, with its losses mapped."""
        course, (low, high) = self.base.start(generators), _interval(self.base)

        def scaled(losses: Array) -> Array:
            part = (losses - low) / (high - low)  # 0 and 1 go to `low` and `high` exactly
            return self.low * (1 - part) + self.high * part

        return changed(course, scaled)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """E environments as one batch, shape (E, ..., K): the same learner meets them all at once.

    Every one has a stream of randomness of its own. Adaptive as soon as one of them is.

    Parameters
    ----------
    parts
        At least one environment, all of one shape.
    """

    parts: Sequence[Environment]

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "parts", tuple(self.parts))
        except TypeError:
            raise ValueError(f"parts must be environments, got {self.parts!r}") from None
        for index, part in enumerate(self.parts):
            check_environment(f"parts[{index}]", part, plain=True)
        shapes = {tuple(part.shape) for part in self.parts}
        if len(shapes) != 1:
            raise ValueError(f"parts must be environments of one shape, got {sorted(shapes)}")

    @property
    def adaptive(self) -> bool:
        """Whether any part is."""
        return any(part.adaptive for part in self.parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """(E, ..., K)."""
        return (len(self.parts), *self.parts[0].shape)

    @property
    def horizon(self) -> int | None:
        """The shortest."""
        return min((part.horizon for part in self.parts if part.horizon is not None), default=None)

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """The smallest interval that holds those of all parts."""
        intervals = [part.loss_interval for part in self.parts]
        known = [interval for interval in intervals if interval is not None]
        if len(known) < len(intervals):
            return None
        return min(low for low, _ in known), max(high for _, high in known)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """All parts, each with children of the generators."""
        children = [generator.spawn(len(self.parts)) for generator in generators]
        courses: list[Any] = [
            part.start([c[e] for c in children]) for e, part in enumerate(self.parts)
        ]

        def following(rounds: int) -> Array:
            return np.stack([course(rounds) for course in courses], axis=2)

        def told(rounds: int) -> tuple[Array, Array]:
            losses, means = zip(*(course.told(rounds) for course in courses), strict=True)
            whole = (np.broadcast_to(m, x.shape) for m, x in zip(means, losses, strict=True))
            return np.stack(losses, axis=2), np.stack(list(whole), axis=2)

        def answer(play: Array) -> Array:
            losses = np.empty_like(play)
            for e, (part, course) in enumerate(zip(self.parts, courses, strict=True)):
                losses[:, e] = course(play[:, e]) if part.adaptive else course(1)[0]
            return losses

        if self.adaptive:
            return answer
        return Told(told) if all(hasattr(course, "told") for course in courses) else following


def _interval(base: Environment) -> tuple[float, float]:
    """The base's loss interval; ValueError if it has none, or not a finite one."""
    if base.loss_interval is None or not all(map(math.isfinite, base.loss_interval)):
        got = base.loss_interval
        raise ValueError(f"base must have a finite loss_interval, got {got} from {base!r}")
    return base.loss_interval
