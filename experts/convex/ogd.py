"""Online gradient descent, for convex and for strongly convex losses."""

from __future__ import annotations

from experts.convex.descent import Descent
from experts.convex.domains import Ball, Box, Domain, WholeSpace, chosen
from experts.convex.metrics import Constant, Growing, Known, Lengths
from experts.convex.product import Product
from experts.convex.simplex import Simplex
from experts.numerics.arguments import not_both, whole
from experts.numerics.parameters import Setting, number, setting
from experts.registry import register
from experts.types import ConvexLearner


@register(
    {},
    {"domain": Product(((Simplex(2, cap=1), 3), (Ball(0.5), 2)))},
    {"domain": Box(-1, 3), "horizon": 50, "gradient_bound": 2.0},
    {"domain": WholeSpace(), "eta": 0.1},
    protocol=ConvexLearner,
)
def ogd(
    domain: Domain | None = None,
    *,
    eta: Setting | None = None,
    horizon: int | None = None,
    gradient_bound: float = 1.0,
) -> Descent:
    """Online gradient descent: x_{t+1} = the nearest point of the domain to x_t - eta_t g_t.

    Parameters
    ----------
    domain
        Default: `Ball` (1).
    eta
        A fixed rate. Without it and `horizon`: eta_t = D / sqrt(2 sum_{s<=t} |g_s|**2), D the
        diameter of the domain.
    horizon
        Number of rounds T; sets eta = D / (G sqrt(T)).
    gradient_bound
        G, the largest norm of a gradient; used with `horizon` only.

    Notes
    -----
    Regret <= sqrt(2) D sqrt(sum_t |g_t|**2) with the adaptive rate, <= D G sqrt(T) with `horizon`,
    <= |u - x_1|**2 / (2 eta) + (eta / 2) sum_t |g_t|**2 with `eta`: `bounds.ogd`,
    `bounds.ogd_tuned`, `bounds.ogd_fixed`. Feedback: the gradient. Convex losses of any scale.

    Source: Zinkevich 2003, Theorem 1; Orabona 2019, Theorem 2.13 and Section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> learner = ogd()
    >>> state = learner.init(np.zeros(2))
    >>> for _ in range(3):
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, np.asarray([1.0, 0.0]))
    >>> learner.predict(state).round(3)
    array([-1.,  0.])
    """
    domain = chosen(domain, Ball())
    not_both(eta, horizon)
    limit = number("gradient_bound", gradient_bound)
    if eta is not None:
        return Descent(domain, Constant(setting("eta", eta)))
    if horizon is not None:
        return Descent(domain, Known(whole("horizon", horizon), limit))
    return Descent(domain, Lengths())


@register(
    {"modulus": 2.0, "domain": Simplex()},
    {"modulus": 1.0, "domain": WholeSpace()},
    protocol=ConvexLearner,
)
def strongly_convex_ogd(modulus: float, domain: Domain | None = None) -> Descent:
    """Gradient descent for strongly convex losses: eta_t = 1 / (mu t).

    Parameters
    ----------
    modulus
        mu > 0: f_t(u) >= f_t(x) + <g_t, u - x> + (mu / 2) |u - x|**2 for all u.
    domain
        Default: `Ball` (1).

    Notes
    -----
    Regret of mu-strongly convex losses <= (1 / (2 mu)) sum_t |g_t|**2 / t <= G**2 (1 + ln T) /
    (2 mu), for gradients of norm at most G: `bounds.strongly_convex_ogd`. Feedback: the gradient.

    Source: Hazan, Agarwal & Kale 2007, Theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> learner = strongly_convex_ogd(2.0)
    >>> state = learner.init(np.zeros(1))
    >>> for target in (0.2, 0.6):  # f(x) = (x - target)**2
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, 2 * (point - target))
    >>> learner.predict(state).round(3)  # the mean of the targets
    array([0.4])
    """
    return Descent(chosen(domain, Ball()), Growing(number("modulus", modulus)))
