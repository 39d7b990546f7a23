"""Environments that show a context before every round.

Each has `shape` (..., K) of the losses and `context_shape` of the contexts of a round; `start`
gives a course: the number n of next rounds -> contexts (n, S, *context_shape) and losses
(n, S, *shape) for S seeds, each with a generator of its own. How many rounds are asked for at once
does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from experts.contextual.finite import finite
from experts.numerics.arguments import floats, whole
from experts.numerics.parameters import number
from experts.types import Array

Draw = Callable[[int], tuple[Array, Array, Array]]
"""n -> contexts, losses and expected losses of the next n rounds of a seed."""


@dataclass(frozen=True, slots=True)
class Course:
    """A run of an environment, for S seeds."""

    draws: Sequence[Draw]
    """of each seed"""

    def __call__(self, rounds: int) -> tuple[Array, Array]:
        """Contexts (n, S, *context_shape) and losses (n, S, *shape) of the next n rounds."""
        contexts, losses, _ = self.told(rounds)
        return contexts, losses

    def told(self, rounds: int) -> tuple[Array, Array, Array]:
        """The same, and the expected losses (n, S, *shape) given the context."""
        each = [draw(rounds) for draw in self.draws]
        contexts, losses, means = (np.stack(part, axis=1) for part in zip(*each, strict=True))
        return contexts, losses, means


@dataclass(frozen=True, slots=True)
class GoodAdvice:
    """Experts of whom one, drawn by the seed, knows more; losses in {0, 1}.

    In every round one arm, drawn uniformly, has a mean loss of 1/2 - gap, the others 1/2. Every
    expert puts half of its advice on one arm, and spreads the rest evenly. The good expert's arm is
    the good one with probability `accuracy`, otherwise, like those of the others, any arm.

    Parameters
    ----------
    experts, arms
        N >= 1 and K >= 1.
    gap
        In (0, 1/2].
    accuracy
        In (0, 1].
    """

    experts: int
    arms: int
    gap: float = 0.4
    accuracy: float = 0.8
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("experts", "arms"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        for name, most in (("gap", 0.5), ("accuracy", 1.0)):
            value = number(name, getattr(self, name))
            if value > most:
                raise ValueError(f"{name} must lie in (0, {most:g}], got {value!r}")
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.arms,)

    @property
    def context_shape(self) -> tuple[int, ...]:
        """(N, K): advice."""
        return (self.experts, self.arms)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """The good expert is each seed's first draw."""
        return Course([self._of(generator) for generator in generators])

    def _of(self, generator: np.random.Generator) -> Draw:
        expert = generator.integers(self.experts)
        n, k = self.context_shape

        def draw(rounds: int) -> tuple[Array, Array, Array]:
            uniforms = generator.random((rounds, 2 + n + k))
            good = (uniforms[:, :1] * k).astype(int)
            arm = (uniforms[:, 2 : 2 + n] * k).astype(int)
            knows = uniforms[:, 1] < self.accuracy
            arm[knows, expert] = good[knows, 0]
            advice = 0.5 / k + 0.5 * (arm[..., None] == np.arange(k))
            means = 0.5 - self.gap * (good == np.arange(k))
            return advice, (uniforms[:, 2 + n :] < means).astype(float), means

        return draw


@dataclass(frozen=True, slots=True)
class LinearLosses:
    """Losses <x, theta> plus normal noise, features x drawn uniformly from the unit sphere.

    Parameters
    ----------
    arms, dimension
        K >= 1 and d >= 1.
    deviation
        Standard deviation of the noise, > 0.
    norm
        ||theta||, which each seed draws uniformly from the sphere of that radius; None: theta is
        drawn from N(0, I).
    """

    arms: int
    dimension: int
    deviation: float = 0.5
    norm: float | None = 1.0
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None

    def __post_init__(self) -> None:
        for name in ("arms", "dimension"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        object.__setattr__(self, "deviation", number("deviation", self.deviation))
        if self.norm is not None:
            object.__setattr__(self, "norm", number("norm", self.norm))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.arms,)

    @property
    def context_shape(self) -> tuple[int, ...]:
        """(K, d): features."""
        return (self.arms, self.dimension)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """Theta is each seed's first draw."""
        return Course([self._of(generator) for generator in generators])

    def _of(self, generator: np.random.Generator) -> Draw:
        k, d = self.context_shape
        theta = generator.standard_normal(d)
        if self.norm is not None:
            theta *= self.norm / np.linalg.norm(theta)

        def draw(rounds: int) -> tuple[Array, Array, Array]:
            normals = generator.standard_normal((rounds, k, d + 1))
            features = normals[..., :d]
            features = features / np.linalg.norm(features, axis=-1, keepdims=True)
            means = features @ theta
            return features, means + self.deviation * normals[..., d], means

        return draw


@dataclass(frozen=True, slots=True, eq=False)
class FiniteContexts:
    """Losses <x_k, theta_{t,k}> of a given sequence of parameters; contexts from a finite set.

    Parameters
    ----------
    contexts : (J, K, d)
        Features that a round may show.
    parameters : (T, K, d)
        theta_t. Every <x_k, theta_{t,k}> lies in [0, 1].
    chances : (J,), optional
        Probabilities of the contexts. Default: all alike.
    """

    contexts: Any
    parameters: Any
    chances: Any = None
    adaptive: ClassVar[bool] = False
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        contexts, chances = finite(self.contexts, self.chances)
        parameters = floats("parameters", self.parameters)
        fits = parameters.ndim == 3 and parameters.shape[1:] == contexts.shape[1:]
        if not fits or len(parameters) == 0:
            raise ValueError(
                f"parameters have shape {parameters.shape}, expected (T, {contexts.shape[1]}, "
                f"{contexts.shape[2]}) as of contexts"
            )
        losses = np.einsum("jka,tka->tjk", contexts, parameters)
        wrong = np.argwhere(~((losses >= -1e-9) & (losses <= 1 + 1e-9)))
        if len(wrong):
            t, j, k = wrong[0]
            raise ValueError(
                f"parameters must give losses in [0, 1], got {losses[t, j, k]} in round {t} for "
                f"context {j} and arm {k}"
            )
        object.__setattr__(self, "contexts", contexts)
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "chances", chances)

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.contexts.shape[1],)

    @property
    def context_shape(self) -> tuple[int, ...]:
        """(K, d): features."""
        return tuple(self.contexts.shape[1:])

    @property
    def horizon(self) -> int:
        """T."""
        return len(self.parameters)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run from the first round; after the last one no more are given."""
        return Course([self._of(generator) for generator in generators])

    def _of(self, generator: np.random.Generator) -> Draw:
        below, done = np.cumsum(self.chances)[:-1], 0

        def draw(rounds: int) -> tuple[Array, Array, Array]:
            nonlocal done
            rows = self.parameters[done : done + rounds]
            done += len(rows)
            drawn = np.searchsorted(below, generator.random(len(rows)), side="right")
            shown = self.contexts[drawn]
            losses = np.sum(shown * rows, axis=-1).clip(0.0, 1.0)
            return shown, losses, losses

        return draw
