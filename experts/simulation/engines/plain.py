"""The plain engine: any learner in any environment, one Python step a round."""

from __future__ import annotations

from typing import Any

import numpy as np

from experts.numerics.sampling import draw
from experts.simulation.books import Books
from experts.simulation.engines.base import Match, Runner
from experts.types import Array, Feedback


class Plain:
    """The plain engine: `predict` and `update` of the learner, round by round."""

    name = "plain"

    def runs(self, learner: Any, *, adaptive: bool, bandit: bool) -> bool:
        """Everything."""
        return True

    def start(self, match: Match, books: Books) -> Runner:
        """Make the learner's state, which the returned function holds."""
        learner, shape = match.learner, match.shape
        state = learner.init(np.zeros(shape))

        def run(losses: Array | None, uniforms: Array | None, count: int) -> None:
            nonlocal state
            for step in range(count):
                play = learner.predict(state)
                if losses is None:
                    loss = match.units.losses(np.asarray(match.course(play))[None], books.done)[0]
                else:
                    loss = losses[step]
                seen = None
                if uniforms is not None:
                    seen = draw(play, uniforms[step].reshape(*shape[:-1], 1))
                state = learner.update(state, play, feedback(loss, seen, play))
                due = enter(books, play if seen is None else seen, loss)
                if due is not None:
                    books.keep_weights(due, play.reshape(1, *books.total.shape))
                    if not match.bandit:
                        certificate = np.broadcast_to(learner.certificate(state), shape)
                        books.certify(due, certificate.reshape(1, *books.total.shape))

        return run


def feedback(loss: Array, seen: Array | None, play: Array) -> Feedback:
    """Feedback of a round; under bandit feedback, nan where nothing was seen."""
    if seen is None:
        return Feedback(loss)
    return Feedback(np.where(seen, loss, np.nan), seen, play)


def enter(books: Books, played: Array, loss: Array, own: Array | None = None) -> slice | None:
    """Enter one round into the books; where it is to be recorded, if it is.

    Parameters
    ----------
    played : (..., K)
        A distribution, or a one-hot.
    loss : (..., K)
        Of those that the player is compared with.
    own : (...), optional
        The player's loss. Default: <played, loss>.
    """
    level = loss.min(axis=-1, keepdims=True)
    above = loss - level
    suffered = np.sum(played * above, axis=-1) if own is None else own - level[..., 0]
    books.total += above.reshape(books.total.shape)
    books.loss += suffered.reshape(-1)
    books.level += level.reshape(-1)
    if books.log_wealth_at is not None:
        books.log_wealth += _growth(played, loss).reshape(-1)
    best = np.argmin(books.total, axis=-1)
    if books.done:
        books.switches += best != books.best
    books.best = best
    books.done += 1
    where, due = books.due(books.done - 1, 1)
    if not len(due):
        return None
    books.loss_at[where] = books.loss
    books.level_at[where] = books.level
    books.best_loss_at[where] = np.min(books.total, axis=-1)
    books.best_at[where] = best
    books.switches_at[where] = books.switches
    if books.log_wealth_at is not None:
        books.log_wealth_at[where] = books.log_wealth
    return where


def _growth(play: Array, loss: Array) -> Array:
    """ln <p, e^-loss>, (...), though e^-loss itself may over- or underflow."""
    big = np.finfo(np.float64).max
    low = np.min(loss, axis=-1, keepdims=True, where=play > 0, initial=big)
    # Only an expert of weight 0 is below `low`.
    return np.log(np.sum(play * np.exp(np.minimum(low - loss, 0.0)), axis=-1)) - low[..., 0]
