"""Online Newton step, for exp-concave losses."""

from __future__ import annotations

from experts.convex.descent import Descent
from experts.convex.domains import Ball, Box, Domain, WholeSpace, chosen
from experts.convex.metrics import Newton
from experts.numerics.parameters import number
from experts.registry import register
from experts.types import ConvexLearner


@register(
    {"gamma": 0.1},
    {"gamma": 0.25, "domain": Box(-1, 0.5)},
    {"gamma": 0.1, "domain": WholeSpace(), "eps": 4.0},
    protocol=ConvexLearner,
)
def online_newton_step(
    gamma: float, domain: Domain | None = None, *, eps: float | None = None
) -> Descent:
    """Online Newton step: descent in the metric gamma (eps I + sum_t g_t g_t^T).

    In a `Ball` the projection in that metric is exact; otherwise it takes a fixed number of
    iterations, and the certificate pays for what they leave. Needs `linalg.eigh`.

    Parameters
    ----------
    gamma
        > 0, with f_t(x) - f_t(u) <= <g_t, x - u> - (gamma / 2) <g_t, x - u>**2 for all u. If f_t is
        alpha-exp-concave (exp(-alpha f_t) is concave), and its gradients have norm at most G in a
        domain of diameter D: min(1 / (8 G D), alpha / 2) (Hazan et al., Lemma 3; their gamma). For
        f(x) = (<a, x> - b)**2 / 2 with errors of at most E it holds with 1 / E**2.
    domain
        Default: `Ball` (1).
    eps
        Default: 1 / (gamma D)**2. `WholeSpace` needs one.

    Notes
    -----
    Regret of losses so curved <= (1 / (2 gamma)) (1 + d ln(1 + (gamma D G)**2 T / d)) for
    gradients of norm at most G: `bounds.online_newton_step`. Feedback: the gradient.

    Source: Hazan, Agarwal & Kale 2007, Theorem 2 and its proof.

    Examples
    --------
    >>> import numpy as np
    >>> from experts.convex import Simplex
    >>> learner = online_newton_step(0.25, Simplex())  # a portfolio: f(x) = -ln <returns, x>
    >>> state = learner.init(np.zeros(2))
    >>> for returns in np.tile([[1.0, 2.0], [1.0, 0.5]], (50, 1)):
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, -returns / (returns @ point))
    >>> learner.predict(state).round(1)
    array([0.5, 0.5])
    """
    newton = Newton(number("gamma", gamma), None if eps is None else number("eps", eps))
    return Descent(chosen(domain, Ball()), newton)
