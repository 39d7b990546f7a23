"""The engine of turns: policies, contexts, sleepers, late losses, sequences with switches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from experts.ledger import TrackingLedger
from experts.simulation.books import Books
from experts.simulation.engines.base import Match
from experts.simulation.engines.plain import enter
from experts.simulation.engines.sides import Side, Turn, side_of
from experts.types import Array


class Turns:
    """Any learner, policy or contextual policy in any environment, one Python step a round."""

    name = "turns"

    def runs(self, learner: Any, *, adaptive: bool, bandit: bool) -> bool:
        """Everything."""
        return True

    def start(self, match: Match, books: Books) -> Callable[..., None]:
        """Make the learner's state, which the returned function holds.

        The function is a `Runner` that is also given what is shown, (n, S, ...), if anything is.
        """
        side = side_of(match)
        waiting: dict[int, list[Turn]] = defaultdict(list)
        tracking: TrackingLedger | None = None

        def run(
            losses: Array | None, uniforms: Array | None, count: int, shown: Array | None = None
        ) -> None:
            nonlocal tracking
            for step in range(count):
                now = books.done
                sight, drawn = (None if x is None else x[step] for x in (shown, uniforms))
                turn = side.act(sight, drawn)
                if losses is None:
                    numbers = np.asarray(match.course(turn.play))[None]
                    loss = match.units.losses(numbers, now)[0]
                else:
                    loss = losses[step]
                turn = turn._replace(loss=loss)
                waiting[now if match.delays is None else now + match.delays[now]].append(turn)
                for arrived in waiting.pop(now, ()):
                    side.learn(arrived)
                compared, own = side.compared(turn)
                due = enter(books, turn.played, compared, own)
                if match.switches is not None:
                    ledger = tracking or TrackingLedger.open(compared, match.switches)
                    tracking = ledger.add(turn.played, compared)
                if due is not None:
                    on_way = [late for turns in waiting.values() for late in turns]
                    _record(books, due, side, turn.play, on_way, tracking)

        return run


def _record(
    books: Books,
    due: slice,
    side: Side,
    play: Array,
    on_way: list[Turn],
    tracking: TrackingLedger | None,
) -> None:
    """Enter the distributions, certificates and regrets to sequences of a recorded round."""
    batch = len(books.loss)
    books.keep_weights(due, play.reshape(1, batch, -1))
    if books.tracking_at is not None and tracking is not None:
        books.tracking_at[due] = tracking.worst().reshape(1, batch, -1)
    if len(books.certificate_at):
        certificate = side.certificate()
        for turn in on_way:  # of these rounds the learner does not know; their regret is added
            loss, _ = side.compared(turn)
            certificate = certificate + np.sum(turn.played * loss, axis=-1, keepdims=True) - loss
        books.certify(due, certificate.reshape(1, batch, -1))
