"""Stochastic environments; each seed draws from its own generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from experts.numerics.arguments import whole
from experts.simulation.environments.base import Course, Told, each, number, probabilities
from experts.simulation.environments.wrappers import Scaled
from experts.types import Array


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
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "means", probabilities("means", self.means))

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K)."""
        return tuple(self.means.shape)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run that draws round by round."""

        def draw(_: int, generator: np.random.Generator, rows: Array) -> None:
            generator.random(out=rows)
            np.less(rows, self.means, out=rows)

        means = self.means[None, None]
        return Told(lambda rounds: (each(generators, (rounds, *self.shape), draw), means))


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """Independent normal losses around `means`, clipped to [0, 1].

    Clipping moves means near 0 and 1 inwards; at a distance of two deviations by less than 1 % of
    a deviation.

    Parameters
    ----------
    means : (..., K)
        In [0, 1]; the gaps are their distances to the smallest.
    deviation
        Standard deviation before clipping, >= 0.
    """

    means: Array
    deviation: float = 0.1
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "means", probabilities("means", self.means))
        object.__setattr__(self, "deviation", number("deviation", self.deviation, 0, 1e6))

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., K)."""
        return tuple(self.means.shape)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run that draws round by round."""

        def draw(_: int, generator: np.random.Generator, rows: Array) -> None:
            generator.standard_normal(out=rows)
            rows *= self.deviation
            rows += self.means
            np.clip(rows, 0.0, 1.0, out=rows)

        means = self._clipped()[None, None]
        return Told(lambda rounds: (each(generators, (rounds, *self.shape), draw), means))

    def _clipped(self) -> Array:
        """The means after clipping, (..., K): the integral over [0, 1] of P(loss > x)."""
        if self.deviation == 0:
            return self.means

        def integral(end: float) -> Array:
            z = (end - self.means) / self.deviation
            density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
            return self.deviation * (z * ndtr(-z) - density)

        return integral(1.0) - integral(0.0)


@dataclass(frozen=True, slots=True)
class OneGood:
    """One expert, drawn by the seed, loses with probability 1/2 - gap, the others with 1/2.

    Parameters
    ----------
    experts
        K >= 1.
    gap
        In [0, 1/2]; 1/2: the good expert never loses.
    """

    experts: int
    gap: float = 0.25
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "experts", whole("experts", self.experts))
        object.__setattr__(self, "gap", number("gap", self.gap, 0, 0.5))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.experts,)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """The good expert is each seed's first draw."""
        means = np.full((len(generators), self.experts), 0.5)
        for row, generator in zip(means, generators, strict=True):
            row[generator.integers(self.experts)] -= self.gap

        def draw(seed: int, generator: np.random.Generator, rows: Array) -> None:
            generator.random(out=rows)
            np.less(rows, means[seed], out=rows)

        return Told(lambda rounds: (each(generators, (rounds, self.experts), draw), means[None]))


@dataclass(frozen=True, slots=True)
class Switching:
    """`OneGood`, where another expert becomes the good one `switches` times, evenly spaced.

    Parameters
    ----------
    experts
        K >= 1; at least 2 if there are switches.
    rounds
        T, the horizon, > switches.
    switches
        S >= 0. The sequence of good experts is drawn by the seed; its neighbours differ.
    gap
        In [0, 1/2], as in `OneGood`.
    """

    experts: int
    rounds: int
    switches: int
    gap: float = 0.25
    adaptive: ClassVar[bool] = False
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "switches", whole("switches", self.switches, 0))
        least = 2 if self.switches else 1
        object.__setattr__(self, "experts", whole("experts", self.experts, least))
        object.__setattr__(self, "rounds", whole("rounds", self.rounds, self.switches + 1))
        object.__setattr__(self, "gap", number("gap", self.gap, 0, 0.5))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.experts,)

    @property
    def horizon(self) -> int | None:
        """T."""
        return self.rounds

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """The sequence of good experts is each seed's first draw."""
        good = np.stack([self._path(generator) for generator in generators])
        done = 0

        def following(rounds: int) -> tuple[Array, Array]:
            nonlocal done
            first = done
            done += rounds
            era = np.arange(first, done) * (self.switches + 1) // self.rounds
            favoured = good[:, era, None] == np.arange(self.experts)
            means = np.where(favoured, 0.5 - self.gap, 0.5)  # (S, n, K)

            def draw(seed: int, generator: np.random.Generator, rows: Array) -> None:
                generator.random(out=rows)
                np.less(rows, means[seed], out=rows)

            return each(generators, (rounds, self.experts), draw), np.moveaxis(means, 0, 1)

        return Told(following)

    def _path(self, generator: np.random.Generator) -> Array:
        """The good expert of each of the S + 1 stretches."""
        steps = generator.integers(1, max(2, self.experts), size=self.switches + 1)
        steps[0] = generator.integers(self.experts)
        return steps.cumsum() % self.experts


def random_signs(experts: int, bound: float = 1.0) -> Scaled:
    """Fair coins, losses -bound or +bound: no learner does better than any of the experts.

    The best expert is ahead by luck alone, by bound sqrt(2 T ln K) as T and K grow: this is the
    lower bound for full information.

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 3.7.

    Examples
    --------
    >>> random_signs(3).loss_interval
    (-1.0, 1.0)
    """
    coins = Bernoulli(np.full(whole("experts", experts), 0.5))
    bound = number("bound", bound, 1e-150, 1e150)
    return Scaled(coins, -bound, bound)


def scaled_gap(experts: int, rounds: int) -> OneGood:
    """`OneGood` with the gap min(1, sqrt(K / T)) / 4: too small to be found with T pulls.

    Every bandit's regret is at least min(sqrt(K T), T) / 20 in expectation, over the coins and
    over which expert is the good one.

    Source: Auer et al. 2002, Theorem 5.1.
    """
    ratio = whole("experts", experts) / whole("rounds", rounds)
    return OneGood(experts, min(1.0, math.sqrt(ratio)) / 4)
