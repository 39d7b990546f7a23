"""Ledgers of true losses and of regret, independent of any learner.

`Ledger` compares with the best fixed expert, `TrackingLedger` with the best sequence of experts
that switches at most S times, `IntervalLedger` with the best expert of any interval of rounds.
"""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from experts.numerics.arguments import whole
from experts.numerics.masks import highest, lowest
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
        """An empty ledger for problems shaped as `like` (..., K)."""
        zero = array_namespace(like).zeros_like(like)
        return cls(0, zero[..., :1], zero)

    def add(self, play: Array, loss: Array, awake: Array | None = None) -> Ledger:
        """The ledger after one more round.

        Sums do not depend on their order: a loss that arrives late is added, when it comes, with
        the distribution of its own round.

        Parameters
        ----------
        play : (..., K)
            What was played: a distribution, or a one-hot for a drawn expert.
        loss : (..., K)
            True losses; nan where unknown, which is allowed where `play` is 0.
        awake : bool (..., K), optional
            Who took part. The regret to an expert counts only the rounds in which it was awake.
        """
        suffered, regret = _round(play, loss, awake)
        return Ledger(self.rounds + 1, self.loss + suffered, self.regret + regret)

    def worst(self, alive: Array) -> Array:
        """Regret to the best of the experts in `alive` (bool (..., K)), (..., 1)."""
        return highest(self.regret, alive)


class TrackingLedger(NamedTuple):
    """Regret to the best sequence of experts with at most S switches, round by round.

    With ``r_t = <p_t, l_t> - l_t`` (0 for the asleep), the largest regret to a sequence that has
    switched at most s times and is at k now is

        V_t[s, k] = max(V_{t-1}[s, k], max_j V_{t-1}[s-1, j]) + r_{t,k},      V_0 = 0.

    O(S K) a round, and as much memory; no history is kept. A sequence never uses an expert in a
    round in which its loss is nan (removed); staying with a sleeping expert costs nothing.

    Rounds are added in the order in which they were played: a switch happens at a time. If a
    loss is late, those of later rounds have to wait for it.

    Source: dynamic programming for the tracking problem of Herbster & Warmuth 1998.

    Examples
    --------
    >>> import numpy as np
    >>> ledger = TrackingLedger.open(np.zeros(2), switches=1)
    >>> for loss in np.asarray([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]):
    ...     ledger = ledger.add(np.asarray([0.5, 0.5]), loss)
    >>> ledger.worst()
    array([0.5, 1.5])
    """

    rounds: int
    """rounds played"""
    regret: Array
    """(..., S+1, K): V_t; nan where the expert's last loss was unknown"""

    @classmethod
    def open(cls, like: Array, switches: int) -> TrackingLedger:
        """An empty ledger for problems shaped as `like` (..., K), for S = `switches`."""
        switches = whole("switches", switches, 0)
        xp = array_namespace(like)
        row = xp.zeros_like(like)[..., None, :]
        return cls(0, xp.concat([row] * (switches + 1), axis=-2))

    def add(self, play: Array, loss: Array, awake: Array | None = None) -> TrackingLedger:
        """The ledger after one more round; arguments as in `Ledger.add`."""
        xp = array_namespace(play)
        _, regret = _round(play, loss, awake)
        stay, known = self.regret, ~xp.isnan(self.regret)
        best = xp.broadcast_to(highest(stay, known), stay.shape)[..., :-1, :]
        # Without switches there is no other expert to come from: nan stays nan.
        switch = xp.concat([stay[..., :1, :], best], axis=-2)
        moved = xp.where(known & (stay >= switch), stay, switch)
        return TrackingLedger(self.rounds + 1, moved + regret[..., None, :])

    def worst(self) -> Array:
        """Regret to the best sequence with at most 0, 1, ..., S switches, (..., S+1)."""
        xp = array_namespace(self.regret)
        return highest(self.regret, ~xp.isnan(self.regret))[..., 0]


class IntervalLedger(NamedTuple):
    """Regret over every interval of a recorded game, from T + 1 rows of cumulative sums.

    Rounds are rows: a loss that arrived late belongs to the row of its own round.

    Source: Hazan & Seshadhri 2009; Daniely, Gonen & Shalev-Shwartz 2015 (strongly adaptive).

    Examples
    --------
    >>> import numpy as np
    >>> plays = np.full((4, 2), 0.5)
    >>> losses = np.asarray([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    >>> ledger = IntervalLedger.of(plays, losses)
    >>> ledger.between(0, 4), ledger.between(2, 4)
    (array([0., 0.]), array([-1.,  1.]))
    """

    sums: Array
    """(T+1, ..., K): regret to every expert over the rounds before t"""
    unknown: Array
    """(T+1, ..., K): number of losses that were nan, over the rounds before t"""

    @classmethod
    def of(cls, plays: Array, losses: Array, awake: Array | None = None) -> IntervalLedger:
        """The ledger of a whole game; arguments (T, ..., K), otherwise as in `Ledger.add`."""
        xp = array_namespace(plays)
        _, regret = _round(plays, losses, awake)
        unknown = xp.isnan(regret)
        rows = (xp.where(unknown, 0.0, regret), xp.astype(unknown, plays.dtype))
        sums = [xp.cumulative_sum(row, axis=0, include_initial=True) for row in rows]
        return cls(*sums)

    @property
    def rounds(self) -> int:
        """T."""
        return int(self.sums.shape[0]) - 1

    def between(self, start: int, stop: int) -> Array:
        """Regret to every expert over the rounds start <= t < stop, (..., K).

        nan for an expert with an unknown loss among them.
        """
        if not 0 <= start <= stop <= self.rounds:
            raise ValueError(
                f"expected 0 <= start <= stop <= {self.rounds}, got start={start}, stop={stop}"
            )
        return self._gain(start, stop)

    def worst(self, length: int) -> Array:
        """Largest regret over all intervals of this many rounds, to any known expert, (...)."""
        if not 1 <= length <= self.rounds:
            raise ValueError(f"length must lie in [1, {self.rounds}], got {length}")
        return self._largest(slice(0, self.rounds + 1 - length), slice(length, self.rounds + 1))

    def dyadic(self) -> Array:
        """Largest regret over [i 2**j, (i+1) 2**j), for j = 0 ... floor(log2 T), (J, ...).

        Every interval is a union of at most 2 log2 T of these, so a player whose regret is small
        on all of them is strongly adaptive: small on every interval, up to that factor.
        """
        rows = []
        for j in range(self.rounds.bit_length()):
            step = 2**j
            last = self.rounds // step * step
            rows.append(self._largest(slice(0, last, step), slice(step, last + 1, step)))
        return array_namespace(self.sums).stack(rows)

    def _gain(self, start: int | slice, stop: int | slice) -> Array:
        """Differences of sums; nan where a loss between them was unknown."""
        xp = array_namespace(self.sums)
        unknown = self.unknown[stop, ...] > self.unknown[start, ...]
        gain = self.sums[stop, ...] - self.sums[start, ...]
        return xp.where(unknown, xp.nan, gain)

    def _largest(self, start: slice, stop: slice) -> Array:
        xp = array_namespace(self.sums)
        gain = self._gain(start, stop)
        return xp.max(highest(gain, ~xp.isnan(gain)), axis=0)[..., 0]


def _round(play: Array, loss: Array, awake: Array | None) -> tuple[Array, Array]:
    """The player's loss (..., 1) and the regret to every expert (..., K) of one round."""
    xp = array_namespace(play)
    # Less the smallest loss, as play adds up to 1: a level that all losses share would drown the
    # regret, for a level L by about eps L a round. In a void round play is 0.
    known = ~xp.isnan(loss) & xp.any(play > 0, axis=-1, keepdims=True)
    level = lowest(loss, known)
    level = xp.where(xp.isfinite(level), level, 0.0)
    above = loss - level
    suffered = xp.sum(play * xp.where(play == 0, 0.0, above), axis=-1, keepdims=True)
    regret = suffered - above
    return suffered + level, regret if awake is None else xp.where(awake, regret, 0.0)
