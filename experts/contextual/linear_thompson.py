"""Linear Thompson sampling: the best arm of a parameter that is drawn from the posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.contextual.linucb import observed
from experts.contextual.ridge import Ridge
from experts.numerics.normal import quantile
from experts.numerics.parameters import number
from experts.policies.pulls import least
from experts.registry import register
from experts.types import Array, ContextualPolicy, Feedback


class LinearThompsonState(NamedTuple):
    """State of linear Thompson sampling."""

    fit: Ridge
    """the posterior N(theta, noise**2 V^-1)"""


@dataclass(frozen=True, slots=True)
class LinearThompson:
    """Linear Thompson sampling; see `linear_thompson`."""

    ridge: float = 1.0
    noise: float = 0.5
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    reads: ClassVar[str] = "features"

    def __post_init__(self) -> None:
        for name in ("ridge", "noise"):
            object.__setattr__(self, name, number(name, getattr(self, name)))

    def init(self, context: Array) -> LinearThompsonState:
        """State before the first round; `context` is (..., K, d)."""
        return LinearThompsonState(Ridge.open(context[..., 0, :], self.ridge))

    def predict(self, state: LinearThompsonState, context: Array, uniforms: Array) -> Array:
        """One-hot (..., K): the best arm for a theta drawn from the posterior by `uniforms`."""
        xp = array_namespace(context)
        spread = xp.matmul(context, state.fit.root)
        mean = xp.matmul(context, state.fit.theta[..., :, None])[..., 0]
        noise = xp.matmul(spread, _normals(spread, quantile(uniforms))[..., :, None])[..., 0]
        arm = least(mean + self.noise * noise, uniforms)
        return xp.astype(arm, mean.dtype)

    def update(
        self, state: LinearThompsonState, context: Array, play: Array, feedback: Feedback
    ) -> LinearThompsonState:
        """The state after a round in which the loss of one arm, `feedback.seen`, was revealed."""
        return LinearThompsonState(state.fit.add(*observed(context, feedback)))


@register({}, {"ridge": 0.1, "noise": 0.1}, protocol=ContextualPolicy)
def linear_thompson(ridge: float = 1.0, noise: float = 0.5) -> LinearThompson:
    """Linear Thompson sampling: for linear losses, the best arm of a theta from the posterior.

    Bandit feedback; contexts are features (..., K, d), and losses are <x, theta*> + noise for one
    unknown theta*. One theta for each arm: `disjoint` features.

    Parameters
    ----------
    ridge
        The prior of theta* is N(0, (noise**2 / ridge) I); the posterior is
        N(theta_t, noise**2 V_t^-1), V_t = ridge I + sum x x^T over the arms pulled.
    noise
        sigma: the losses' standard deviation around their means.

    Notes
    -----
    Bayesian regret <= sigma sqrt(b T d ln(1 + T m / d) m / ln(1 + m)), b = min(d, 2 ln(K/2) + 2)
    and m = L**2 / ridge, for features of length at most L: `bounds.linear_thompson`.

    The expectation is over theta*, drawn from the prior, normal noise and the policy's draws.
    Contexts may depend on the past, not on theta*. There is no bound for a fixed theta*.

    Proof. Given the past, theta* and the sample are alike and independent. So with x the features
    pulled, x* the best and w(x) = ||x||_{V^-1}: E<x - x*, theta*> = E<x*, theta_t - theta*>, and
    E w(x*)**2 = E w(x)**2. By Cauchy and Schwarz the former is at most sqrt(E w(x*)**2 E
    ||theta_t - theta*||_V**2), whose second factor is sigma**2 d; or, with standard normal Z_k
    = <x_k, theta_t - theta*> / (sigma w(x_k)), at most sigma sqrt(E w(x*)**2 E max_k (Z_k)_+**2),
    whose second factor is at most 2 ln(K/2) + 2 for K >= 2, as P(Z > z) <= exp(-z**2/2) / 2. Sum,
    with Jensen, and w**2 <= m; so w**2 <= ln(1 + w**2) m / ln(1 + m), where sum_t ln(1 + w_t**2)
    = ln det(V_T / ridge) <= d ln(1 + T m / d).

    Source: Russo & Van Roy 2014 (posterior sampling); Abbasi-Yadkori, Pal & Szepesvari 2011,
    Lemma 11 (the determinant); proof above.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.eye(2)
    >>> policy = linear_thompson()
    >>> policy.predict(policy.init(features), features, np.asarray([0.7, 0.1]))
    array([0., 1.])
    """
    return LinearThompson(ridge, noise)


def _normals(rows: Array, normals: Array) -> Array:
    """z (..., d) for which ``rows z`` is N(0, rows rows^T), of K independent normals.

    Only the K values ``rows z`` matter: where K < d, z is drawn in the span of the `rows`
    (..., K, d), along an orthonormal basis of it (Gram and Schmidt, each row twice).
    """
    xp = array_namespace(rows)
    arms, d = rows.shape[-2:]
    if d <= arms:
        return normals[..., :d]
    least = 1e3 * float(xp.finfo(rows.dtype).eps)
    basis = rows[..., :0, :]
    for k in range(arms):
        row = rows[..., k, :]
        size = xp.sqrt(xp.sum(row * row, axis=-1, keepdims=True))
        for _ in range(2):
            along = xp.sum(basis * row[..., None, :], axis=-1)
            row = row - xp.sum(basis * along[..., None], axis=-2)
        rest = xp.sqrt(xp.sum(row * row, axis=-1, keepdims=True))
        new = rest > least * size
        unit = xp.where(new, row / xp.where(new, rest, 1.0), 0.0)
        basis = xp.concat([basis, unit[..., None, :]], axis=-2)
    return xp.sum(basis * normals[..., None], axis=-2)
