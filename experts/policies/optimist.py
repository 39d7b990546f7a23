"""`Optimist`: the policy that believes the best of every arm; UCB1, KL-UCB and MOSS are its kinds.

A part, the index, is all that they differ in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from array_api_compat import array_namespace

from experts.policies.pulls import Pulls, least
from experts.types import Array


class Index(Protocol):
    """A lower confidence bound on the mean loss of every arm."""

    @property
    def horizon(self) -> int | None:
        """Number of rounds that it is tuned for; None: any."""

    def lower(self, pulls: Pulls) -> Array:
        """The bounds, (..., K), given what was seen in the rounds before; ignored if unpulled."""


@dataclass(frozen=True, slots=True)
class Optimist:
    """Pulls every arm once, then in each round the one whose mean loss could be the lowest.

    Parameters
    ----------
    index
        How low it could be.
    """

    index: Index

    @property
    def horizon(self) -> int | None:
        """That of the index."""
        return self.index.horizon

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """[0, 1]."""
        return (0.0, 1.0)

    def init(self, like: Array) -> Pulls:
        """State before the first round; see `Policy.init`."""
        return Pulls.open(like)

    def choose(self, state: Pulls, uniforms: Array) -> Array:
        """The arm to pull, one-hot bool (..., K); among equals, that of the largest uniform."""
        xp = array_namespace(state.count)
        fresh = state.count == 0
        some = xp.any(fresh, axis=-1, keepdims=True)
        unpulled_first = xp.astype(~fresh, state.count.dtype)
        return least(xp.where(some, unpulled_first, self.index.lower(state)), uniforms)

    def update(self, state: Pulls, arm: Array, loss: Array) -> Pulls:
        """The state after a round; see `Policy.update`."""
        return state.add(arm, loss)
