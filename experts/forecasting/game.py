r"""`Game`: a learner that combines forecasts row by row, with late and missing observations.

With the gradient trick the learner is told, in a row with forecasts x, observation y, combination
f and g = slope(f, y), the linear losses ``l_k = g (x_k - f)`` of the experts that have a forecast
(0 for the others, which sleep). Without it, ``l_k = loss(x_k, y) - loss(f, y)``. Both are regrets
with the sign turned, so a sum of -l_k is the regret to expert k over the rows in which it took
part.

**Certificate**, for every corner k of the hull, over the rows whose observation has come::

    sum_t -l_{t,k}  <=  sum over copies c of C_{c,k} + D_k,     D_k = - sum_t <p_t, l_t>

C are the learners' certificates, for losses with the asleep charged <p_t, l_t>, and D_k is a sum
over the rows in which k has a forecast: there -l_{t,k} = (<p_t, l_t> - l_{t,k}) - <p_t, l_t>, and
in the others both sides are 0 (`experts.sleeping`). D is 0 with the gradient trick, and at most 0
for convex losses without it. The aggregating algorithm (Hedge at the rate for which the loss is
mixable) charges the asleep 0, what they would lose by forecasting as we do, and D is a sum over all
rows. Its forecasts are such that the learner's gaps and D add up to at most 0, so that
ln(1/prior_k) / eta is left (more for newcomers, whose C has the gaps before they came).
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, NamedTuple

import numpy as np

from experts.forecasting.history import padded
from experts.forecasting.losses import Loss, weighted_mean
from experts.forecasting.newcomers import admit
from experts.forecasting.schedule import Schedule
from experts.numerics.state import choose
from experts.sleeping import restrict
from experts.types import Array, Feedback

_WORTH_COMPILING = 2000
"""Rows x problems from which on loading the compiled engine pays."""


class Rows(NamedTuple):
    """A stretch of n rows: what is known of each, and what was played in it."""

    forecasts: Array
    """(n, B, K, Q): of the corners; nan where missing"""
    observed: Array
    """(n, B); nan where missing"""
    number: Array
    """(n,): of the row in its game, from 0"""
    due: Array
    """(n,): when the observation becomes available"""
    copy: Array
    """(n,): the copy of the learner that played the row"""
    play: Array
    """(n, B, K): weights, 0 on missing forecasts; all 0 where all are missing"""
    combined: Array
    """(n, B, Q); nan where all forecasts are missing"""

    def take(self, which: Any) -> Rows:
        """Some of the rows."""
        return Rows(*(field[which] for field in self))

    def followed_by(self, later: Rows) -> Rows:
        """These rows and more."""
        return Rows(*(np.concatenate(pair) for pair in zip(self, later, strict=True)))

    def widened(self, more: int) -> Rows:
        """With so many corners more, which had no forecast."""
        return self._replace(
            forecasts=padded(self.forecasts, more, np.nan, axis=2),
            play=padded(self.play, more, 0.0, axis=2),
        )


class Game:
    """B problems that run side by side through the same rows.

    Nothing that it holds is written to, only replaced: a shallow copy is a snapshot.

    Parameters
    ----------
    learner
        Of this package.
    loss
        Its levels, if any, belong to the last axis Q of forecasts, or to the problems if Q = 1.
    prior : (K,)
        Of the corners.
    batch
        B.
    gradient
        Use the gradient trick.
    aggregating
        `learner` is Hedge at the loss's mixability: use the loss's own merge.
    """

    def __init__(
        self,
        learner: Any,
        loss: Loss,
        prior: Array,
        batch: int,
        *,
        gradient: bool,
        aggregating: bool,
    ) -> None:
        self.learner, self.loss, self.gradient = learner, loss, gradient
        self.aggregating = aggregating
        self.late = "delayed" in learner.supports  # takes observations in any order
        self.merge = loss.merge if aggregating else weighted_mean
        self.prior = prior
        self.copies: list[Any] = []
        self.learned = np.zeros(0, dtype=np.int64)  # rows that every copy has learned from
        self.regret = np.zeros((batch, len(prior)))
        self.debt = self.regret  # D of the certificate

    def weights(self, copy: int) -> Array:
        """What a copy would play if no expert slept, (B, K)."""
        return np.asarray(self.learner.predict(self.state(copy)))

    def state(self, copy: int) -> Any:
        """The state of a copy, made when it is first asked for."""
        while copy >= len(self.copies):
            like = np.zeros(self.regret.shape)
            fresh = self.learner.init(like, prior=self.prior + like)
            self.copies, self.learned = [*self.copies, fresh], np.append(self.learned, 0)
        return self.copies[copy]

    def play(self, rows: Rows, held: int, plan: Schedule, work: int) -> None:
        """Fill `play` and `combined` of the rows after the first `held`, in the plan's order.

        `work` rows x problems are to be played in this and other games: if it is much, compiled.
        """
        engine = _compiled(self, work)
        if engine is None:
            self.loop(rows, held, plan)
        elif (bad := engine.play(self, rows, held, plan)) >= 0:
            self._refuse(rows, bad)

    def loop(self, rows: Rows, held: int, plan: Schedule) -> None:
        """`play`, for every learner and loss."""
        for t in range(len(plan.first) - 1):
            for row in plan.arrivals[plan.first[t] : plan.first[t + 1]]:
                self._learn(rows, int(row))
            if t < len(plan.first) - 2:
                row = held + t
                forecasts = rows.forecasts[row]
                weights = self.weights(int(plan.copy[row]))
                rows.play[row], rows.combined[row] = self.combine(weights, forecasts)

    def combine(self, weights: Array, forecasts: Array) -> tuple[Array, Array]:
        """Weights among the forecasts (B, K, Q) that are there, and the combination (B, Q)."""
        awake = np.isfinite(forecasts).all(axis=-1)
        some = awake.any(axis=-1, keepdims=True)
        play = restrict(weights, awake)
        known = np.where(awake[..., None], forecasts, 0.0)
        combined = self.merge(np.where(some, play, weights), known)
        return play, np.where(some, combined, np.nan)

    def certificate(self) -> Array:
        """Bounds on the regrets to the corners, (B, K)."""
        bounds = [
            np.asarray(self.learner.certificate(state))
            for state, learned in zip(self.copies, self.learned, strict=True)
            if learned
        ]
        return np.sum(bounds, axis=0) + self.debt if bounds else np.zeros(self.regret.shape)

    def admit(self, share: Array) -> None:
        """Newcomers behind the corners there are; see `newcomers`."""
        self.copies = [admit(self.learner, state, share) for state in self.copies]
        self.prior = np.concatenate([self.prior * (1 - share.sum()), share])
        none = np.zeros((len(self.regret), len(share)))
        self.regret = np.concatenate([self.regret, none], axis=-1)
        self.debt = np.concatenate([self.debt, none], axis=-1)

    def _learn(self, rows: Rows, row: int) -> None:
        """Tell the copy that played a row what was observed; nothing if that is missing."""
        forecasts, y = rows.forecasts[row], rows.observed[row][:, None, None]
        awake = np.isfinite(forecasts).all(axis=-1)
        counts = np.isfinite(y[..., 0]) & awake.any(axis=-1, keepdims=True)  # (B, 1)
        if not counts.any():
            return
        awake = awake & counts
        f = np.where(counts, rows.combined[row], 0.0)[:, None]  # (B, 1, Q)
        x = np.where(awake[..., None], forecasts, f)
        y = np.where(counts[..., None], y, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            own = np.where(counts[..., None], self.loss.value(f, y), 0.0)
            regret = np.where(awake, (own - self.loss.value(x, y)).mean(axis=-1), 0.0)
            told = -regret
            if self.gradient:
                told = np.where(awake, (self.loss.slope(f, y) * (x - f)).mean(axis=-1), 0.0)
        if not np.isfinite(told).all() or (np.isnan(regret) | np.isposinf(regret)).any():
            self._refuse(rows, row)
        self.regret = self.regret + regret
        self._tell(int(rows.copy[row]), rows.play[row], told, awake, counts)

    def _refuse(self, rows: Rows, row: int) -> None:
        raise ValueError(
            f"{self.loss.name} is infinite, or no number, for forecasts "
            f"{rows.forecasts[row].squeeze().tolist()} "
            f"and observed {rows.observed[row].squeeze().tolist()}: clip the forecasts"
        )

    def _tell(self, copy: int, play: Array, told: Array, awake: Array, counts: Array) -> None:
        """One row's losses, relative to the combination's own, for a copy of the learner."""
        own = np.sum(play * told, axis=-1, keepdims=True)
        if self.aggregating:
            self.debt = self.debt - np.where(counts, own, 0.0)
        else:
            self.debt = self.debt - np.where(awake, own, 0.0)
            told = np.where(awake, told, own)
        old = self.state(copy)
        new = self.learner.update(old, play, Feedback(told))
        self.copies = [*self.copies]
        self.copies[copy] = new if counts.all() else choose(counts, new, old)
        self.learned = self.learned + (np.arange(len(self.learned)) == copy)


def _compiled(game: Game, work: int) -> Any:
    """The compiled engine, if it is there, has the learner and the loss, and pays."""
    if work < _WORTH_COMPILING or importlib.util.find_spec("numba") is None:
        return None
    compiled = importlib.import_module("experts.forecasting.compiled")
    known = compiled.code_of(game.learner) is not None and compiled.kind_of(game.loss) is not None
    return compiled if known else None
