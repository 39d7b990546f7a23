"""NormalHedge: a learner without a learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.learners.regrets import instantaneous, margin, nonzero
from experts.numerics.masks import highest, log_normalised, prior_of, weighed
from experts.registry import register
from experts.types import Array, Feedback

_STEPS = 24


class NormalHedgeState(NamedTuple):
    """State of NormalHedge."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    regret: Array
    """(..., K): regrets so far; frozen for an expert from its removal on"""
    reach: Array
    """(..., 1): largest regret of a round, in absolute value"""


@dataclass(frozen=True, slots=True)
class NormalHedge:
    r"""NormalHedge: weights x exp(x**2 / 2c) of the positive regrets x, with c set by the regrets.

    .. math:: p_k \propto \pi_k x_k e^{x_k^2 / 2c}, \qquad
              \sum_i \pi_i e^{x_i^2 / 2c} = e, \qquad x_k = (R_k - \theta)_+

    over the survivors, pi renormalised among them; the prior while no regret is positive. theta
    is the largest regret of a round times 4096 ulps, so that rounding never makes a regret of 0
    positive (the paper has theta = 0 and a uniform prior).

    Notes
    -----
    **Certificate.** For every survivor k::

        regret to k <= theta + sqrt(2 c_T (1 + ln(1/prior_k)))

    by the definition of c_T: no term of the sum can exceed e. It holds for any distributions and
    losses; that c_T is O(T) if `predict` is played is the theorem (`bounds.normal_hedge`).

    Source: Chaudhuri, Freund & Hsu 2009.
    """

    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"sleeping", "wipeout"})
    """sleeping experts have regret 0; unless `predict` is played, c may grow as T**2"""

    def init(self, like: Array, *, prior: Array | None = None) -> NormalHedgeState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        zero = array_namespace(like).zeros_like(like)
        return NormalHedgeState(prior > 0, prior, zero, zero[..., :1])

    def predict(self, state: NormalHedgeState) -> Array:
        """The weights normalised, (..., K)."""
        xp = array_namespace(state.prior)
        ahead, top, log_prior, tilt = self._potential(state)
        logits = log_prior + xp.log(nonzero(ahead)) + tilt * ahead**2
        weight = xp.where(ahead > 0, weighed(logits - tilt, state.alive), 0.0)
        weight = xp.where(top > 0, weight, weighed(log_prior, state.alive))
        return weight / xp.sum(weight, axis=-1, keepdims=True)

    def update(self, state: NormalHedgeState, play: Array, feedback: Feedback) -> NormalHedgeState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        regret = instantaneous(play, feedback, state.alive)
        reach = xp.maximum(state.reach, highest(xp.abs(regret), state.alive))
        return state._replace(regret=state.regret + regret, reach=reach)

    def certificate(self, state: NormalHedgeState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        _, top, log_prior, tilt = self._potential(state)
        return margin(state.regret, state.reach) + top * xp.sqrt((1 - log_prior) / tilt)

    def _potential(self, state: NormalHedgeState) -> tuple[Array, Array, Array, Array]:
        """x / max x (..., K), max x (..., 1), ln prior (..., K), s = (max x)**2 / 2c (..., 1).

        ln sum_i prior_i exp(s y_i**2) = 1 is solved for s by Newton's steps. The left side is
        convex in s, and the start, where the leader's term alone is e, right of the solution.
        """
        xp = array_namespace(state.prior)
        log_prior = log_normalised(xp.log(nonzero(state.prior)), state.alive)
        ahead = state.regret - margin(state.regret, state.reach)
        ahead = xp.where(state.alive & (ahead > 0), ahead, 0.0)
        top = highest(ahead, state.alive)
        ahead = ahead / nonzero(top)
        leader = highest(log_prior, state.alive & (ahead == 1))
        tilt = 1 - xp.where(top > 0, leader, 0.0)
        for _ in range(_STEPS):
            weight = weighed(log_prior + tilt * (ahead**2 - 1), state.alive)
            total = xp.sum(weight, axis=-1, keepdims=True)
            slope = xp.sum(weight * ahead**2, axis=-1, keepdims=True) / total
            tilt = tilt - xp.where(top > 0, (tilt + xp.log(total) - 1) / nonzero(slope), 0.0)
        return ahead, top, log_prior, tilt


@register()
def normal_hedge() -> NormalHedge:
    """NormalHedge: no learning rate, no horizon, no range; small regret to quantiles.

    Notes
    -----
    For losses in a range B and every d in (0, 1/2]: regret to the best
    <= B sqrt((1 + ln K) (3 (1 + 50 d) T + (16 ln(K)**2 / d) (10.2 / d**2 + ln K))).

    Source: Chaudhuri, Freund & Hsu 2009, Theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(normal_hedge(), np.zeros(3))
    >>> p = player.predict()
    >>> player.update(np.asarray([0.0, 0.0, 1.0]))
    >>> player.predict().round(3)
    array([0.5, 0.5, 0. ])
    """
    return NormalHedge()
