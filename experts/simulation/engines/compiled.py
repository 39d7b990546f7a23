"""The compiled engine: Hedge, Exp3, Exp3-IX and Tsallis-INF as loops over the rounds of a problem.

Imported on demand; `pip install 'experts-xnas[fast]'`. The loops are in `kernels.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experts.ftrl import FTRL, Entropy, Shifted, Tsallis, Weighted
from experts.simulation.books import Books
from experts.simulation.engines import kernels
from experts.simulation.engines.base import STEADY, Match, Runner, prices, scales
from experts.types import Array


class Numba:
    """The compiled engine: oblivious losses; entropy with any feedback, Tsallis as a bandit."""

    name = "numba"

    def runs(self, learner: Any, *, adaptive: bool, bandit: bool) -> bool:
        """Entropy or (bandits) 1/2-Tsallis with a rate that ignores the losses."""
        if adaptive or type(learner) is not FTRL or type(learner.rate) not in STEADY:
            return False
        if type(learner.regularizer) is Entropy:
            return type(learner.estimator) is Weighted
        plain = type(learner.estimator) is Weighted or learner.estimator == Shifted()
        return bandit and learner.regularizer == Tsallis() and plain

    def start(self, match: Match, books: Books) -> Runner:
        """Make the kernel's arrays, which every call updates in place."""
        learner = match.learner
        like = learner.init(np.zeros(match.shape))
        batch, experts = books.total.shape
        dual, price = (
            np.array(part).reshape(batch, experts) for part in (like.dual, prices(learner, like))
        )
        # Losses and weights of the learner; then: sums of weights, a workspace; gaps, multipliers.
        work = np.zeros(experts) if match.bandit else np.zeros(batch)
        state = (np.zeros((batch, experts)), np.zeros((batch, experts)), work, np.zeros(batch))
        sums = (books.total, books.loss, books.level, np.full(batch, -1), books.switches)
        bias = getattr(learner.estimator, "bias", 0.0)
        shift = getattr(learner.estimator, "baseline", 0.0)

        def run(losses: Array | None, uniforms: Array | None, count: int) -> None:
            rows = _rows(losses, batch)
            scale = scales(learner, like.clock, books.done, count)
            after = (state, books.done == 0, sums, _records(books, count))
            if not match.bandit:
                kernels.hedge(rows, scale, dual, price, *after)
            elif type(learner.regularizer) is Entropy:
                kernels.exp3(rows, uniforms, scale, dual, bias, *after)
            else:
                kernels.tsallis(rows, uniforms, scale, bias, shift, *after)
            books.done += count

        return run


def _rows(losses: Any, batch: int) -> Array:
    """(n, B, K), contiguous; (n, 1, K) if all problems meet the same losses in memory."""
    if losses.ndim == 3 and losses.strides[1] == 0:
        losses = losses[:, :1]
    else:
        losses = losses.reshape(len(losses), batch, losses.shape[-1])
    # One kind of array, so that each kernel is compiled once; a copy only if it is needed.
    rows = np.ascontiguousarray(losses, dtype=np.float64)
    return rows if rows.flags.writeable else rows.view()


def _records(books: Books, count: int) -> tuple[Array, ...]:
    """The records due in the next `count` rounds, and the arrays that they go to."""
    where, due = books.due(books.done, count)
    numbers = np.arange(where.start, where.stop)
    kept = np.where(numbers % books.thin == 0, numbers // books.thin, -1)
    losses = (books.loss_at, books.level_at, books.best_loss_at)
    entries = (*losses, books.best_at, books.switches_at)
    certificate_at = books.certificate_at[where]
    return due, kept, *(entry[where] for entry in entries), certificate_at, books.weights_at
