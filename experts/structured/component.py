"""Component Hedge for k of n: follow the regularised leader on the means of the subsets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from array_api_compat import array_namespace

from experts.checks import check_components
from experts.ftrl import Entropy, Estimator, Fixed, Gap, Rate, Weighted
from experts.ftrl.rates import Clock, check_rate
from experts.numerics.arguments import whole
from experts.numerics.masks import relative, weighed
from experts.registry import register
from experts.structured.graph import Graph
from experts.types import Array, Feedback, StructuredLearner


class ComponentState(NamedTuple):
    """State of `ComponentHedge`."""

    loss: Array
    """(..., n): losses so far, less the smallest"""
    gap: Array
    """(..., 1): sum of the gaps so far"""
    scale: Array
    """(..., 1): 1 / eta of the last round played; 0 before the first"""
    clock: Clock
    """state of the schedule; `clock.scale` is 1 / eta of the next round"""


@dataclass(frozen=True)
class ComponentHedge:
    r"""Component Hedge for subsets: the mean, not the subset, is what is regularised.

    .. math:: w_t = \arg\min_w \langle w, L_{t-1} \rangle + s_t R(w), \qquad
              R(w) = \sum_i w_i \ln (w_i n / k)

    over the capped simplex, 0 <= w_i <= 1 with sum k: w_i = min(1, c exp(-L_i / s)). An action is
    drawn by systematic sampling: with one uniform u, the items in whose interval of the cumulated
    w one of u, u + 1, ..., u + k - 1 lies.

    Parameters
    ----------
    n, k
        Keep k of n, 1 <= k < n.
    rate
        The schedule of eta = 1 / s, tuned for losses of components of range `loss_range` (1); with
        `bandit` for semi-bandit feedback and losses in [0, 1].
    estimator
        From `Feedback` to losses of all components.

    Notes
    -----
    **Certificate.** To every subset, for every sequence of losses, as for `FTRL`::

        sum_t <w_t - a, l_t>  <=  s_T k ln(n/k) + sum_t gap_t
        gap_t = <w_t, l_t> - [Phi_t(L_{t-1} + l_t) - Phi_t(L_{t-1})],   Phi_t = the minimum above

    since R >= 0 (k times a relative entropy) and R(a) = k ln(n/k).

    **A priori.** gap_t <= k B**2 / (8 s_t) for losses of range B: -Phi has the second derivative
    (W/s) Var(l) along l, with the variance under the uncapped w, of sum W <= k; so at most
    k B**2 / (4 s). Hence `bounds.component_hedge`. With `Gap`, gap_t <= min(k, n - k) B =: G too,
    and (sum of gaps)**2 grows by at most 2 gap_t (sum so far) + G gap_t in a round, the first term
    by at most k**2 ln(n/k) B**2 / 4: so the sum is at most G + k B sqrt(T ln(n/k)) / 2, and the
    regret at most twice that, `bounds.component_adahedge`.

    **Semi-bandit feedback**, losses in [0, 1]: expected regret to any fixed subset at most
    k ln(n/k) / eta + eta T n / 2, sqrt(2 n k T ln(n/k)) with Horizon(T, bandit=True). w_t is a
    minimum, so Phi_t(L + l) - Phi_t(L) >= min_w <w, l> + s D(w, w_t) over all w >= 0, with D the
    unnormalised relative entropy; for estimates l' >= 0 this makes gap_t <= sum_i w_i l'_i**2 /
    (2s), whose mean over the draw is sum_i l_i**2 / (2s).

    Sources: Warmuth & Kuzmin 2008 (capped simplex); Koolen, Warmuth & Kivinen 2010; Audibert,
    Bubeck & Lugosi 2014 (semi-bandit).
    """

    n: int
    k: int
    rate: Rate
    estimator: Estimator

    def __post_init__(self) -> None:
        for name in ("n", "k"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        if self.k >= self.n:
            raise ValueError(f"k must be less than n = {self.n}, got {self.k}")
        check_rate(self.rate)

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the schedule is tuned for; None: any."""
        return self.rate.horizon

    @cached_property
    def structure(self) -> Graph:
        """`Graph.subsets(n, k)`; its first uniform is used."""
        return Graph.subsets(self.n, self.k)

    @property
    def price(self) -> float:
        """R of a subset, k ln(n/k)."""
        return self.k * math.log(self.n / self.k)

    def init(self, like: Array) -> ComponentState:
        """State before the first round, for losses shaped, typed and placed as `like` (..., n)."""
        check_components("like", like, self.n)
        zero = array_namespace(like).zeros_like(like)
        none = zero[..., :1]
        stability = self.n / 2 if self.rate.bandit else self.k / 8
        clock = self.rate.init(none + self.price, none + stability)
        return ComponentState(zero, none, none, clock)

    def predict(self, state: ComponentState) -> Array:
        """The probability of each component, (..., n)."""
        return self._minimum(state.loss, state.clock.scale)

    def draw(self, state: ComponentState, uniforms: Array) -> Array:
        """A subset, bool (..., n), with mean `predict(state)`, from the first of the uniforms."""
        xp = array_namespace(uniforms)
        mean = self.predict(state)
        upto = xp.cumulative_sum(mean, axis=-1)
        before = xp.concat([0.0 * upto[..., :1], upto[..., :-1]], axis=-1)
        first = uniforms[..., :1]
        hit = xp.ceil(upto - first) > xp.ceil(before - first)
        # Rounding may hit k - 1 or k + 1: the k first in this order are as many as there should be.
        order = xp.argsort(-(mean + 2.0 * xp.astype(hit, mean.dtype)), axis=-1)
        return xp.argsort(order, axis=-1) < self.k

    def update(self, state: ComponentState, play: Array, feedback: Feedback) -> ComponentState:
        """The state after a round in which subsets of mean `play` (..., n) were drawn."""
        xp = array_namespace(play)
        scale, loss = state.clock.scale, self.estimate(state, feedback)
        after = state.loss + loss
        moved = self._least(after, scale) - self._least(state.loss, scale)
        gap = state.gap + xp.sum(play * loss, axis=-1, keepdims=True) - moved
        lead = relative(after, xp.ones_like(after, dtype=xp.bool))
        return ComponentState(lead, gap, scale, self.rate.update(state.clock, gap))

    def estimate(self, state: ComponentState, feedback: Feedback) -> Array:
        """Estimated losses of a round, (..., n); `certificate` bounds the regret in these."""
        return self.estimator.estimate(feedback, state.clock.scale)

    def certificate(self, state: ComponentState, action: Array) -> Array:
        """``s_T k ln(n/k) + sum of gaps``, (...): the same for every action, bool (..., n)."""
        return (state.scale * self.price + state.gap)[..., 0]

    def _minimum(self, loss: Array, scale: Array) -> Array:
        """argmin of <w, loss> + scale R(w), (..., n).

        Components that would be above 1 are capped and the others share what is left, until none
        is: after at most k - 1 caps 1 is left, of which no share is above 1.
        """
        xp = array_namespace(loss)
        free = xp.ones_like(loss, dtype=xp.bool)
        mean = 0.0 * loss
        for _ in range(self.k):
            lead = relative(loss, free)
            weight = weighed(-Entropy().ratio(lead, scale), free)
            capped = xp.sum(xp.astype(~free, loss.dtype), axis=-1, keepdims=True)
            total = xp.sum(weight, axis=-1, keepdims=True)
            mean = xp.where(free, (self.k - capped) * weight / total, 1.0)
            free = free & (mean <= 1.0)
        return mean

    def _least(self, loss: Array, scale: Array) -> Array:
        """The minimum of <w, loss> + scale R(w), (..., 1)."""
        xp = array_namespace(loss)
        mean = self._minimum(loss, scale)
        logs = xp.log(xp.where(mean > 0, mean, 1.0) * (self.n / self.k))
        entropy = xp.sum(mean * logs, axis=-1, keepdims=True)
        return xp.sum(mean * loss, axis=-1, keepdims=True) + scale * entropy


@register(
    {"n": 4, "k": 2, "rate": Fixed(0.5)},
    {"n": 5, "k": 3},
    protocol=StructuredLearner,
)
def component_hedge(n: int, k: int, rate: Rate | None = None) -> ComponentHedge:
    """Component Hedge: k of n, by entropic follow-the-regularised-leader on the subsets' means.

    Parameters
    ----------
    n, k
        Keep k of n, 1 <= k < n.
    rate
        Schedule of eta: `Fixed`, `Horizon`, `Anytime`, or `Gap` (the default).

    Notes
    -----
    Regret <= k sqrt(T ln(n/k)) + 2 min(k, n - k) with `Gap`, <= k sqrt(T ln(n/k) / 2) with
    `Horizon(T)`, for losses in [0, 1]; expected regret <= sqrt(2 n k T ln(n/k)) if only the drawn
    components are seen, with `Horizon(T, bandit=True)`.

    `bounds.component_adahedge`, `bounds.component_hedge`, `bounds.component_semi_bandit`: smaller
    by a factor of about sqrt(k) than those of `expanded_hedge(Graph.subsets(n, k))`. Proofs in
    `ComponentHedge`.

    Source: Warmuth & Kuzmin 2008; Koolen, Warmuth & Kivinen 2010; with `Gap`, derived here.

    Examples
    --------
    >>> import numpy as np
    >>> learner = component_hedge(4, 2)
    >>> state = learner.init(np.zeros(4))
    >>> p = learner.predict(state)
    >>> p
    array([0.5, 0.5, 0.5, 0.5])
    >>> state = learner.update(state, p, Feedback(np.asarray([0.0, 0.0, 1.0, 1.0])))
    >>> learner.draw(state, np.asarray([0.5]))
    array([ True,  True, False, False])
    """
    return ComponentHedge(n, k, Gap() if rate is None else rate, Weighted())
