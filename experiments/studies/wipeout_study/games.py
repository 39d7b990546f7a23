"""Hedge with wipe-outs on a batch of games, and the loss sequences of these games."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import experts
from experts import Feedback, Ledger, bounds, wipeout

Array = Any


@dataclass(frozen=True, slots=True)
class Rule:
    """Wipe-out rule: `wipeout.hopeless` or, with a delta, `wipeout.unlikely`."""

    name: str
    delta: float | None = None

    def dead(self, loss: Array, alive: Array, loss_range: float, done: int, horizon: int) -> Array:
        """Experts to remove after `done` of `horizon` rounds, bool (S, K)."""
        if self.delta is None:
            return wipeout.hopeless(loss, alive, loss_range, horizon - done)
        return wipeout.unlikely(loss, alive, loss_range, done, horizon, self.delta)


PROVABLE = Rule("provable")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results of S games of T rounds and K experts."""

    removed_at: Array
    """(S, K): number of rounds after which an expert was removed; T + 1: never"""
    loss: Array
    """(S, K): the experts' losses over all T rounds"""
    regret: Array
    """(S,): realised regret to the best of all K experts in hindsight, removed ones included"""
    certificate: Array
    """(S,): the learner's own bound on the regret to the best survivor"""
    bound: Array
    """(S,): ln K / eta + eta T B**2 / 8 + (1 / eta) sum_t ln gamma_t"""
    horizon: int
    """T"""

    @property
    def lost_best(self) -> Array:
        """Whether an expert that is best in hindsight was removed, bool (S,)."""
        best = self.loss == self.loss.min(axis=-1, keepdims=True)
        return np.any(best & (self.removed_at <= self.horizon), axis=-1)


def play(losses: Array, loss_range: float, rule: Rule) -> Outcome:
    """Play Hedge, tuned to T and `loss_range`, on losses (T, S, K); `rule` removes experts."""
    horizon, games, count = losses.shape
    learner = experts.hedge(horizon=horizon, loss_range=loss_range)
    state = learner.init(losses[0])
    ledger = Ledger.open(losses[0])
    total = np.zeros((games, count))
    log_kept = np.zeros((games, 1))
    removed_at = np.full((games, count), horizon + 1)
    for done, loss in enumerate(losses, 1):
        weights = learner.predict(state)
        state = learner.update(state, weights, Feedback(loss))
        ledger = ledger.add(weights, loss)
        total += loss
        dead = rule.dead(total, state.alive, loss_range, done, horizon)
        if dead.any():
            log_kept += wipeout.log_kept(learner.predict(state), dead)
            state = experts.wipe(state, dead)
            removed_at[dead] = done
    eta = 1 / state.scale[:, 0]
    plain = np.asarray([bounds.hedge(count, horizon, rate, loss_range) for rate in eta])
    leader = np.argmin(np.where(state.alive, total, np.inf), axis=-1)[:, None]
    return Outcome(
        removed_at=removed_at,
        loss=total,
        regret=ledger.regret.max(axis=-1),
        certificate=np.take_along_axis(learner.certificate(state), leader, -1)[:, 0],
        bound=plain + log_kept[:, 0] / eta,
        horizon=horizon,
    )


MakeLosses = Callable[[np.random.Generator, int, int, int], Array]
"""(generator, T, S, K) -> losses (T, S, K) in [-1, 1]."""


def steady(rng: np.random.Generator, horizon: int, games: int, count: int, gap: float) -> Array:
    """I.i.d. losses: expert 0 is better by `gap` in the mean; uniform noise in [-1/2, 1/2]."""
    losses = rng.uniform(-0.5, 0.5, (horizon, games, count)) + gap / 2
    losses[..., 0] -= gap
    return losses


def comeback(
    rng: np.random.Generator, horizon: int, games: int, count: int, behind: float, gap: float = 0.2
) -> Array:
    """Losses where expert 0 is worse by `gap` in the first rounds, then better by 4 gaps.

    `behind` is the first rounds' share. If it is below 4/5, expert 0 ends as the best in the mean;
    the noise is as in `steady`.
    """
    turn = round(behind * horizon)
    early = steady(rng, turn, games, count, -gap)
    return np.concatenate([early, steady(rng, horizon - turn, games, count, 4 * gap)])


def coins(rng: np.random.Generator, horizon: int, games: int, count: int) -> Array:
    """Losses of -1 or 1 by fair coins: random walks, many of which end tied."""
    return 2.0 * rng.integers(0, 2, (horizon, games, count)) - 1


def segments(rng: np.random.Generator, horizon: int, games: int, count: int) -> Array:
    """Losses uniform in [-1, 1] that stay constant for stretches, so the lead changes often.

    The rounds at which they change are drawn without replacement.
    """
    ends = np.zeros(horizon, dtype=np.int64)
    ends[rng.choice(np.arange(1, horizon), size=min(6, horizon - 1), replace=False)] = 1
    level = rng.uniform(-1, 1, (ends.sum() + 1, games, count))
    return level[np.cumsum(ends)]


def brink(rng: np.random.Generator, horizon: int, games: int, count: int) -> Array:
    """The hardest losses: expert 0 falls behind as far as it can and still ends tied for best.

    Until half time it loses 1 where the others lose -1, then the reverse. At half time it is
    exactly 2 (T - t) behind, and at the end all are tied (T even).
    """
    sign = np.where(np.arange(horizon) < horizon / 2, 1.0, -1.0)[:, None, None]
    losses = np.broadcast_to(-sign, (horizon, games, count)).copy()
    losses[..., :1] = sign
    return losses


ADVERSARIES: dict[str, MakeLosses] = {
    "comeback": partial(comeback, behind=0.5),
    "coins": coins,
    "segments": segments,
    "brink": brink,
}
