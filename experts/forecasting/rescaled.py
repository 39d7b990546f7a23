r"""`Rescaled`: a learner with a rate of its own, on losses whose range is not known.

Losses are told to the learner in a unit, a power of 2 that no range of a round has exceeded so far.
When one does, the unit becomes the smallest power of 2 that is at least this range, the learner
starts afresh, and this round is not told to it.

**Certificate.** For every survivor k::

    regret to k <= sum over starts j of unit_j C_{j,k} + sum over rounds not told of <p, l> - l_k

with C_j the learner's certificate for what it was told after start j, in losses of range at most 1.
Units at least double, and the last is below 2 B, B the largest range: they add up to at most 4 B.
So the second sum is at most 4 B, and the first 4 B times the largest of the C.

Source: the doubling trick, Cesa-Bianchi & Lugosi 2006, Section 2.3; for ranges Cesa-Bianchi,
Mansour & Stoltz 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from experts.learners.regrets import instantaneous
from experts.numerics.state import choose
from experts.types import Array, Feedback, Learner


class RescaledState(NamedTuple):
    """State of Rescaled, of numpy arrays."""

    alive: Array
    """bool (..., K)"""
    fresh: Any
    """the learner's state before its first round"""
    inner: Any
    """and now"""
    unit: Array
    """(..., 1); 0 before a round in which the losses differ"""
    paid: Array
    """(..., K): what earlier starts and rounds not told add to the certificate"""


@dataclass(frozen=True, slots=True)
class Rescaled:
    """A learner for losses in [0, 1], with losses of any range.

    Parameters
    ----------
    learner
        With full information; for example ``experts.fixed_share(eta=0.5, alpha=0.05)``.
    """

    learner: Learner[Any]
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None

    @property
    def supports(self) -> frozenset[str]:
        """Sleeping experts and late losses, if the learner does."""
        return self.learner.supports & {"sleeping", "delayed"}

    def init(self, like: Array, *, prior: Array | None = None) -> RescaledState:
        """State before the first round; see `Learner.init`."""
        fresh = self.learner.init(like, prior=prior)
        zero = np.zeros_like(like)
        return RescaledState(fresh.alive, fresh, fresh, zero[..., :1], zero)

    def predict(self, state: RescaledState) -> Array:
        """The learner's distribution, (..., K)."""
        return self.learner.predict(state.inner)

    def update(self, state: RescaledState, play: Array, feedback: Feedback) -> RescaledState:
        """The state after one round; `state` is left as it was."""
        regret = instantaneous(play, feedback, state.alive)
        size = np.max(regret, axis=-1, keepdims=True) - np.min(regret, axis=-1, keepdims=True)
        grown = size > state.unit
        safe = np.where(state.unit > 0, state.unit, 1.0)
        told = self.learner.update(state.inner, play, Feedback(-regret / safe))
        counts = ~grown & (state.unit > 0)
        restarted = choose(grown, state.fresh, choose(counts, told, state.inner))
        above = 2.0 ** np.ceil(np.log2(np.where(grown, size, 1.0)))
        return state._replace(
            inner=restarted,
            unit=np.where(grown, above, state.unit),
            paid=np.where(grown, self.certificate(state) + regret, state.paid),
        )

    def certificate(self, state: RescaledState) -> Array:
        """Bound on the regret to each survivor, (..., K)."""
        return state.paid + state.unit * self.learner.certificate(state.inner)
