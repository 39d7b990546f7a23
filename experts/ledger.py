"""The books: what was really lost, and the regret, apart from what any learner believes."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from experts.masks import highest
from experts.types import Array


class Ledger(NamedTuple):
    """Cumulative true losses of a player and its regret to every expert.

    Examples
    --------
    >>> import numpy as np
    >>> ledger = Ledger.open(np.zeros(2))
    >>> ledger = ledger.add(play=np.asarray([0.5, 0.5]), loss=np.asarray([0.0, 1.0]))
    >>> ledger.regret
    array([ 0.5, -0.5])
    """

    rounds: int
    """rounds played"""
    loss: Array
    """(..., 1): the player's cumulative loss, sum_t <p_t, l_t>"""
    regret: Array
    """(..., K): sum_t <p_t, l_t> - l_{t,k}; nan where the loss of k was once unknown"""

    @classmethod
    def open(cls, like: Array) -> Ledger:
        """Empty books for problems shaped as `like` (..., K)."""
        zero = array_namespace(like).zeros_like(like)
        return cls(0, zero[..., :1], zero)

    def add(self, play: Array, loss: Array, awake: Array | None = None) -> Ledger:
        """The books after one more round.

        Sums do not depend on their order: a loss that arrives late is added, when it comes, with
        the play of its own round.

        Parameters
        ----------
        play : (..., K)
            What was played: a distribution, or a one-hot for a drawn expert.
        loss : (..., K)
            True losses; nan where unknown, which is allowed where the play is 0.
        awake : bool (..., K), optional
            Who took part. The regret to an expert counts only the rounds in which it was awake.
        """
        suffered, regret = _round(play, loss, awake)
        return Ledger(self.rounds + 1, self.loss + suffered, self.regret + regret)

    def worst(self, alive: Array) -> Array:
        """Regret to the best of the experts in `alive` (bool (..., K)), (..., 1)."""
        return highest(self.regret, alive)


def _round(play: Array, loss: Array, awake: Array | None) -> tuple[Array, Array]:
    """One round's own loss (..., 1), and regret to every expert (..., K)."""
    xp = array_namespace(play)
    suffered = xp.sum(play * xp.where(play == 0, 0.0, loss), axis=-1, keepdims=True)
    regret = suffered - loss
    return suffered, regret if awake is None else xp.where(awake, regret, 0.0)
