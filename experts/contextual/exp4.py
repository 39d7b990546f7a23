"""Exp4 and Exp4-IX: bandits with expert advice, Hedge over the experts on estimated losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.ftrl import FTRL, Entropy, Fixed, FTRLState, Weighted
from experts.numerics.arguments import not_both, whole
from experts.numerics.parameters import number
from experts.registry import register
from experts.types import Array, ContextualPolicy, Feedback

_HEDGE = FTRL(Entropy(), Fixed(1.0), Weighted())
"""Hedge over the experts; `Exp4` sets the scale 1 / eta of every round."""


class Exp4State(NamedTuple):
    """State of Exp4."""

    experts: FTRLState
    """of Hedge over the N experts"""
    spread: Array
    """(..., 1): sum of the rounds' spreads so far, if it sets eta, or 0"""


@dataclass(frozen=True, slots=True)
class Exp4:
    r"""Exponential weights over N experts that give distributions over K arms.

    .. math:: q_t \propto e^{-\eta_t \hat Y_{t-1}}, \quad p_t = q_t A_t, \quad
              \hat l_{t,k} = \frac{l_{t,k} 1[k = I_t]}{p_{t,k} + \gamma_t}, \quad
              \hat Y_t = \hat Y_{t-1} + A_t \hat l_t

    with the advice A_t, (..., N, K): row i is the distribution of expert i.

    Parameters
    ----------
    eta
        Learning rate, > 0.
    horizon
        T; with neither, eta falls with the rounds. See `exp4` and `exp4_ix`.
    bias
        gamma_t / eta_t: 0 in Exp4, 1/2 in Exp4-IX.
    """

    eta: float | None = None
    horizon: int | None = None
    bias: float = 0.0
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    reads: ClassVar[str] = "advice"

    def __post_init__(self) -> None:
        not_both(self.eta, self.horizon)
        if self.eta is not None:
            object.__setattr__(self, "eta", number("eta", self.eta))
        if self.horizon is not None:
            object.__setattr__(self, "horizon", whole("horizon", self.horizon))

    def init(self, context: Array) -> Exp4State:
        """State before the first round; `context` is (..., N, K)."""
        state = _HEDGE.init(context[..., 0])
        return Exp4State(state, state.gap)

    def predict(self, state: Exp4State, context: Array, uniforms: Array) -> Array:
        """The experts' distributions in proportion to their weights, (..., K)."""
        weights = self.weights(state, context)
        return array_namespace(context).matmul(weights[..., None, :], context)[..., 0, :]

    def update(
        self, state: Exp4State, context: Array, play: Array, feedback: Feedback
    ) -> Exp4State:
        """The state after a round; the arm seen had the chance `feedback.chance`, (..., K)."""
        ready = self._ready(state, context)
        arms = Weighted(self.bias).estimate(feedback, ready.experts.clock.scale)
        estimate = array_namespace(context).matmul(context, arms[..., :, None])[..., 0]
        weights = _HEDGE.predict(ready.experts)
        return ready._replace(experts=_HEDGE.update(ready.experts, weights, Feedback(estimate)))

    def weights(self, state: Exp4State, context: Array) -> Array:
        """q_t, (..., N): the weights of the experts in a round that shows `context`."""
        return _HEDGE.predict(self._ready(state, context).experts)

    def certificate_of_estimates(self, state: Exp4State) -> Array:
        """Upper bound on the regret so far to each expert, (..., N), in the estimated losses.

        ``sum_t <q_t, A_t l^_t> - sum_t (A_t l^_t)_i <= certificate_i`` on every path; see `FTRL`.
        """
        return _HEDGE.certificate(state.experts)

    def _ready(self, state: Exp4State, context: Array) -> Exp4State:
        """The state with the scale 1 / eta of the round, and the spread that sets it counted."""
        n, k = context.shape[-2:]
        log_n = math.log(n) or 1.0  # with one expert any rate will do
        spread = state.spread
        if self.eta is not None:
            scale = 1 / self.eta + 0.0 * spread
        elif self.horizon is not None:
            most = k if self.bias else min(n, k)
            scale = math.sqrt(self.horizon * most / (2 * log_n)) + 0.0 * spread
        else:
            xp = array_namespace(context)
            reach = k if self.bias else xp.sum(xp.max(context, axis=-2), axis=-1)[..., None]
            spread = spread + reach
            scale = xp.sqrt(spread / log_n)
        clock = state.experts.clock._replace(scale=scale)
        return Exp4State(state.experts._replace(clock=clock), spread)


@register({}, {"eta": 0.1}, {"horizon": 50}, protocol=ContextualPolicy)
def exp4(eta: float | None = None, *, horizon: int | None = None) -> Exp4:
    """Exp4: exponential weights over experts that advise distributions over the arms.

    Bandit feedback, losses in [0, 1]; contexts are the advice (..., N, K).

    Parameters
    ----------
    eta
        Learning rate.
    horizon
        T; sets eta = sqrt(2 ln N / (T min(K, N))). With neither, eta_t = sqrt(ln N / S_t), S_t the
        sum of the spreads of the rounds up to t.

    Notes
    -----
    Pseudo-regret <= sqrt(2 T min(K, N) ln N) to each expert with `horizon`, and
    <= 2 sqrt(S_T ln N) with neither, S_T = sum_t s_t <= T min(K, N); <= ln N / eta + eta S_T / 2
    with `eta`.

    The spread of a round is s_t = sum_k max_i A_t[i, k]: 1 where all experts agree. It is known
    before the arm is drawn. Losses and advice may depend on earlier draws; then read E[S_T] in
    E[2 sqrt(S_T ln N)], for the regret to each fixed expert.

    Proof. As A_t l^_t is unbiased, the pseudo-regret is the expectation of Hedge's regret in these
    losses, which are nonnegative: at most ln N / eta_T + sum_t (eta_t / 2) sum_i q_i (A l^)_i**2.
    The last sum is sum_k l_k**2 sum_i q_i A[i, k]**2 / p_k <= sum_k max_i A[i, k] in expectation
    over the arm, as sum_i q_i A[i, k] = p_k. For eta_t = sqrt(ln N / S_t), with s_t / sqrt(S_t) <=
    2 (sqrt(S_t) - sqrt(S_{t-1})), both terms are at most sqrt(S_T ln N).

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 4.2; McMahan & Streeter 2009 (the spread).

    Examples
    --------
    >>> import numpy as np
    >>> advice = np.asarray([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    >>> policy = exp4()
    >>> policy.predict(policy.init(advice), advice, np.zeros(3))
    array([0.5 , 0.25, 0.25])
    """
    return Exp4(eta, horizon)


@register({}, {"eta": 0.1}, {"horizon": 50}, protocol=ContextualPolicy)
def exp4_ix(eta: float | None = None, *, horizon: int | None = None) -> Exp4:
    """Exp4-IX: Exp4 with implicit exploration, loss / (chance + eta / 2).

    Bandit feedback, losses in [0, 1]; contexts are the advice (..., N, K).

    Parameters
    ----------
    eta
        Learning rate.
    horizon
        T; sets eta = sqrt(2 ln N / (T K)). With neither, eta_t = sqrt(ln N / (t K)).

    Notes
    -----
    Regret <= 2 sqrt(2 K T ln N) + (sqrt(K T / (2 ln N)) + 1) ln(2 / delta) with `horizon`, to all
    experts at once, with probability 1 - delta: `bounds.exp4_ix`; `bounds.exp4_ix_fixed` with
    `eta`, `bounds.exp4_ix_anytime` with neither.

    The regret is sum_t l_{t,I_t} - min_i sum_t <A_t[i], l_t>. Losses and advice may depend on
    earlier draws.

    Proof, L = ln(2 / delta), gamma_t = eta_t / 2. Neu's Lemma 1: for weights a_{t,k} in
    [0, 2 gamma_t] that are known before the draw, sum_t sum_k a_{t,k} (l^_{t,k} - l_{t,k}) <=
    ln(1 / delta') with probability 1 - delta'. Take a_{t,k} = eta_T A_t[i, k], each expert i with
    delta' = delta / (2N): sum_t (A_t l^_t - A_t l_t)_i <= (ln N + L) / eta_T. Take a_{t,k} = eta_t
    with delta' = delta / 2: sum_t eta_t sum_k l^_{t,k} <= K sum_t eta_t + L. Hedge's regret in
    A_t l^_t is at most ln N / eta_T + sum_t (eta_t / 2) sum_k l^_{t,k}, as sum_i q_i (A l^)_i**2 <=
    sum_k p_k l^_k**2 and p_k l^_k <= 1; and l_{t,I_t} = <p_t, l^_t> + gamma_t sum_k l^_{t,k}.
    Together: (2 ln N + L) / eta_T + K sum_t eta_t + L.

    Source: Neu 2015, Section 4 and Lemma 1; proof with these constants above.
    """
    return Exp4(eta, horizon, bias=0.5)
