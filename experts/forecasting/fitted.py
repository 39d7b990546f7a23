"""`Fitted`: all that an aggregator knows once it is fitted, as a value: going on gives another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experts.forecasting import frames
from experts.forecasting.frames import Table
from experts.forecasting.hindsight import Mixture, best_mixture
from experts.forecasting.history import History
from experts.forecasting.hull import CONE, Hull
from experts.forecasting.setup import Setup
from experts.forecasting.track import Track
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Fitted:
    """The games in play, one for each group, and what their tables have in common."""

    setup: Setup
    hull: Hull
    experts: list[str]
    named: bool
    """whether these are names of columns"""
    series: bool
    """whether tables have an axis of series"""
    tracks: dict[Any, Track]
    """by group; of the key None without groups"""

    @property
    def grouped(self) -> bool:
        """Whether there are groups."""
        return None not in self.tracks

    @classmethod
    def of(cls, model: Any, table: Table) -> Fitted:
        """Before the first row of `table`, with an aggregator's parameters."""
        setup = Setup.of(model, table.forecasts, timed=table.available_at is not None)
        kind = CONE if setup.learner == "nnls" else model.combine
        hull = Hull.of(kind, len(table.experts), model.radius, model.intercept)
        return cls(setup, hull, table.experts, table.names is not None, table.series, {})

    def aligned(self, table: Table, observed: Array, *, newcomers: bool) -> tuple[Fitted, Table]:
        """A table with the columns of the experts, and this with those that are new in it.

        ValueError if it does not go with the tables before, or has values that the loss refuses.
        """
        if not self.named:
            table = table._replace(names=None)
        table, experts = table.aligned(self.experts, newcomers=newcomers)
        self.setup.check(table, observed)
        self._check_columns(table, predicting=not newcomers)
        joined = len(experts) - len(self.experts)
        if not joined:
            return self, table
        hull = replace(self.hull, experts=len(experts))
        share = hull.prior[-joined * len(hull.multiples) :]
        tracks = {key: track.widen(share) for key, track in self.tracks.items()}
        return replace(self, hull=hull, experts=experts, tracks=tracks), table

    def _check_columns(self, table: Table, *, predicting: bool) -> None:
        """ValueError for a table with other special columns than the ones before."""
        timed = self.setup.delay is None
        if (table.available_at is not None) != timed and not (timed and predicting):
            raise ValueError("available_at must be given to all fits or to none")
        dated = any(track.last is not None for track in self.tracks.values())
        if self.tracks and not predicting and (table.time is not None) != dated:
            raise ValueError("time must be given to all fits or to none")
        if self.tracks and (table.group is not None) != self.grouped:
            raise ValueError("group must be given in all calls or in none")

    def play(self, table: Table, observed: Array) -> tuple[Fitted, History]:
        """What is known after an aligned table's rows, with observations (n, S), and the rows."""
        setup, tracks = self.setup, dict(self.tracks)
        n, series, experts, levels = table.forecasts.shape
        corners = self.hull.features(setup.problems(table.forecasts))
        targets = setup.observed(observed)
        combined = np.empty((n, series, levels))
        weights = np.empty((n, corners.shape[1], experts))
        game, number = np.empty((2, n), dtype=np.int64)
        for key, rows in table.rows_by_group():
            before = tracks[key] if key in tracks else setup.track(self.hull)
            time, due = (None if x is None else x[rows] for x in (table.time, table.available_at))
            tracks[key], played = before.run(corners[rows], targets[rows], time, due, targets.size)
            combined[rows] = setup.combined(played.combined)
            weights[rows] = self.hull.folded(played.play)[0]
            game[rows] = list(tracks).index(key)
            number[rows] = played.number
        history = History(
            table.forecasts,
            observed,
            combined,
            setup.by_level(weights, series=True),
            table.time,
            table.group,
            game,
            number,
        )
        return replace(self, tracks=tracks), history

    def ahead(self, table: Table) -> Array:
        """Combined forecasts (n, S, Q) of a table whose observations are not known."""
        nothing = np.full(table.forecasts.shape[:2], np.nan)
        _, table = self.aligned(table, nothing, newcomers=False)
        unknown = [key for key, _ in table.rows_by_group() if key not in self.tracks]
        if unknown:
            raise ValueError(f"group {unknown[0]!r} was not fitted, only {list(self.tracks)}")
        if self.setup.delay is not None:
            table = table._replace(time=None)  # rows are numbered
        return self.play(table, nothing)[1].combined

    def labelled(self, how: Any, data: Any, combined: Array) -> Any:
        """(n, S, Q) with the axes of the table `data`, and in its kind of table."""
        values = combined if self.setup.quantiles else combined[..., 0]
        values = values if self.series else values[:, 0]
        kept = [name for name in (how.time, how.group) if name is not None]
        return frames.like(data, values, "combined", kept)

    def stacked(self, part: Callable[[Track], Array]) -> Array:
        """`part` (B, K) of every track as one array (..., K), with the user's axes."""
        parts = [part(track) for track in self.tracks.values()]
        array = np.stack([self.setup.by_level(each, series=self.series) for each in parts])
        return array if self.grouped else array[0]

    def mixture_regrets(self, history: History) -> Array:
        """Regrets to the best fixed mixtures of the corners, (G, S); the mean over levels."""
        found = np.empty((len(self.tracks), self.setup.series))
        corners = self.hull.features(history.forecasts)
        for i, track in enumerate(self.tracks.values()):
            late = np.isin(history.number, track.outstanding)
            rows = np.flatnonzero((history.track == i) & ~late)
            for s in range(self.setup.series):
                best = self.best_mixtures(history, corners, rows, s)
                found[i, s] = np.mean([mixture.advantage for _, mixture in best])
        return found

    def best_mixtures(
        self, history: History, corners: Array, rows: Array, series: int
    ) -> list[tuple[slice, Mixture]]:
        """The best fixed mixtures of the corners (n, S, C, Q) in some rows of a series.

        One for each level that has weights of its own, or one for all; with their levels.
        """
        setup, whole = self.setup, slice(None)
        parts = [(whole, setup.loss)]
        if setup.apart:
            parts = [(slice(q, q + 1), setup.loss.at(q)) for q in range(setup.levels)]
        x, y = corners[rows, series], history.observed[rows, series]
        ours = history.combined[rows, series]
        return [
            (part, best_mixture(x[..., part], y, loss, combined=ours[:, part]))
            for part, loss in parts
        ]
