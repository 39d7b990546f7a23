"""The compiled engine: Hedge, Exp3, Exp3-IX and Tsallis-INF as loops over the rounds of a problem.

Imported on demand; `pip install 'experts-xnas[fast]'`. The loops are in `kernels.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

from experts.ftrl import FTRL, Entropy, Shifted, Tsallis, Weighted
from experts.simulation.books import Books
from experts.simulation.engines import kernels
from experts.simulation.engines.base import STEADY, Match, Runner, prices, scales
from experts.types import Array

_CACHE = 2**14
"""Numbers in an array of a block of problems: 128 KiB, a few of which fit into a core's L2."""

_WORTH_THREADS = 2**18
"""Losses in a call from which on starting threads pays."""


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
        # `play` starts every problem from the uniform prior.
        dual, price = (
            np.array(part).reshape(batch, experts)[0] for part in (like.dual, prices(learner, like))
        )
        entropy = type(learner.regularizer) is Entropy
        state = _state(match.bandit, entropy, batch, experts)
        blocks = _blocks(batch, experts)
        sums = (books.total, books.loss, books.level, np.full(batch, -1), books.switches)
        bias = getattr(learner.estimator, "bias", 0.0)
        shift = getattr(learner.estimator, "baseline", 0.0)

        def run(losses: Array | None, uniforms: Array | None, count: int) -> None:
            rows = _rows(losses, batch)
            scale = scales(learner, like.clock, books.done, count)
            records = _records(books, count)

            def part(block: tuple[int, int]) -> None:
                after = (block, sums, records)
                if not match.bandit:
                    kernels.hedge(rows, scale, dual, price, state, *after)
                elif entropy:
                    kernels.exp3(rows, uniforms, scale, dual, bias, state, *after)
                else:
                    kernels.tsallis(rows, uniforms, scale, bias, shift, state, *after)

            _each(part, blocks, count * batch * experts >= _WORTH_THREADS)
            books.done += count

        return run


def _state(bandit: bool, entropy: bool, batch: int, experts: int) -> tuple[Array, ...]:
    """What a kernel carries from round to round, all 0."""
    wide, narrow = (batch, experts), (batch,)
    shapes = [wide, narrow, narrow, narrow]  # weights, their sums, smallest losses, gaps
    if bandit:
        shapes = [wide, wide] if entropy else [wide, wide, narrow]  # losses, weights, multipliers
    return tuple(np.zeros(shape) for shape in shapes)


def _blocks(batch: int, experts: int) -> list[tuple[int, int]]:
    """Problems first ... end - 1 of which the states fit into the cache, one share a thread."""
    size = min(max(1, _CACHE // experts), -(-batch // numba.get_num_threads()))
    return [(first, min(first + size, batch)) for first in range(0, batch, size)]


def _each(
    part: Callable[[tuple[int, int]], None], blocks: list[tuple[int, int]], threaded: bool
) -> None:
    """`part` of every block; `threaded`: by as many threads as numba may use."""
    if not threaded or numba.get_num_threads() == 1 or len(blocks) == 1:
        for block in blocks:
            part(block)
        return
    with ThreadPoolExecutor(numba.get_num_threads()) as threads:
        list(threads.map(part, blocks))


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
