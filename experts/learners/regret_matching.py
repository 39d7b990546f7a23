"""Regret matching, RM+ and predictive RM+: weights proportional to positive regrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.learners.regrets import instantaneous, margin, nonzero
from experts.numerics.masks import highest, prior_of
from experts.registry import register
from experts.types import Array, Feedback


class MatchingState(NamedTuple):
    """State of regret matching."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    regret: Array
    """(..., K): Q, the regrets so far, cut at 0 after each round if `plus`"""
    hint: Array
    """(..., K): a guess of the next round's regrets; 0 unless `predictive`"""
    reach: Array
    """(..., 1): B, the largest regret of a round, in absolute value"""
    square: Array
    """(..., 1): S of the certificate, in units of B**2, which itself might over- or underflow"""


@dataclass(frozen=True, slots=True)
class RegretMatching:
    r"""Regret matching: weights proportional to what each expert would have gained.

    .. math:: p_{t,k} \propto \pi_k (Q_{t-1,k} + v_{t,k})_+, \qquad Q_t = Q_{t-1} + r_t,
              \qquad r_{t,k} = \langle p_t, l_t \rangle - l_{t,k}

    and the prior pi while no survivor's term is positive.

    Parameters
    ----------
    plus
        RM+: Q is cut at 0 from below after each round, so that an expert that was bad is used as
        soon as it is good. Q_T then bounds the regret over every interval that ends at T.
    predictive
        v_t = r_{t-1} less theta; otherwise v_t = -theta. theta is the largest regret of a round
        times 4096 ulps, so that rounding never makes a term of 0 positive.

    Notes
    -----
    **Certificate.** For every survivor k and every wipe-out, if `predict` was played (over the
    experts awake)::

        regret to k <= sqrt(S_T / prior_k),    S_T = sum_t sum_i prior_i (r_{t,i} - v_{t,i})**2

    Proof. f(Q) = (1/2) sum_i prior_i (Q_i)_+**2 is convex, its gradient prior (Q)_+ is 1-Lipschitz
    in the norm weighted with the prior, and at Q_{t-1} + v_t it is proportional to p_t, so its
    product with r_t is 0. Hence f(Q_{t-1} + r_t) <= f(Q_{t-1} + v_t) - <gradient, v_t> + (1/2)
    sum_i prior_i (r_{t,i} - v_{t,i})**2, and by convexity the first two are at most f(Q_{t-1}).
    To cut at 0 leaves f as it is, and a removal drops a nonnegative term: 2 f(Q_T) <= S_T. The
    regret is Q, or at most Q where Q was cut.

    Sources: Hart & Mas-Colell 2000; Tammelin 2014 (RM+); Farina, Kroer & Sandholm 2021.
    """

    plus: bool = False
    predictive: bool = False
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"sleeping", "wipeout"})
    """sleeping experts have regret 0; the product is 0 only if `predict` is played"""

    def init(self, like: Array, *, prior: Array | None = None) -> MatchingState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        zero = 0 * prior
        none = zero[..., :1]
        return MatchingState(prior > 0, prior, zero, hint=zero, reach=none, square=none)

    def predict(self, state: MatchingState) -> Array:
        """The positive regrets, weighted, (..., K)."""
        xp = array_namespace(state.prior)
        ahead = state.regret + self._guess(state)
        ahead = xp.where(state.alive & (ahead > 0), ahead, 0.0)
        top = highest(ahead, state.alive)
        start = xp.where(state.alive, state.prior, 0.0)
        weight = xp.where(top > 0, state.prior * (ahead / nonzero(top)), start)
        return weight / xp.sum(weight, axis=-1, keepdims=True)

    def update(self, state: MatchingState, play: Array, feedback: Feedback) -> MatchingState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        regret = instantaneous(play, feedback, state.alive)
        reach = xp.maximum(state.reach, highest(xp.abs(regret), state.alive))
        unit = nonzero(reach)
        missed = xp.where(state.alive, regret - self._guess(state), 0.0) / unit
        spent = xp.sum(state.prior * missed**2, axis=-1, keepdims=True)
        total = state.regret + regret
        return state._replace(
            regret=xp.where(total > 0, total, 0.0) if self.plus else total,
            hint=regret if self.predictive else state.hint,
            reach=reach,
            square=state.square * (state.reach / unit) ** 2 + spent,
        )

    def certificate(self, state: MatchingState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        return state.reach * xp.sqrt(state.square) / xp.sqrt(nonzero(state.prior))

    def _guess(self, state: MatchingState) -> Array:
        """v, (..., K)."""
        return state.hint - margin(state.regret, state.reach)


@register()
def regret_matching() -> RegretMatching:
    """Regret matching: p_k ∝ (regret to k)_+, the uniform distribution while none is positive.

    Notes
    -----
    Regret <= sqrt(sum_t sum_k r_{t,k}**2) <= B sqrt((K - 1) T) for losses of range B, up to
    theta sqrt(K T), theta = 4096 ulps of B; the dependence on K is not logarithmic.

    Source: Hart & Mas-Colell 2000; Zinkevich et al. 2007, Theorem 4 (there K, not K - 1).

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(regret_matching(), np.zeros(3))
    >>> p = player.predict()
    >>> player.update(np.asarray([0.0, 0.0, 1.0]))
    >>> player.predict()
    array([0.5, 0.5, 0. ])
    """
    return RegretMatching()


@register()
def regret_matching_plus() -> RegretMatching:
    """RM+: p_k ∝ Q_k, with Q_k = (Q_k + regret to k in this round)_+ after every round.

    Notes
    -----
    Regret <= sqrt(sum_t sum_k r_{t,k}**2) <= B sqrt((K - 1) T) for losses of range B, up to
    4096 ulps of B sqrt(K T), over all rounds and over every interval that ends at T.

    Source: Tammelin 2014; Tammelin et al. 2015.
    """
    return RegretMatching(plus=True)


@register()
def predictive_regret_matching() -> RegretMatching:
    """Predictive RM+: p_k ∝ (Q_k + last regret to k)_+, with Q as in RM+.

    Notes
    -----
    Regret <= sqrt(sum_t sum_k (r_{t,k} - r_{t-1,k})**2) <= 2 B sqrt((K - 1) T) for losses of
    range B, up to 4096 ulps of B sqrt(K T); little where regrets change slowly, as in games
    between learners.

    Source: Farina, Kroer & Sandholm 2021; the constant from the proof in `RegretMatching`.
    """
    return RegretMatching(plus=True, predictive=True)
