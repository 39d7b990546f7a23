"""From the books of a game to its `Trace`."""

from __future__ import annotations

from typing import Any

from experts.simulation.books import Books
from experts.simulation.comparators import Comparators
from experts.simulation.engines.base import Match
from experts.simulation.trace import Trace
from experts.types import Array


def trace_of(
    match: Match,
    environment: Any,
    engine: str,
    seeds: Array,
    books: Books,
    known: Comparators | None,
) -> Trace:
    """The record of a game, in the units of the environment."""
    units, batch = match.units, match.shape[:-1]
    played = books.rounds[:, None]

    def shaped(flat: Array, *last: int) -> Array:
        return flat.reshape(len(flat), *batch, *last)

    tracking = books.tracking_at
    return Trace(
        learner=repr(match.learner),
        environment=repr(environment),
        feedback="bandit" if match.bandit else "full",
        engine=engine,
        seeds=seeds,
        rounds=books.rounds,
        loss=shaped(units.back(books.loss_at + books.level_at, played)),
        best_loss=shaped(units.back(books.best_loss_at + books.level_at, played)),
        regret=shaped(units.slope * (books.loss_at - books.best_loss_at)),
        best=shaped(books.best_at),
        switches=shaped(books.switches_at),
        total=units.back(books.total + books.level[:, None], books.done).reshape(*batch, -1),
        certificate=None if match.bandit else shaped(books.certificate_at),
        weight_rounds=books.weight_rounds,
        weights=shaped(books.weights_at, match.shape[-1]),
        log_wealth=None if books.log_wealth_at is None else shaped(books.log_wealth_at),
        optimal_loss=None if known is None else known.optimal_at,
        sequence_loss=None if known is None else known.sequence_at,
        tracking_regret=None
        if tracking is None
        else units.slope * shaped(tracking, tracking.shape[-1]),
    )
