"""`Track`: a game that goes on from call to call, with the rows that wait for their observation."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from experts.forecasting.game import Game, Rows
from experts.forecasting.nonnegative import NonNegative
from experts.forecasting.schedule import schedule
from experts.types import Array


class Track:
    """A game and where it stands. Calls return another track, and leave this one as it was.

    Parameters
    ----------
    game
        Just begun.
    delay
        Rows by which observations are late; None: rows and observations bear times.
    """

    def __init__(self, game: Game | NonNegative, delay: int | None) -> None:
        self.game, self.delay = game, delay
        self.rows = 0
        self.last: Any = None  # the time of the last row
        self.held: Rows | None = None  # rows whose observation has not come

    def run(
        self,
        forecasts: Array,
        observed: Array,
        time: Array | None,
        due: Array | None,
        work: int,
    ) -> tuple[Track, Rows]:
        """The track after n more rows, and these as they were played.

        Parameters
        ----------
        forecasts : (n, B, K, Q)
            Of the corners.
        observed : (n, B)
        time, due : (n,)
            Times of the rows, None: their numbers; and of their observations, None: those that
            `delay` says, or else the rows' own.
        work
            Rows x problems of the whole table, see `Game.play`.
        """
        n, batch, experts, width = forecasts.shape
        after = copy(self)
        after.game = copy(self.game)
        if time is not None:
            self._check_order(time)
            after.last = time[-1]
        clock, due = self._clock(n, time, due)
        play, combined = np.zeros((n, batch, experts)), np.full((n, batch, width), np.nan)
        number = np.arange(self.rows, self.rows + n)
        rows = Rows(forecasts, observed, number, due, np.zeros_like(number), play, combined)
        held = 0
        if self.held is not None:
            held = len(self.held.due)
            rows = self.held.followed_by(rows)
        plan = schedule(clock, rows.due, rows.copy[:held], copies=not after.game.late)
        rows = rows._replace(copy=plan.copy)
        after.game.play(rows, held, plan, work)
        waiting = plan.outstanding
        after.held = rows.take(waiting) if len(waiting) else None
        after.rows = self.rows + n
        return after, rows.take(np.s_[held:])

    def weights(self) -> Array:
        """What the next row would be played with if no expert slept, (B, K)."""
        held = np.zeros(0, dtype=np.int64) if self.held is None else self.held.copy
        never = np.zeros(len(held) + 1, dtype=np.int64)
        plan = schedule(np.full(2, -1), never, held, copies=not self.game.late)
        return copy(self.game).weights(int(plan.copy[-1]))

    def widen(self, share: Array) -> Track:
        """The track with newcomers, of the given shares, behind the corners that there are."""
        after = copy(self)
        after.game = copy(self.game)
        after.game.admit(share)
        if self.held is not None:
            after.held = self.held.widened(len(share))
        return after

    @property
    def outstanding(self) -> Array:
        """Numbers of the rows whose observation has not come."""
        return np.zeros(0, dtype=np.int64) if self.held is None else self.held.number

    def _clock(self, n: int, time: Array | None, due: Array | None) -> tuple[Array, Array]:
        """Times of n rows and of the moment after them (n + 1,), and of their observations (n,)."""
        rows = np.arange(self.rows, self.rows + n + 1)
        if self.delay is not None:
            return rows, rows[:-1] + self.delay + 1
        if time is None and self.last is not None:
            raise ValueError("time must be given, as it was before")
        now = rows[:-1] if time is None else time
        return np.append(now, now[-1]), now if due is None else due

    def _check_order(self, now: Array) -> None:
        back = np.flatnonzero(np.diff(now) < 0)
        if len(back):
            raise ValueError(
                f"time must not go back, but does after row {int(back[0])}: sort first"
            )
        if self.last is not None and now[0] < self.last:
            raise ValueError("time must not go back: these rows are older than what was fitted")
