"""How a game is computed. All engines give the same trace, up to rounding.

``plain``  any learner, any environment: one Python step a round, over the whole batch
``scan``   full information and a rate that ignores the losses: numpy over whole stretches of rounds
``numba``  compiled loops, also for bandits (`experts.engines_numba`; optional)

Under bandit feedback the game itself multiplies rounding errors, by about 1 + eta / p whenever an
expert of probability p is drawn. There every prediction is the plain one along the engine's own
path, but two engines' paths part after a number of rounds that grows with 1 / eta: as with two
versions of numpy, both are fair samples of the same game.

An engine lists the parts of FTRL that it can run by class, so that a new part is run by `plain`
until somebody teaches the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from experts.estimators import Weighted
from experts.ftrl import FTRL
from experts.rates import Anytime, Fixed, Horizon
from experts.regularizers import Entropy
from experts.sampling import draw
from experts.trace import Books
from experts.types import Array, Feedback

STEADY = (Fixed, Horizon, Anytime)
"""Rates whose scale is a function of `clock.rounds` and `clock.unit` alone."""

_CACHE = 2**15
"""Numbers in one stretch of the scan: 256 KiB an array, a few of which fit into a core's L2."""


@dataclass(frozen=True, slots=True)
class Game:
    """What an engine is asked to play. B problems in one flat batch."""

    learner: Any
    shape: tuple[int, ...]
    """(S, ..., K), with B = S * ..."""
    adaptive: bool
    bandit: bool
    course: Callable[[Any], Array]
    uniforms: Callable[[int], Array]
    """the next n rounds' uniforms (n, B), for bandit feedback"""
    check: Callable[[Array, int], None]
    """raises on bad losses (n, S, ..., K) that follow after so many rounds"""


class Runner(Protocol):
    """A game in progress."""

    def __call__(self, losses: Array | None, uniforms: Array | None, count: int) -> None:
        """Play `count` rounds: losses (n, S, ..., K), None if adaptive; uniforms (n, B)."""


class Plain:
    """One Python step a round, through the learner's own `predict` and `update`."""

    name = "plain"

    def runs(self, learner: Any, *, adaptive: bool, bandit: bool) -> bool:
        """Everything."""
        return True

    def start(self, game: Game, books: Books) -> Runner:
        """The state lives in the closure."""
        learner, shape = game.learner, game.shape
        state = learner.init(np.zeros(shape))

        def run(losses: Array | None, uniforms: Array | None, count: int) -> None:
            nonlocal state
            for step in range(count):
                play = learner.predict(state)
                if losses is None:
                    loss = game.course(play)
                    game.check(np.asarray(loss)[None], books.done)
                else:
                    loss = losses[step]
                seen = None
                if uniforms is not None:
                    seen = draw(play, uniforms[step].reshape(*shape[:-1], 1))
                state = learner.update(state, play, _feedback(loss, seen, play))
                _enter(books, play if seen is None else seen, loss)
                where, due = books.due(books.done - 1, 1)
                if len(due):
                    books.keep_weights(where, play.reshape(1, *books.total.shape))
                    if not game.bandit:
                        certificate = np.broadcast_to(learner.certificate(state), shape)
                        books.certify(where, certificate.reshape(1, *books.total.shape))

        return run


def _feedback(loss: Array, seen: Array | None, play: Array) -> Feedback:
    """A bandit's learner gets nan where it may not look."""
    if seen is None:
        return Feedback(loss)
    return Feedback(np.where(seen, loss, np.nan), seen, play)


def _enter(books: Books, played: Array, loss: Array) -> None:
    """One round into the books."""
    flat = loss.reshape(books.total.shape)
    books.total += flat
    books.loss += np.sum(np.where(played, played * loss, 0.0), axis=-1).reshape(-1)
    best = np.argmin(books.total, axis=-1)
    if books.done:
        books.switches += best != books.best
    books.best = best
    books.done += 1
    where, due = books.due(books.done - 1, 1)
    if len(due):
        books.loss_at[where] = books.loss
        books.best_loss_at[where] = np.min(books.total, axis=-1)
        books.best_at[where] = best
        books.switches_at[where] = books.switches


def scales(learner: FTRL, clock: Any, first: int, count: int) -> Array:
    """1 / eta of rounds first + 1 ... first + count, (count or 1, B), for a `STEADY` rate.

    One call of the rate with all the rounds as its batch; 1 row where it is constant.
    """
    if not isinstance(learner.rate, Anytime):
        return clock.scale.reshape(1, -1)
    before = np.arange(first, first + count, dtype=np.float64)[:, None] - 1.0
    unit = clock.unit.reshape(1, -1)
    later = learner.rate.update(clock._replace(rounds=before, unit=unit), unit)
    return np.asarray(later.scale)


def prices(learner: FTRL, state: Any) -> Array:
    """R(e_k) of every problem, (S, ..., K)."""
    one = np.ones_like(state.gap)
    charge = learner.regularizer.charge(state.loss, one, state.alive, state.dual)
    return np.broadcast_to(np.asarray(charge), state.loss.shape)


class Scan:
    """Hedge over a known sequence: cumulative sums and one softmax for a stretch of rounds.

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

    def start(self, game: Game, books: Books) -> Runner:
        """Cuts what comes into stretches that fit into the cache."""
        learner = game.learner
        state = learner.init(np.zeros(game.shape))
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
    """Some rounds (n, B, K) at once; `lead` (K, B) and `gap` (B,) move on in place."""
    loss = np.array(part.transpose(2, 0, 1), order="C")  # (K, n, B), a copy to write to
    path = np.empty((len(loss), loss.shape[1] + 1, loss.shape[2]))
    path[:, 0] = lead
    # Less each round's smallest loss, which changes no play: a level that all losses share would
    # swallow their differences.
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
    """Rounds (K, n, B) into the books; the first of them is round `books.done` + 1.

    `level` (n, B) is what was taken off all losses up to a round.
    """
    # `path` starts at the losses less the best expert's; what is missing is one number a problem.
    base = books.total.min(axis=-1)
    best = np.argmin(path, axis=0)
    changed = np.empty(best.shape, dtype=np.int64)
    changed[1:] = best[1:] != best[:-1]
    changed[0] = (best[0] != books.best) & (books.done > 0)
    switches = books.switches + np.cumsum(changed, axis=0)
    where, due = books.due(books.done, len(best))
    if len(due):
        books.loss_at[where] = books.loss + (suffered + level)[due]
        books.best_loss_at[where] = base + (low + level)[due]
        books.best_at[where] = best[due]
        books.switches_at[where] = switches[due]
    books.loss = books.loss + suffered[-1] + level[-1]
    books.total = (base + level[-1])[:, None] + path[:, -1].T
    books.best, books.switches = best[-1], switches[-1]
    books.done += len(best)
