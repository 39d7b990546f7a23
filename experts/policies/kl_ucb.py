"""KL-UCB: the optimist whose confidence bounds are those of coins, by relative entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from experts.numerics.parameters import largest
from experts.policies.optimist import Optimist
from experts.policies.pulls import Pulls
from experts.registry import register
from experts.types import Array, Policy

_STEPS = 8
"""Of Newton's method; see the tests."""


@dataclass(frozen=True, slots=True)
class RelativeEntropy:
    """min { q : n kl(mean, q) <= ln(1 + t ln**2 t) } in round t after n pulls."""

    horizon: ClassVar[int | None] = None

    def lower(self, pulls: Pulls) -> Array:
        """The bounds, (..., K)."""
        xp = array_namespace(pulls.count)
        t = pulls.rounds + 1
        return smallest_mean(pulls.mean, xp.log(1 + t * xp.log(t) ** 2) / pulls.at_least_once)


@register(protocol=Policy)
def kl_ucb() -> Optimist:
    """KL-UCB: pulls the arm of smallest q with n kl(mean loss, q) <= ln(1 + t ln**2 t).

    In round t, n its pulls; kl(p, q) = p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)). Losses in
    [0, 1], one is seen.

    Notes
    -----
    Pseudo-regret <= sum_i Delta_i [ln(1 + T ln**2 T) / kl(m_i - a, m + b) + 1 / (2 a**2)
    + 5 / (4 b**2) + 1] for all a, b > 0 with a + b < Delta_i, for independent losses of fixed means
    m_i = m + Delta_i, m the smallest: `bounds.kl_ucb(means, T)`, and so of order
    sum_i Delta_i ln T / kl(m_i, m), which no policy can beat on coins (Lai & Robbins 1985).

    Proof, for an arm i with Delta_i > 0. By Chernoff's inequality, which holds for losses in [0, 1]
    as for coins, and kl(p, q) + 2 b**2 <= kl(p, q - b) for p >= q (kl's derivative in x < p is -(p
    - x) / (x (1 - x)) <= -4 (p - x)), n pulls of the best arm have kl(mean, m + b) > x / n and mean
    > m + b with probability at most exp(-x - 2 n b**2). With x = ln(1 + t ln**2 t) the sum over n
    >= 1 is at most 1 / (2 b**2 (1 + t ln**2 t)), and over t, as sum_t 1 / (1 + t ln**2 t) < 5/2, at
    most 5 / (4 b**2): in so many rounds the best arm's bound is above m + b. In all others arm i is
    pulled only if its bound is at most m + b; after n pulls either its mean is below m_i - a, with
    probability at most exp(-2 n a**2) (Hoeffding), which adds up to 1 / (2 a**2), or n kl(m_i - a,
    m + b) <= ln(1 + T ln**2 T), for so many n at most. The 1 is its first pull.

    Source: Garivier & Cappe 2011; Cappe et al. 2013; with these constants, Lattimore & Szepesvari
    2020, Theorem 10.6 (stated there without the first pull, and 2 for 5 / 4).

    Examples
    --------
    >>> import numpy as np
    >>> policy = kl_ucb()
    >>> state = policy.init(np.zeros(2))
    >>> for uniforms in np.random.default_rng(0).random((500, 2)):
    ...     arm = policy.choose(state, uniforms)
    ...     state = policy.update(state, arm, np.asarray([0.1, 0.9]))
    >>> state.count
    array([495.,   5.])
    """
    return Optimist(RelativeEntropy())


def smallest_mean(mean: Array, radius: Array) -> Array:
    """The smallest q with kl(mean, q) <= radius, (..., K); 0 if mean is.

    Newton's method in x = ln q, in which kl is convex, from below the root: it rises to it. The
    start is the largest of three bounds: kl(p, q) >= 2 (p - q)**2, kl(p, q) >= (p - q)**2 / (2 p)
    and kl(p, q) >= p ln(p / q) - p.

    Parameters
    ----------
    mean : (..., K)
        In [0, 1]; one too small for its type to be divided by counts as 0.
    radius : (..., K)
        > 0.
    """
    xp = array_namespace(mean)
    positive = mean > 1 / largest(mean)
    p = xp.where(positive, mean, 1.0)
    log_p, heads = xp.log(p), 1 - p
    near = p - xp.sqrt(radius * xp.where(p < 0.25, 2 * p, 0.5))
    x = log_p - 1 - radius / p
    x = xp.where(near > 0, xp.maximum(x, xp.log(xp.where(near > 0, near, 1.0))), x)
    for _ in range(_STEPS):
        rest = -xp.expm1(x)
        ratio = xp.where((heads > 0) & (rest > 0), heads, 1.0) / xp.where(rest > 0, rest, 1.0)
        excess = p * (log_p - x) + heads * xp.log(ratio) - radius
        slope = (p - xp.exp(x)) / xp.where(rest > 0, rest, 1.0)
        x = xp.where(slope > 0, x + excess / xp.where(slope > 0, slope, 1.0), x)
    return xp.where(positive, xp.exp(x), 0.0)
