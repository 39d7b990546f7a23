"""ML-Prod and BOA: exponential weights with a learning rate for each expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from array_api_compat import array_namespace

from experts.learners.regrets import Regrets, checked_range, nonzero
from experts.numerics.masks import log_normalised, prior_of, weighed
from experts.numerics.parameters import Setting
from experts.registry import register
from experts.types import Array, Feedback


class Gain(Protocol):
    """A rule g: what an instantaneous regret adds to the log weight."""

    @property
    def offset(self) -> float:
        """c in eta = sqrt(ln(1/prior) / (c B**2 + V))."""

    def gain(self, x: Array) -> Array:
        """g(x) <= ln(1 + x) for |x| <= 1/2; x = eta r, (..., K)."""


@dataclass(frozen=True, slots=True)
class Prod:
    """g(x) = ln(1 + x): ML-Prod. Source: Gaillard, Stoltz & van Erven 2014, Section 3."""

    offset: float = 1.0

    def gain(self, x: Array) -> Array:
        """ln(1 + x), (..., K)."""
        return array_namespace(x).log1p(x)


@dataclass(frozen=True, slots=True)
class Bernstein:
    """g(x) = x - x**2: BOA, Bernstein online aggregation. Source: Wintenberger 2017."""

    offset: float = 0.0

    def gain(self, x: Array) -> Array:
        """x - x**2, (..., K)."""
        return x - x**2


class MultipleRatesState(NamedTuple):
    """State of ML-Prod and BOA."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    regrets: Regrets
    """cut regrets"""
    gain: Array
    """(..., K): sum_t g(eta_{t-1} r'_t) / eta_{t-1}"""
    first: Array
    """(..., K): 1 / eta_0, the first learning rate; 0 while no range is known"""
    scale: Array
    """(..., K): 1 / eta of the next round; 0 while no range is known"""
    excess: Array
    """(..., 1): by how much changes of the rates can have raised the total weight"""


@dataclass(frozen=True, slots=True)
class MultipleRates:
    r"""ML-Prod or BOA: exponential weights of gains, with a decreasing rate for each expert.

    .. math:: p_{t+1,k} \propto \eta_{t,k} w_{t,k}, \qquad
        \ln w_{t,k} = \eta_{t,k} \Bigl( \frac{\ln \pi_k}{\eta_{0,k}} +
            \sum_{s \le t} \frac{g(\eta_{s-1,k} r'_{s,k})}{\eta_{s-1,k}} \Bigr), \qquad
        \eta_{t,k} = \min \Bigl\{ \frac{1}{2 B_t},
            \sqrt{\frac{\gamma_k}{c B_t^2 + \sum_{s \le t} r'^2_{s,k}}} \Bigr\}

    with gamma_k = max(ln 1/prior_k, ln K'), K' the number of experts of positive prior (1 if that
    is 0), and r', B those of `regrets.Regrets`; with `loss_range` they are the regrets themselves
    and `loss_range`. eta_0 is the first rate for which the range is not 0.

    Parameters
    ----------
    rule
        g and c: `Prod` or `Bernstein`.
    loss_range
        B_0, the largest difference between two losses of a round; the certificate allows larger
        ones; a number or an array, (1,) or batch + (1,). None: learned while playing, at the
        price of B_T in the regret.

    Notes
    -----
    **Certificate.** For every survivor k and every wipe-out, if `predict` was played (over the
    experts awake)::

        regret to k <= B_T - B_0 + sum_t [r'_t - g(eta_{t-1} r'_t) / eta_{t-1}]
                       + ln(1/prior_k) / eta_{0,k} + ln(1 + excess_T) / eta_{T,k}
        excess_T = sum_t sum_i (1 - 1/a) a**(-1/(a-1)),  a = eta_{t-1,i} / eta_{t,i} >= 1

    Proof. With W = sum_i w_i over the survivors: w_t**a = w_{t-1} exp(g(eta r')) <=
    w_{t-1} (1 + eta r'), and sum_i w_{t-1} eta r' = 0 by the choice of p. The largest value
    of x - x**a over x >= 0 is (1 - 1/a) a**(-1/(a-1)) [at most (a-1)/e], so W_t <= W_{t-1} + the
    summand; a removal only lowers W. So ln w_{T,k} <= ln W_T <= ln(1 + excess_T). Divide by
    eta_{T,k} and write out ln w_{T,k}.

    Sources: Gaillard, Stoltz & van Erven 2014, Section 3; Wintenberger 2017.
    """

    rule: Gain
    loss_range: Setting | None = None
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"sleeping", "wipeout"})
    """sleeping experts have regret 0; <w eta, r> = 0 holds only if `predict` is played"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss_range", checked_range(self.loss_range))

    def init(self, like: Array, *, prior: Array | None = None) -> MultipleRatesState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        regrets = Regrets.open(like, self.loss_range)
        scale = self._scale(prior, regrets)
        zero = array_namespace(like).zeros_like(like)
        return MultipleRatesState(prior > 0, prior, regrets, zero, scale, scale, zero[..., :1])

    def predict(self, state: MultipleRatesState) -> Array:
        """``eta w`` normalised, (..., K)."""
        xp = array_namespace(state.prior)
        log_prior = xp.log(nonzero(state.prior))
        tilted = (state.gain + state.first * log_prior) / nonzero(state.scale)
        logits = xp.where(state.scale > 0, tilted, log_prior) - xp.log(nonzero(state.scale))
        return weighed(log_normalised(logits, state.alive), state.alive)

    def update(
        self, state: MultipleRatesState, play: Array, feedback: Feedback
    ) -> MultipleRatesState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        regrets, cut = state.regrets.add(play, feedback, state.alive)
        # Without the maximum, rates would rise where experts have joined (`forecasting.newcomers`).
        scale = xp.maximum(state.scale, self._scale(state.prior, regrets))
        known = (state.scale > 0) & state.alive
        drop = xp.where(known, 1 - state.scale / nonzero(scale), 0.0)  # 1 - 1/a, in [0, 1)
        each = drop * xp.exp(_mean_log(drop))
        return state._replace(
            regrets=regrets,
            gain=state.gain + state.scale * self.rule.gain(cut / nonzero(state.scale)),
            first=xp.where(state.first > 0, state.first, scale),
            scale=scale,
            excess=state.excess + xp.sum(each, axis=-1, keepdims=True),
        )

    def certificate(self, state: MultipleRatesState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        start = -xp.log(nonzero(state.prior)) * state.first
        gap = state.regrets.total - state.gain
        return state.regrets.lost + gap + start + state.scale * xp.log1p(state.excess)

    def _scale(self, prior: Array, regrets: Regrets) -> Array:
        """1 / eta, (..., K)."""
        xp = array_namespace(prior)
        count = xp.sum(xp.astype(prior > 0, prior.dtype), axis=-1, keepdims=True)
        price = xp.maximum(-xp.log(nonzero(prior)), xp.log(count))
        slow = (self.rule.offset + regrets.square) / nonzero(price)
        # No root of 0, whose derivative is infinite.
        return regrets.reach * xp.sqrt(xp.where(slow > 4, slow, 4.0))


def _mean_log(drop: Array) -> Array:
    """``-ln(a) / (a - 1)`` for drop = 1 - 1/a in [0, 1)."""
    xp = array_namespace(drop)
    inner = xp.where((drop > 0) & (drop < 1), drop, 0.5)
    value = xp.log1p(-inner) * (1 - inner) / inner
    return xp.where(drop > 0, xp.where(drop < 1, value, 0.0), -1.0)


@register({}, {"loss_range": 1.0}, {"loss_range": 0.25})
def ml_prod(loss_range: Setting | None = None) -> MultipleRates:
    """ML-Prod: weights Π (1 + eta_k r_k), with eta_k of about sqrt(ln K / sum of squares of r_k).

    Parameters
    ----------
    loss_range
        B, the largest difference between two losses of a round. None: learned while playing.

    Notes
    -----
    For losses of range B, given, and K >= 2: regret to k
    <= C sqrt((B**2 + V_k) / ln K) + 2 C B, with V_k = sum_t r_{t,k}**2 <= T B**2 and
    C = 3 ln K + ln(1 + K (1 + ln(T+1)) / (2e)): small for an expert that never does much
    better or worse than the player.

    Source: Gaillard, Stoltz & van Erven 2014, Section 3.

    Examples
    --------
    >>> import numpy as np
    >>> ml_prod().predict(ml_prod().init(np.zeros(4)))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return MultipleRates(Prod(), loss_range)


@register({}, {"loss_range": 1.0}, {"loss_range": 0.25})
def boa(loss_range: Setting | None = None) -> MultipleRates:
    """Bernstein online aggregation: exponential weights of r - eta r**2, a rate for each expert.

    Parameters
    ----------
    loss_range
        B, the largest difference between two losses of a round. None: learned while playing.

    Notes
    -----
    For losses of range B, given, and K >= 2, with V_k = sum_t r_{t,k}**2, regret to k <=
    2 sqrt(V_k ln K) + B (4 ln K + 1) + max(2B, sqrt(V_k / ln K)) ln(1 + K (ln(1+T/G) + 1/G) / 2e),
    G = 4 ln K (`bounds.boa`).

    The rates are those of the R package opera, min(1/(2B), sqrt(ln K / V)). Wintenberger's paper
    has half the exponent and 1/B. Where the range is not known it adds a term for the rounds in
    which a rate was too large; here the regret is cut to the range known (`regrets.Regrets`).

    Source: Wintenberger 2017, with the proof in `MultipleRates`.

    Examples
    --------
    >>> import numpy as np
    >>> boa().predict(boa().init(np.zeros(4)))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return MultipleRates(Bernstein(), loss_range)
