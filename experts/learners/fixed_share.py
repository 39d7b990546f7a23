"""Fixed Share: exponential weights that track a best expert that changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.ftrl import Entropy, Estimator, Weighted
from experts.numerics.masks import count, highest, log_normalised, prior_of, relative, weighed
from experts.numerics.parameters import Setting, fitted, setting
from experts.registry import register
from experts.types import Array, Feedback


class FixedShareState(NamedTuple):
    """State of Fixed Share."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    log_weight: Array
    """(..., K): log posterior weights, before sharing; 0 for the removed"""
    gap: Array
    """(..., 1): sum of the mixability gaps so far"""
    price: Array
    """(..., 1): eta times what sharing has cost against a sequence that never switches"""
    share: Array
    """(..., 1): alpha, and 0 before the first round"""
    scale: Array
    """(..., 1): 1 / eta"""
    alpha: Array
    """(..., 1)"""


@dataclass(frozen=True, slots=True)
class FixedShare:
    r"""Fixed Share: exponential weights that share a part alpha equally before each later round.

    .. math:: v_{t,i} = \frac{w_{t,i} e^{-\eta l_{t,i}}}{\sum_j w_{t,j} e^{-\eta l_{t,j}}}, \qquad
              w_{t+1,i} = (1-\alpha) v_{t,i} + \alpha / n_t

    with w_1 the prior and n_t the number of survivors: alpha is shared among all of them, the
    expert that gives it included. (Herbster and Warmuth share among the *others*; their rate is
    alpha (1 - 1/K) in these units.) v is first restricted to the survivors and renormalised.

    Parameters
    ----------
    eta
        Learning rate, > 0; a number, or an array, (1,) or batch + (1,).
    alpha
        Share, in (0, 1); a number or an array.
    estimator
        From `Feedback` to losses: `Weighted`, `Shifted` or `Optimistic`.

    Notes
    -----
    **Certificate.** For every survivor k, all distributions played and all wipe-outs::

        regret to k <= sum_t gap_t + (1/eta) [ln 1/prior_k + sum_{t<T} ln 1/(1-alpha+alpha/n_t)]
        gap_t = <p_t, l_t> + (1/eta) ln <w_t, exp(-eta l_t)>

    Proof. m_t = -(1/eta) ln <w_t, exp(-eta l_t)> gives eta (m_t - l_{t,k}) = ln v_{t,k} / w_{t,k}.
    Summed up: ln v_{T,k} / w_{1,k} + sum_{t<T} ln v_{t,k} / w_{t+1,k}; v_{T,k} <= 1, and
    w_{t+1,k} >= (1-alpha) v + alpha/n_t >= (1-alpha+alpha/n_t) v, as restricting v to the
    survivors raises it. To a sequence of experts with S switches, `tracking`: at a switch
    w_{t+1,new} >= alpha/n_t >= (alpha/n_t) v_{t,old}.

    With bandit feedback (Exp3.S if the distribution is mixed), losses in [0, 1], it bounds the
    regret in estimated losses only; nothing else is claimed.
    A priori: `bounds.fixed_share`.

    Sources: Herbster & Warmuth 1998; Cesa-Bianchi & Lugosi 2006, Section 5.2.
    """

    eta: Setting
    alpha: Setting
    estimator: Estimator
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    supports: ClassVar[frozenset[str]] = frozenset({"bandit", "sleeping", "delayed", "wipeout"})
    """everything: the certificate holds for any distribution and any estimate"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "eta", setting("eta", self.eta))
        object.__setattr__(self, "alpha", setting("alpha", self.alpha, below=1.0))

    def init(self, like: Array, *, prior: Array | None = None) -> FixedShareState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        none = prior[..., :1] * 0
        scale = (none + 1) / fitted("eta", self.eta, prior)
        alpha = none + fitted("alpha", self.alpha, prior)
        start = _log(prior)
        return FixedShareState(prior > 0, prior, start, none, none, none, scale, alpha)

    def predict(self, state: FixedShareState) -> Array:
        """The shared weights w, (..., K)."""
        return weighed(self._shared(state), state.alive)

    def update(self, state: FixedShareState, play: Array, feedback: Feedback) -> FixedShareState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        loss = relative(self.estimate(state, feedback), state.alive)
        shared = self._shared(state)
        gap = Entropy().gap(play, loss, 0.0 * loss, state.scale, state.alive, shared)
        kept = 1 - state.share + state.share / count(state.alive, play)
        return state._replace(
            log_weight=log_normalised(shared - Entropy().ratio(loss, state.scale), state.alive),
            gap=state.gap + gap,
            price=state.price - xp.log(kept),
            share=state.alpha,
        )

    def estimate(self, state: FixedShareState, feedback: Feedback) -> Array:
        """Estimated losses of a round, (..., K); `certificate` bounds the regret in these."""
        return self.estimator.estimate(feedback, state.scale)

    def certificate(self, state: FixedShareState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        return state.gap + (state.price - _log(state.prior)) * state.scale

    def tracking(self, state: FixedShareState, switches: int) -> Array:
        """Bound on the regret to any sequence of survivors, (..., 1).

        The sequence may change its expert `switches` times, and each expert in it must take part
        when it is used: ``certificate`` of the first + (S/eta) ln(1 + (1-alpha) K / alpha).
        """
        xp = array_namespace(state.prior)
        members = count(state.prior > 0, state.prior)
        dearest = highest(self.certificate(state), state.prior > 0)
        each = xp.log(1 + (1 - state.alpha) / state.alpha * members)
        return dearest + switches * state.scale * each

    def _shared(self, state: FixedShareState) -> Array:
        """ln w, (..., K); 0 for the removed."""
        xp = array_namespace(state.prior)
        kept = log_normalised(state.log_weight, state.alive)
        floor = state.share / count(state.alive, state.prior)
        # ln((1-share) e^kept + floor), exact also where e^kept is 0 or floor is
        mixed = xp.log((1 - state.share) * xp.exp(xp.where(floor > 0, kept, 0.0)) + floor)
        return xp.where(state.alive, xp.where(floor > 0, mixed, kept), 0.0)


@register({"eta": 0.5, "alpha": 0.05}, {"eta": 2e3, "alpha": 1e-9}, {"eta": 1e-3, "alpha": 0.9})
def fixed_share(eta: Setting, alpha: Setting) -> FixedShare:
    """Fixed Share: Hedge that spreads a share alpha of its weight, to track a changing best expert.

    Parameters
    ----------
    eta
        Learning rate, > 0.
    alpha
        Share of the weight, in (0, 1), given to the survivors in equal parts before each round;
        about S / T for S switches in T rounds.

    Notes
    -----
    For losses of range B, against every sequence of experts with S switches: regret
    <= (1/eta) [ln K + S ln(K/alpha) + (T-1-S) ln 1/(1-alpha+alpha/K)] + eta T B**2 / 8.

    Source: Herbster & Warmuth 1998; Cesa-Bianchi & Lugosi 2006, Section 5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(fixed_share(eta=1.0, alpha=0.1), np.zeros(2))
    >>> for _ in range(100):
    ...     p = player.predict()
    ...     player.update(np.asarray([0.0, 1.0]))
    >>> player.predict().round(3)  # the worse expert keeps some weight
    array([0.923, 0.077])
    """
    return FixedShare(eta, alpha, Weighted())


def _log(prior: Array) -> Array:
    """ln prior, (..., K); 0 where the prior is 0, whose experts never take part."""
    xp = array_namespace(prior)
    return xp.log(xp.where(prior > 0, prior, 1.0))
