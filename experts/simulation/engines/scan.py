"""The scan engine: Hedge over a known sequence, many rounds at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from experts.ftrl import FTRL, Entropy, Weighted
from experts.simulation.books import Books
from experts.simulation.engines.base import STEADY, Match, Runner, prices, scales
from experts.types import Array

_CACHE = 2**15
"""Numbers in one stretch of the scan: 256 KiB an array, a few of which fit into a core's L2."""


class Scan:
    """The scan engine: cumulative sums and one softmax for a stretch of rounds.

    Experts come first and the rounds last in memory, (K, n, B): every operation then runs along
    contiguous numbers, also where K is small. The gaps telescope while the rate stays the same.
    """

    name = "scan"

    def runs(self, learner: Any, *, adaptive: bool, bandit: bool) -> bool:
        """Full information, entropy, and a rate that ignores the losses."""
        return (
            not (adaptive or bandit)
            and type(learner) is FTRL
            and type(learner.regularizer) is Entropy
            and type(learner.rate) in STEADY
            and type(learner.estimator) is Weighted
        )

    def start(self, match: Match, books: Books) -> Runner:
        """Make the sums; every call cuts its rounds into stretches that fit into the cache."""
        learner = match.learner
        state = learner.init(np.zeros(match.shape))
        batch, experts = books.total.shape
        dual = state.dual.reshape(batch, experts).T[:, None, :].copy()
        price = prices(learner, state).reshape(batch, experts)
        stretch = max(1, _CACHE // (batch * experts))
        gap = np.zeros(batch)
        lead = np.zeros((experts, batch))  # losses less the best expert's

        def run(losses: Array | None, uniforms: Array | None, count: int) -> None:
            assert losses is not None
            flat = losses.reshape(count, batch, experts)
            for first in range(0, count, stretch):
                part = flat[first : first + stretch]
                scale = scales(learner, state.clock, books.done, len(part))
                _stretch(books, part, scale, dual, price, lead, gap)

        return run


def _stretch(
    books: Books, part: Array, scale: Array, dual: Array, price: Array, lead: Array, gap: Array
) -> None:
    """Play rounds (n, B, K) at once; `lead` (K, B) and `gap` (B,) are updated in place."""
    loss = np.array(part.transpose(2, 0, 1), order="C")  # (K, n, B), a copy to write to
    path = np.empty((len(loss), loss.shape[1] + 1, loss.shape[2]))
    path[:, 0] = lead
    # Less each round's smallest loss, which changes no distribution: a level that all losses share
    # would drown their differences.
    level = loss.min(axis=0)
    loss -= level
    np.cumsum(loss, axis=1, out=path[:, 1:])
    path[:, 1:] += lead[:, None]
    low = path.min(axis=0)
    if len(scale) == 1:
        weights, log_norm = _softmax(path, low, scale, dual)
        potential = low - scale * log_norm
        weights, norm = weights[:, :-1], np.exp(log_norm[:-1])
        rise = potential[1:] - potential[:1]
    else:
        weights, log_norm = _softmax(path[:, :-1], low[:-1], scale, dual)
        _, log_after = _softmax(path[:, 1:], low[1:], scale, dual)
        norm = np.exp(log_norm)
        rise = np.cumsum((low[1:] - low[:-1]) - scale * (log_after - log_norm), axis=0)
    np.multiply(loss, weights, out=loss)
    suffered = np.cumsum(loss.sum(axis=0) / norm, axis=0)  # (n, B)
    _enter_stretch(books, path[:, 1:], suffered, low[1:], np.cumsum(level, axis=0))
    where, due = books.due(books.done - len(part), len(part))
    if len(due):
        books.certify(where, (gap + suffered - rise)[due][..., None] + _price(scale, due, price))
        books.keep_weights(where, (weights[:, due] / norm[due]).transpose(1, 2, 0))
    gap += suffered[-1] - rise[-1]
    lead[:] = path[:, -1] - low[-1]


def _softmax(path: Array, low: Array, scale: Array, dual: Array) -> tuple[Array, Array]:
    """exp(dual - (path - low) / scale), (K, n, B), and the logarithm of its sum, (n, B)."""
    weights = path - low
    weights *= -1.0 / scale
    weights += dual
    np.exp(weights, out=weights)
    return weights, np.log(weights.sum(axis=0))


def _price(scale: Array, due: Array, price: Array) -> Array:
    """s_t R(e_k) at the recorded rounds, (r, B, K)."""
    return (scale if len(scale) == 1 else scale[due])[..., None] * price


def _enter_stretch(books: Books, path: Array, suffered: Array, low: Array, level: Array) -> None:
    """Enter rounds (K, n, B) into the books; the first of them is round `books.done` + 1.

    `level` (n, B) is what was taken off all losses up to a round.
    """
    # `path` starts at the losses less the best expert's, `books.total` has them less the level.
    base = books.total.min(axis=-1)
    best = np.argmin(path, axis=0)
    changed = np.empty(best.shape, dtype=np.int64)
    changed[1:] = best[1:] != best[:-1]
    changed[0] = (best[0] != books.best) & (books.done > 0)
    switches = books.switches + np.cumsum(changed, axis=0)
    where, due = books.due(books.done, len(best))
    if len(due):
        books.loss_at[where] = books.loss + suffered[due]
        books.best_loss_at[where] = base + low[due]
        books.level_at[where] = books.level + level[due]
        books.best_at[where] = best[due]
        books.switches_at[where] = switches[due]
    books.loss = books.loss + suffered[-1]
    books.level = books.level + level[-1]
    books.total = base[:, None] + path[:, -1].T
    books.best, books.switches = best[-1], switches[-1]
    books.done += len(best)
