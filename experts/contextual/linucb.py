"""LinUCB: optimism in the face of uncertainty, with a confidence set around ridge regression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.contextual.ridge import Ridge
from experts.numerics.parameters import number
from experts.policies.pulls import least
from experts.registry import register
from experts.types import Array, ContextualPolicy, Feedback


class LinUCBState(NamedTuple):
    """State of LinUCB."""

    fit: Ridge
    """ridge regression of the losses on the features"""
    charged: Array
    """(..., 1): the certificate"""


@dataclass(frozen=True, slots=True)
class LinUCB:
    """LinUCB; see `linucb`."""

    ridge: float = 1.0
    noise: float = 0.5
    norm: float = 1.0
    delta: float = 0.05
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    reads: ClassVar[str] = "features"

    def __post_init__(self) -> None:
        for name in ("ridge", "noise", "norm"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        object.__setattr__(self, "delta", number("delta", self.delta, below=1))

    def init(self, context: Array) -> LinUCBState:
        """State before the first round; `context` is (..., K, d)."""
        fit = Ridge.open(context[..., 0, :], self.ridge)
        return LinUCBState(fit, fit.log_det)

    def predict(self, state: LinUCBState, context: Array, uniforms: Array) -> Array:
        """One-hot (..., K): the arm of the smallest lower confidence bound; `uniforms` for ties."""
        mean, width = state.fit.read(context)
        arm = least(mean - self.radius(state) * width, uniforms)
        return array_namespace(mean).astype(arm, mean.dtype)

    def update(
        self, state: LinUCBState, context: Array, play: Array, feedback: Feedback
    ) -> LinUCBState:
        """The state after a round in which the loss of one arm, `feedback.seen`, was revealed."""
        xp = array_namespace(context)
        low, high = self.interval(state, context)
        gap = high - xp.min(low, axis=-1, keepdims=True)
        charge = xp.sum(xp.where(pulled(feedback), gap, 0.0), axis=-1, keepdims=True)
        x, loss = observed(context, feedback)
        return LinUCBState(state.fit.add(x, loss), state.charged + charge)

    def radius(self, state: LinUCBState) -> Array:
        """The radius of the confidence ellipsoid, ||theta_t - theta*||_V <= radius, (..., 1)."""
        xp = array_namespace(state.charged)
        spread = xp.sqrt(state.fit.log_det - 2 * math.log(self.delta))
        return self.noise * spread + math.sqrt(self.ridge) * self.norm

    def interval(self, state: LinUCBState, context: Array) -> tuple[Array, Array]:
        """Ends of the confidence intervals for the expected losses, (..., K) each.

        All hold at once, in all rounds, with probability 1 - delta; within norm * ||x||.
        """
        xp = array_namespace(context)
        mean, width = state.fit.read(context)
        width = self.radius(state) * width
        most = self.norm * xp.sqrt(xp.sum(context * context, axis=-1))
        return xp.maximum(mean - width, -most), xp.minimum(mean + width, most)

    def certificate(self, state: LinUCBState) -> Array:
        """Upper bound on the pseudo-regret so far, (...), with probability 1 - delta.

        sum_t (upper end for the arm that was pulled - the smallest lower end of all arms), for any
        arms that were pulled. It holds for all rounds at once.
        """
        return state.charged[..., 0]


@register({}, {"ridge": 0.1, "noise": 0.1, "norm": 2.0}, protocol=ContextualPolicy)
def linucb(
    ridge: float = 1.0, noise: float = 0.5, norm: float = 1.0, delta: float = 0.05
) -> LinUCB:
    """LinUCB: for linear losses, the arm of smallest <x, theta_t> - radius ||x||_{V^-1}.

    Bandit feedback; contexts are features (..., K, d), a vector for each arm, and expected losses
    are <x, theta*> for one unknown theta*. One theta for each arm: `disjoint` features.

    Parameters
    ----------
    ridge
        Penalty: V_t = ridge I + sum x x^T over the arms pulled, theta_t = V_t^-1 sum x l.
    noise
        R: losses are R-subgaussian around their means; 1/2 holds for losses in [0, 1].
    norm
        S: ||theta*|| <= S. (Of `disjoint` features, theta* is all of the arms' thetas.)
    delta
        In (0, 1).

    Notes
    -----
    Pseudo-regret <= certificate <= 2 max(S L, radius_T) sqrt(T log2 det(V_T / ridge)) for all T at
    once with probability 1 - delta, for features of length at most L; a priori `bounds.linucb`.

    radius_t = R sqrt(2 ln(1/delta) + ln det(V_t / ridge)) + sqrt(ridge) S, and
    ln det(V_T / ridge) <= d ln(1 + T L**2 / (ridge d)). Contexts may be chosen by an adversary that
    knows the past.

    Proof. On the event of their Theorem 2 every <x, theta*> lies in its `interval`, so an arm's
    pseudo-regret is at most its upper end less the smallest lower end. Of the arm that LinUCB
    pulls this is at most min(2 S L, 2 radius w), w = ||x||_{V^-1}, so the sum is at most
    2 max(S L, radius_T) sum min(1, w_t) <= 2 max(S L, radius_T) sqrt(T sum min(1, w_t**2)), and
    min(1, w**2) <= log2(1 + w**2), whose sum is log2 det(V_T / ridge).

    Source: Abbasi-Yadkori, Pal & Szepesvari 2011, Theorems 2 and 3; log2 for their 2 ln.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.eye(2)
    >>> policy = linucb()
    >>> policy.predict(policy.init(features), features, np.asarray([0.7, 0.1]))
    array([1., 0.])
    """
    return LinUCB(ridge, noise, norm, delta)


def observed(context: Array, feedback: Feedback) -> tuple[Array, Array]:
    """Features (..., d) of the arm that was pulled, and its loss (..., 1)."""
    xp, seen = array_namespace(context), pulled(feedback)
    x = xp.matmul(xp.astype(seen, context.dtype)[..., None, :], context)[..., 0, :]
    return x, xp.sum(xp.where(seen, feedback.loss, 0.0), axis=-1, keepdims=True)


def pulled(feedback: Feedback) -> Array:
    """The arm that was pulled, one-hot bool (..., K)."""
    if feedback.seen is None:
        raise ValueError("seen is needed: the arm that was pulled, one-hot, whose loss is known")
    return feedback.seen
