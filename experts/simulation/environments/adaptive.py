"""Adaptive environments: opponents that see p_t before they choose the losses of round t.

All are deterministic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from experts.numerics.arguments import whole
from experts.simulation.environments.base import Course
from experts.types import Array


@dataclass(frozen=True, slots=True)
class _Memoryless(ABC):
    """An opponent whose losses are a function of the round's distribution."""

    experts: int
    adaptive: ClassVar[bool] = True
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "experts", whole("experts", self.experts))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.experts,)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """`answer`: there is no memory and no randomness."""
        return self.answer

    @abstractmethod
    def answer(self, play: Array) -> Array:
        """The losses against a distribution `play`, both (S, K)."""


@dataclass(frozen=True, slots=True)
class AgainstTheFavourite(_Memoryless):
    """Loss 1 on the largest weight (all of them, if tied), 0 elsewhere.

    Parameters
    ----------
    experts
        K >= 1.
    """

    def answer(self, play: Array) -> Array:
        """1 on the favourites, (S, K)."""
        return np.where(play == play.max(axis=-1, keepdims=True), 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class AgainstOneFavourite(_Memoryless):
    """Loss 1 on the first of the largest weights, 0 elsewhere: ties are broken in every round.

    Parameters
    ----------
    experts
        K >= 1.
    """

    def answer(self, play: Array) -> Array:
        """1 on the first favourite, (S, K)."""
        first = play.argmax(axis=-1)[..., None]
        return np.where(first == np.arange(self.experts), 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class AgainstTheWeights(_Memoryless):
    """Losses in proportion to the weights: p_k / max_i p_i.

    Parameters
    ----------
    experts
        K >= 1.
    """

    def answer(self, play: Array) -> Array:
        """p_k / max_i p_i, (S, K)."""
        return play / play.max(axis=-1, keepdims=True)


@dataclass(frozen=True, slots=True)
class AgainstTheBound:
    """Losses in {0, 1} that bring Hedge's regret close to its bound, chosen greedily.

    Two phases. *Halving*: the charged experts hold as near to half of the weight as a greedy
    choice gets (by falling weight, an expert is charged if that brings the sum nearer to 1/2).
    In the last `closing` rounds: everyone is charged but the best expert so far (the first, if
    tied).

    Why: Hedge's regret to k is sum_t gap_t + (1/eta) ln(p_{T+1,k} / p_{1,k}). The bound takes
    every gap for eta/8, which by Hoeffding's lemma needs half of the weight on either extreme
    loss; and it takes the last term for (ln K)/eta, which needs the weight to end on one expert.
    Halving a while and then letting one expert win makes both nearly true. As T grows the ratio
    of regret to bound of `hedge(horizon=T)` goes to 1 for even K, to 1 - 1 / (2 K**2) for odd K,
    whose equal weights have no half.

    Parameters
    ----------
    experts
        K >= 1.
    rounds
        T, the horizon.
    closing
        Default: ln(1 + 8 (K-1) / eta) / eta with the eta of `hedge(horizon=T)`, where one more
        round of halving would earn as much as the last one of closing.
    """

    experts: int
    rounds: int
    closing: int | None = None
    adaptive: ClassVar[bool] = True
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "experts", whole("experts", self.experts))
        object.__setattr__(self, "rounds", whole("rounds", self.rounds))
        if self.closing is not None:
            object.__setattr__(self, "closing", whole("closing", self.closing, 0))

    @property
    def shape(self) -> tuple[int, ...]:
        """(K,)."""
        return (self.experts,)

    @property
    def horizon(self) -> int | None:
        """T."""
        return self.rounds

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run, which remembers the losses so far."""
        total = np.zeros((len(generators), self.experts))
        left = self.rounds
        closing = self._closing() if self.closing is None else self.closing

        def answer(play: Array) -> Array:
            nonlocal left
            if left > closing:
                loss = _half(play)
            else:
                loss = np.where(total.argmin(axis=-1)[:, None] == np.arange(self.experts), 0.0, 1.0)
            left -= 1
            total[:] += loss
            return loss

        return answer

    def _closing(self) -> int:
        if self.experts == 1:
            return 0
        eta = np.sqrt(8 * np.log(self.experts) / self.rounds)
        return int(np.log1p(8 * (self.experts - 1) / eta) / eta)


def _half(play: Array) -> Array:
    """1 on experts that hold about half of the weight, (S, K)."""
    order = np.argsort(-play, axis=-1, kind="stable")
    weights = np.take_along_axis(play, order, axis=-1)
    held = np.zeros(len(play))
    chosen = np.empty_like(play)
    for k in range(play.shape[-1]):
        # The margin keeps rounding from deciding between equal halves.
        chosen[:, k] = held + weights[:, k] / 2 <= 0.5 + 1e-12
        held += chosen[:, k] * weights[:, k]
    loss = np.empty_like(play)
    np.put_along_axis(loss, order, chosen, axis=-1)
    return loss
