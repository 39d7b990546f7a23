"""Environments whose means are drawn from a prior, each seed's first draw: for Bayesian regret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from experts.numerics.arguments import whole
from experts.simulation.environments.base import Course, Told, each, number
from experts.types import Array


@dataclass(frozen=True, slots=True)
class BetaCoins:
    """Losses in {0, 1} whose means are drawn from Beta(a, b), independently for every seed and arm.

    Parameters
    ----------
    arms
        K >= 1.
    a, b
        > 0; a / (a + b) is the mean of a mean. Default: means uniform in [0, 1].
    """

    arms: int
    a: float = 1.0
    b: float = 1.0
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", whole("arms", self.arms))
        for name in ("a", "b"):
            object.__setattr__(self, name, number(name, getattr(self, name), 1e-3, 1e6))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.arms,)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """Means first, then round by round."""
        means = np.stack([generator.beta(self.a, self.b, self.arms) for generator in generators])

        def draw(seed: int, generator: np.random.Generator, rows: Array) -> None:
            generator.random(out=rows)
            np.less(rows, means[seed], out=rows)

        return Told(lambda rounds: (each(generators, (rounds, self.arms), draw), means[None]))


@dataclass(frozen=True, slots=True)
class NormalArms:
    """Normal losses whose means are drawn from N(mean, deviation**2) for every seed and arm.

    Parameters
    ----------
    arms
        K >= 1.
    mean, deviation
        Of the arms' mean losses; deviation >= 0.
    noise
        Standard deviation of a loss around its arm's mean, >= 0.
    """

    arms: int
    mean: float = 0.0
    deviation: float = 1.0
    noise: float = 1.0
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", whole("arms", self.arms))
        object.__setattr__(self, "mean", number("mean", self.mean, -1e6, 1e6))
        for name in ("deviation", "noise"):
            object.__setattr__(self, name, number(name, getattr(self, name), 0, 1e6))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.arms,)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """Means first, then round by round."""
        sizes = (self.mean, self.deviation, self.arms)
        means = np.stack([generator.normal(*sizes) for generator in generators])

        def draw(seed: int, generator: np.random.Generator, rows: Array) -> None:
            generator.standard_normal(out=rows)
            rows *= self.noise
            rows += means[seed]

        return Told(lambda rounds: (each(generators, (rounds, self.arms), draw), means[None]))
