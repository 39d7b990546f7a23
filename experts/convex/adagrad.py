"""AdaGrad: descent whose metric grows with the gradients."""

from __future__ import annotations

from experts.convex.descent import Descent
from experts.convex.domains import Ball, Box, Domain, WholeSpace, chosen
from experts.convex.metrics import Covariance, Lengths
from experts.convex.product import Product
from experts.convex.simplex import Simplex
from experts.numerics.arguments import flag
from experts.numerics.parameters import number
from experts.registry import register
from experts.types import ConvexLearner


@register(
    {},
    {"domain": Product(((Simplex(2, cap=1), 3), (Ball(0.5), 2)))},
    {"domain": Ball(), "full": True},
    {"domain": WholeSpace(), "eta": 0.3, "full": True},
    protocol=ConvexLearner,
)
def adagrad(
    domain: Domain | None = None, *, full: bool = False, eta: float | None = None
) -> Descent:
    """AdaGrad: descent in the metric (sum_t g_t g_t^T)**(1/2) / eta, or its diagonal.

    Projections are in the same metric: mirror descent, not dual averaging. Both are exact: with the
    diagonal by sorting (simplex) or Newton's method (ball), in full by eigenvectors.

    Parameters
    ----------
    domain
        Default: `Box` (-1, 1), or `Ball` (1) if `full`.
    full
        The whole matrix rather than the diagonal, in a ball or `WholeSpace`; d**3 a round.
    eta
        Default: the best for the bound, W / sqrt(2), or D / sqrt(2) if `full`. `WholeSpace` needs
        one.

    Notes
    -----
    Regret <= sqrt(2) W sum_i sqrt(sum_t g_{t,i}**2), W the domain's widest coordinate; if `full`,
    <= 1.000001 sqrt(2) D trace((sum_t g_t g_t^T)**(1/2)), D its diameter: `bounds.adagrad`.
    Feedback: the gradient. Convex losses of any scale.

    Source: Duchi, Hazan & Singer 2011, Theorems 5 and 7 (mirror descent), with delta = 0.

    Examples
    --------
    >>> import numpy as np
    >>> learner = adagrad()
    >>> state = learner.init(np.zeros(2))
    >>> for _ in range(2):
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, np.asarray([0.001, -10.0]))
    >>> learner.predict(state).round(3)  # the scale of a coordinate does not matter
    array([-1.,  1.])
    """
    eta = None if eta is None else number("eta", eta)
    if flag("full", full):
        return Descent(chosen(domain, Ball()), Covariance(eta))
    return Descent(chosen(domain, Box()), Lengths(eta, coordinates=True))
