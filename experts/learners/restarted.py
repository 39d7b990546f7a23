"""Restarts: a learner that forgets everything from time to time, for worlds that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from array_api_compat import array_namespace, device

from experts.checks import check_learner
from experts.learners.hedge import adahedge, exp3, hedge
from experts.numerics.arguments import whole
from experts.numerics.masks import prior_of, wipe
from experts.numerics.state import choose
from experts.registry import register
from experts.types import Array, Feedback


class RestartedState(NamedTuple):
    """State of a restarted learner."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K)"""
    past: Array
    """(..., K): sum of the certificates of the blocks that are over; 0 for the removed"""
    rounds: Array
    """(1,): rounds played in this block"""
    inner: Any
    """the learner's state in this block"""


@dataclass(frozen=True, slots=True)
class Restarted:
    """A learner that begins anew, from its prior on the survivors, after every block of rounds.

    Parameters
    ----------
    learner
        Any learner.
    every
        Rounds of a block, >= 1.
    """

    learner: Any
    every: int

    def __post_init__(self) -> None:
        check_learner(self.learner)
        every = whole("every", self.every)
        if self.learner.horizon is not None and every > self.learner.horizon:
            raise ValueError(
                f"every = {every} exceeds the horizon of {self.learner!r}, {self.learner.horizon}"
            )
        object.__setattr__(self, "every", every)

    @property
    def horizon(self) -> int | None:
        """Any number of rounds."""
        return None

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """That of the learner."""
        interval: tuple[float, float] | None = self.learner.loss_interval
        return interval

    @property
    def supports(self) -> frozenset[str]:
        """All that the learner does: a late loss is told to the block in which it arrives."""
        features: frozenset[str] = self.learner.supports
        return features

    def init(self, like: Array, *, prior: Array | None = None) -> RestartedState:
        """State before the first round; see `Learner.init`."""
        xp = array_namespace(like)
        prior = prior_of(like, prior)
        none = xp.zeros((1,), dtype=prior.dtype, device=device(prior))
        inner = self.learner.init(like, prior=prior)
        return RestartedState(prior > 0, prior, xp.zeros_like(prior), none, inner)

    def predict(self, state: RestartedState) -> Array:
        """The distribution of the learner in this block, (..., K)."""
        return self.learner.predict(_inner(state))

    def update(self, state: RestartedState, play: Array, feedback: Feedback) -> RestartedState:
        """The state after one round, begun anew if the block is over; `state` is left as it was."""
        xp = array_namespace(state.prior)
        inner = self.learner.update(_inner(state), play, feedback)
        over = state.rounds + 1 == self.every
        certificate = xp.where(state.alive, self.learner.certificate(inner), 0.0)
        fresh = self.learner.init(state.prior, prior=xp.where(state.alive, state.prior, 0.0))
        return state._replace(
            past=xp.where(over, state.past + certificate, state.past),
            rounds=xp.where(over, 0.0, state.rounds + 1),
            inner=choose(over, fresh, inner),
        )

    def estimate(self, state: RestartedState, feedback: Feedback) -> Array:
        """Estimated losses of a round, (..., K); `certificate` bounds the regret in these."""
        estimate: Array = self.learner.estimate(_inner(state), feedback)
        return estimate

    def certificate(self, state: RestartedState) -> Array:
        """Sum of the blocks' certificates, (..., K); meaningless for removed experts."""
        return state.past + self.learner.certificate(_inner(state))


@register(
    {"learner": hedge(0.5), "every": 7},
    {"learner": adahedge(), "every": 3},
    {"learner": exp3(), "every": 11},
)
def restarted(learner: Any, every: int) -> Restarted:
    """Restarts: any learner, begun anew after every block of `every` rounds.

    Parameters
    ----------
    learner
        Any learner. One that is tuned for a horizon needs that of a block.
    every
        Rounds of a block, >= 1.

    Notes
    -----
    Regret to any sequence of experts that changes only between blocks <= the sum of the bounds of
    the blocks; the certificate, for a single expert, is the sum of the blocks' certificates.

    Source: Hazan & Seshadhri 2009 and Besbes, Gur & Zeevi 2014, Section 4 (restarts).

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player, hedge
    >>> player = Player(restarted(hedge(1.0), every=10), np.zeros(2))
    >>> for t in range(15):
    ...     p = player.predict()
    ...     player.update(np.asarray([1.0, 0.0] if t < 10 else [0.0, 1.0]))
    >>> player.predict().round(3)  # what was learned in the first block is forgotten
    array([0.993, 0.007])
    """
    return Restarted(learner, every)


@register({"every": 11})
def rexp3(every: int) -> Restarted:
    """Rexp3: Exp3, tuned for a block of `every` rounds, begun anew after each. Bandit feedback.

    Losses in [0, 1]. `bounds.rexp3_block` gives the block that is best for a variation V.

    Parameters
    ----------
    every
        Rounds of a block, >= 1.

    Notes
    -----
    Dynamic regret in expectation <= ceil(T / every) sqrt(2 every K ln K) + 2 every V, against the
    best arm of every round, whose expected losses m_t are fixed beforehand and vary by
    V = sum_t max_k |m_{t+1,k} - m_{t,k}|: `bounds.rexp3`.

    Proof. In a block of variation v the arm that is best in its first round is in no round worse
    than the best by more than 2 v: both have moved by v at most. So it costs 2 every v more than
    the best arms, and Exp3 at most sqrt(2 every K ln K) more than it, in a shorter last block too.
    The blocks' variations add up to V at most.

    Source: Besbes, Gur & Zeevi 2014, Theorem 2 (with another Exp3, and so other constants).
    """
    every = whole("every", every)
    return Restarted(exp3(horizon=every), every)


def _inner(state: RestartedState) -> Any:
    """The learner's state, without those removed."""
    return wipe(state.inner, ~state.alive)
