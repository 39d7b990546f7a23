"""`SwapLedger`: swap and internal regret of what was played."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from experts.types import Array


class SwapLedger(NamedTuple):
    """What a player could have gained by exchanging experts, wherever it played them.

    The best map of the experts to others exchanges each for its own best, so the largest of the
    K**K regrets to maps is the sum of K maxima.

    Examples
    --------
    >>> import numpy as np
    >>> ledger = SwapLedger.open(np.zeros(2))
    >>> ledger = ledger.add(play=np.asarray([1.0, 0.0]), loss=np.asarray([1.0, 0.0]))
    >>> ledger = ledger.add(play=np.asarray([0.0, 1.0]), loss=np.asarray([0.0, 1.0]))
    >>> ledger.swap, ledger.internal  # the regret to either expert is 1
    (array([2.]), array([1.]))
    """

    rounds: int
    """rounds played"""
    gain: Array
    """(..., K, K): sum_t p_{t,i} (l_{t,i} - l_{t,j}), of playing j wherever i was played"""

    @classmethod
    def open(cls, like: Array) -> SwapLedger:
        """An empty ledger for problems shaped as `like` (..., K)."""
        zero = array_namespace(like).zeros_like(like)
        return cls(0, zero[..., None] + zero[..., None, :])

    def add(self, play: Array, loss: Array) -> SwapLedger:
        """The ledger after a round; distribution and losses (..., K)."""
        gain = play[..., None] * (loss[..., None] - loss[..., None, :])
        return SwapLedger(self.rounds + 1, self.gain + gain)

    @property
    def swap(self) -> Array:
        """Swap regret: to the best map of the experts, max over F of K**K maps, (..., 1)."""
        xp = array_namespace(self.gain)
        return xp.sum(xp.max(self.gain, axis=-1), axis=-1, keepdims=True)

    @property
    def internal(self) -> Array:
        """Internal regret: to the best exchange of one expert for one other, (..., 1)."""
        xp = array_namespace(self.gain)
        return xp.max(self.gain, axis=(-2, -1))[..., None]
