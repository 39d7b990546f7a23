"""RealLinExp3: adversarial linear losses, contexts from a known distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace, device

from experts.contextual.finite import finite, leverage, nested
from experts.contextual.linucb import observed, pulled
from experts.numerics.arguments import whole
from experts.numerics.masks import log_normalised
from experts.numerics.parameters import check_floats, number
from experts.registry import register
from experts.types import Array, ContextualPolicy, Feedback


class RealLinExp3State(NamedTuple):
    """State of RealLinExp3."""

    total: Array
    """(..., K, d): sum of each arm's estimated parameters"""
    contexts: Array
    """(J, K, d): the features that a round may show"""
    chances: Array
    """(J,): their probabilities"""


@dataclass(frozen=True, slots=True)
class RealLinExp3:
    """RealLinExp3; see `real_linexp3`."""

    contexts: Any
    chances: Any = None
    eta: float | None = None
    horizon: int | None = None
    leverage: float = field(init=False, repr=False)
    """rho: the largest x^T E[x x^T]^-1 x of an arm and a context, at least d"""
    condition: float = field(init=False, repr=False)
    """the largest condition number of E[x x^T], of columns of mean square 1"""
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)
    reads: ClassVar[str] = "features"

    def __post_init__(self) -> None:
        if (self.eta is None) == (self.horizon is None):
            raise ValueError(
                f"give exactly one of eta and horizon, got {self.eta!r} and {self.horizon!r}"
            )
        contexts, chances = finite(self.contexts, self.chances)
        for name, value in zip(("leverage", "condition"), leverage(contexts, chances), strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "contexts", nested(contexts))
        object.__setattr__(self, "chances", nested(chances))
        if self.eta is not None:
            object.__setattr__(self, "eta", number("eta", self.eta))
        else:
            object.__setattr__(self, "horizon", whole("horizon", self.horizon))

    @property
    def rate(self) -> float:
        """eta, or the one that is tuned to the horizon."""
        if self.horizon is None:
            return float(self.eta or 0.0)
        _, arms, d = self.shape
        cost = arms * ((math.e - 2) * d + self.leverage)
        return math.sqrt(math.log(arms) / (self.horizon * cost))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(J, K, d)."""
        return len(self.contexts), len(self.contexts[0]), len(self.contexts[0][0])

    def init(self, context: Array) -> RealLinExp3State:
        """State before the first round; `context` is (..., K, d)."""
        check_floats("context", context)
        xp, (_, arms, d) = array_namespace(context), self.shape
        if tuple(context.shape[-2:]) != (arms, d):
            raise ValueError(
                f"context has shape {tuple(context.shape)}, expected (..., {arms}, {d})"
            )
        if self.condition * xp.finfo(context.dtype).eps > 0.01:
            raise ValueError(
                f"contexts are too close to dependent for {context.dtype}, with condition number "
                f"{self.condition:.0e}: take off the columns' means, or use float64"
            )
        like = {"dtype": context.dtype, "device": device(context)}
        contexts = xp.asarray(self.contexts, **like)
        return RealLinExp3State(xp.zeros_like(context), contexts, xp.asarray(self.chances, **like))

    def predict(self, state: RealLinExp3State, context: Array, uniforms: Array) -> Array:
        """The mixed softmax of the estimated losses, (..., K)."""
        return self._policy(state.total, context)

    def update(
        self, state: RealLinExp3State, context: Array, play: Array, feedback: Feedback
    ) -> RealLinExp3State:
        """The state after a round in which the loss of one arm, `feedback.seen`, was revealed."""
        xp = array_namespace(context)
        # What each context would have been met with, and the chance of the arm that was pulled.
        policy = self._policy(state.total[..., None, :, :], state.contexts)
        seen = pulled(feedback)
        chance = state.chances * xp.sum(xp.where(seen[..., None, :], policy, 0.0), axis=-1)
        rows = xp.sum(xp.where(seen[..., None, :, None], state.contexts, 0.0), axis=-2)
        moment = xp.matmul(xp.matrix_transpose(rows * chance[..., None]), rows)
        x, loss = observed(context, feedback)
        estimate = _solved(moment, x * loss)
        added = xp.where(seen[..., None], estimate[..., None, :], 0.0)
        return state._replace(total=state.total + added)

    def _policy(self, total: Array, features: Array) -> Array:
        """(1 - gamma) softmax(-eta <x_k, total_k>) + gamma / K, (..., K)."""
        xp = array_namespace(total)
        losses = xp.sum(features * total, axis=-1)
        logits = log_normalised(-self.rate * losses, xp.ones_like(losses, dtype=xp.bool))
        arms = losses.shape[-1]
        gamma = min(1.0, self.rate * arms * self.leverage)
        return (1 - gamma) * xp.exp(logits) + gamma / arms


_SQUARE = (((1.0, 0.0), (1.0, 0.0)), ((0.0, 1.0), (0.0, 1.0)), ((0.6, 0.8), (0.6, 0.8)))


@register(
    {"contexts": _SQUARE, "eta": 0.1},
    {"contexts": _SQUARE, "chances": (0.5, 0.3, 0.2), "horizon": 50},
    protocol=ContextualPolicy,
)
def real_linexp3(
    contexts: Any, chances: Any = None, eta: float | None = None, *, horizon: int | None = None
) -> RealLinExp3:
    """RealLinExp3: exponential weights on estimates of linear losses that an adversary chooses.

    Bandit feedback, losses in [0, 1]; contexts are features (..., K, d), drawn independently each
    round from a known distribution. The expected loss of arm k is <x_k, theta_{t,k}>, where the
    adversary chooses theta_t from the past.

    Parameters
    ----------
    contexts : (J, K, d)
        All features that a round may show. Where the arms share one context: `shared`.
    chances : (J,)
        Their probabilities. Default: all alike.
    eta
        Learning rate. Give this or `horizon`.
    horizon
        T; sets eta = sqrt(ln K / (K T ((e - 2) d + rho))).

    Notes
    -----
    Pseudo-regret <= 2 sqrt(K T ln K ((e - 2) d + rho)) with `horizon`, to every map from contexts
    to arms: `bounds.real_linexp3`; <= ln K / eta + eta K T ((e - 2) d + rho) with `eta`.

    rho is `leverage`, the largest x^T E[x_k x_k^T]^-1 x, at least d. Policy and estimates::

        p_t(k | x) = (1 - gamma) softmax_k(-eta <x_k, sum_{s<t} theta^_{s,k}>) + gamma / K
        theta^_{t,k} = S_{t,k}^-1 x_k l_t 1[k = I_t],  S_{t,k} = E[p_t(k | X) X_k X_k^T]

    with gamma = min(1, eta K rho) and S computed exactly over the J contexts.

    Proof. theta^ is unbiased, so by a context X that is drawn again, the pseudo-regret is
    E sum_t sum_k (p_t(k | X) - 1[k = pi(X)]) <X_k, theta^_{t,k}>. Where gamma < 1, S_{t,k} is at
    least (gamma / K) E[x_k x_k^T], so eta |<x_k, theta^>| <= eta rho K / gamma = 1, and exp(-z) <=
    1 - z + (e - 2) z**2 gives for the softmax q of each X the regret ln K / eta + (e - 2) eta
    sum_t sum_k q_k <X_k, theta^_{t,k}>**2. In expectation the last sum over k is at most
    sum_k tr(S_{t,k}^-1 E[q_k X_k X_k^T]) <= K d / (1 - gamma). Weigh by 1 - gamma, and pay gamma T
    for the uniform part. Where gamma = 1, eta K T rho >= T.

    Source: Neu & Olkhovskaya 2020, Theorem 1 (there S^-1 is estimated); proof above.
    """
    return RealLinExp3(contexts, chances, eta, horizon)


def _solved(matrix: Array, vector: Array) -> Array:
    """M^-1 v, (..., d), of a positive definite M (..., d, d), by Gauss and Jordan's elimination.

    The array API has a solver as an extension only, and torch's reads its result on the host.
    """
    xp = array_namespace(matrix)
    d = vector.shape[-1]
    eye = xp.eye(d, dtype=matrix.dtype, device=device(matrix))
    table = xp.concat([matrix, vector[..., None]], axis=-1)
    for i in range(d):
        pivot = table[..., i : i + 1, :] / table[..., i : i + 1, i : i + 1]
        table = table - (table[..., i : i + 1] - eye[:, i : i + 1]) * pivot
    return table[..., d]
