"""Ader: small regret against a comparator that moves, whatever the length of its path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace, device

from experts.convex.descent import Descent, DescentState
from experts.convex.domains import Ball, Box, Domain, check_dimension, chosen
from experts.convex.metrics import Constant, extent, inner
from experts.ftrl import FTRL, Entropy, Fixed, Weighted
from experts.ftrl.ftrl import FTRLState
from experts.numerics.arguments import whole
from experts.numerics.parameters import number
from experts.registry import register
from experts.types import Array, ConvexLearner, Feedback


class AderState(NamedTuple):
    """State of `Ader`, with N rates."""

    descents: DescentState
    """of gradient descent for points (..., N, d), each with its own rate"""
    weights: FTRLState
    """of Hedge over them, (..., N)"""


@dataclass(frozen=True, slots=True)
class Ader:
    r"""Ader: gradient descents with N rates, weighed by Hedge.

    .. math:: x_t = \sum_i p_{t,i} x_{t,i}, \qquad \eta_i = 2^i \frac{D}{G \sqrt T}, \quad
              i = 0, ..., N - 1

    with N = ceil(log2(2T - 1) / 2) + 1. All of them are shown the gradient at x_t, and Hedge the
    losses <g_t, x_{t,i}>; its rate is sqrt(8 / T) / (G D), its prior in proportion to
    1 / ((i+1) (i+2)).

    Parameters
    ----------
    domain
        Bounded, of diameter D.
    rounds
        T.
    limit
        G, the largest norm of a gradient. It tunes the rates; the certificates need no bound.

    Notes
    -----
    **Certificate.** For every i and all u_1, ..., u_T of the domain, P = sum_t |u_{t+1} - u_t|::

        sum_t <g_t, x_t - u_t>  <=  Hedge's certificate[i] + D**2 / (2 eta_i) + P D / eta_i + cost_i

    with cost_i the sum of the costs of `Descent`, at most (eta_i / 2) sum_t |g_t|**2: `dynamic` is
    the least of these, `certificate` the least for u_t = u, with |x_1 - u| for D.

    Proof. The regret is that of Hedge to i, plus that of i, whose certificate's squares are
    |x_t - u_t|**2 - |x_{t+1} - u_t|**2, over 2 eta; and |x_{t+1} - u_{t+1}|**2 - |x_{t+1} - u_t|**2
    <= |u_{t+1} - u_t| (|x_{t+1} - u_{t+1}| + |x_{t+1} - u_t|) <= 2 D |u_{t+1} - u_t|.

    **A priori**, with ratio = 1 + 2 P / D <= 2T - 1: the last three terms are at most
    (G D / 2) sqrt(T) (ratio / 2**i + 2**i), at most (5/4) G D sqrt(T ratio) for the i with
    sqrt(ratio) / 2 < 2**i <= sqrt(ratio), as the bracket is convex in 2**i; Hedge's are at most
    G D sqrt(T / 8) (1 + ln(1 / prior_i)), as the losses' range is at most G D.

    Sources: Zhang, Lu & Zhou 2018, Theorems 3 and 4 (Ader with surrogate losses); Zinkevich 2003,
    Theorem 2.
    """

    domain: Domain
    rounds: int
    limit: float = 1.0
    gradient_bound: ClassVar[float | None] = None

    @property
    def horizon(self) -> int | None:
        """T."""
        return self.rounds

    def init(self, like: Array) -> AderState:
        """State before the first round; see `ConvexLearner.init`."""
        xp = array_namespace(like)
        check_dimension(self.domain, like)
        descent, hedge = self._parts(like)
        count = self._count
        each = xp.concat([like[..., None, :]] * count, axis=-2)
        prior = [1 / ((i + 1) * (i + 2)) for i in range(count)]
        weights = xp.asarray(prior, dtype=like.dtype, device=device(like))
        return AderState(descent.init(each), hedge.init(0.0 * each[..., 0], prior=weights))

    def predict(self, state: AderState) -> Array:
        """The mean of the descents' points, (..., d)."""
        descent, hedge = self._parts(state.descents.point)
        points = descent.predict(state.descents)
        return array_namespace(points).sum(
            hedge.predict(state.weights)[..., None] * points, axis=-2
        )

    def update(self, state: AderState, play: Array, gradient: Array) -> AderState:
        """The state after one round; `state` is left as it was."""
        descent, hedge = self._parts(play)
        points, slope = descent.predict(state.descents), gradient[..., None, :]
        # Less <g, x_t>, so that a domain far from 0 does no harm.
        loss = inner(slope, points - play[..., None, :])[..., 0]
        weights = hedge.update(state.weights, hedge.predict(state.weights), Feedback(loss))
        return AderState(descent.update(state.descents, points, slope + 0.0 * points), weights)

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]

    def certificate(self, state: AderState, comparator: Array) -> Array:
        """The bound on the regret to `comparator`, (...)."""
        descent, hedge = self._parts(comparator)
        alone = descent.certificate(state.descents, comparator[..., None, :])
        both = alone + hedge.certificate(state.weights)
        return array_namespace(both).min(both, axis=-1)

    def dynamic(self, state: AderState, path_length: Array | float) -> Array:
        """Bound on the regret to every u_1, ..., u_T of the domain with this path length, (...).

        Parameters
        ----------
        path_length : (..., 1), or a number
            P, at least sum_t |u_{t+1} - u_t|.
        """
        _, hedge = self._parts(state.descents.point)
        width = extent(self.domain.diameter, state.descents.point)
        path = path_length + 0.0 * state.weights.gap
        alone = (width**2 / 2 + width * path) * state.descents.measure.unit[..., 0]
        both = alone + state.descents.cost[..., 0] + hedge.certificate(state.weights)
        return array_namespace(both).min(both, axis=-1)

    @property
    def _count(self) -> int:
        """N."""
        return math.ceil(math.log2(2 * self.rounds - 1) / 2) + 1

    def _parts(self, like: Array) -> tuple[Descent, FTRL]:
        """The descents, with rates (N, 1), and Hedge, for points (..., d)."""
        width = extent(self.domain.diameter, like)
        first = width / (self.limit * math.sqrt(self.rounds))
        rates: Any = tuple((first * 2.0**i,) for i in range(self._count))
        alpha = math.sqrt(8 / self.rounds) / (self.limit * width)
        return Descent(self.domain, Constant(rates)), FTRL(Entropy(), Fixed(alpha), Weighted())


@register({"horizon": 50}, {"horizon": 20, "domain": Box(-1, 2)}, protocol=ConvexLearner)
def ader(horizon: int, domain: Domain | None = None, *, gradient_bound: float = 1.0) -> Ader:
    """Ader: follows a comparator that moves; gradient descents with many rates, weighed by Hedge.

    Parameters
    ----------
    horizon
        Number of rounds T.
    domain
        Bounded. Default: `Ball` (1).
    gradient_bound
        G, the largest norm of a gradient.

    Notes
    -----
    Regret <= G D [(5/4) sqrt(T (1 + 2 P / D)) + sqrt(T / 8) (1 + ln((i+1) (i+2)))] against every
    sequence in the domain, P the length of its path, i = floor(log2(1 + 2 P / D) / 2), of order
    G sqrt(T D (D + P)): `bounds.ader`. Feedback: the gradient. Convex losses.

    Source: Zhang, Lu & Zhou 2018, Theorems 3 and 4; these constants are derived in `Ader`.

    Examples
    --------
    >>> import numpy as np
    >>> learner = ader(horizon=400)
    >>> state = learner.init(np.zeros(1))
    >>> for t in range(400):  # f_t(x) = |x - target|
    ...     point = learner.predict(state)
    ...     target = 0.5 if t < 200 else -0.5
    ...     state = learner.update(state, point, np.sign(point - target))
    >>> bool(abs(learner.predict(state) + 0.5) < 0.1)
    True
    """
    domain, limit = chosen(domain, Ball()), number("gradient_bound", gradient_bound)
    if not domain.bounded:
        raise ValueError(f"domain must be bounded, got {domain!r}")
    return Ader(domain, whole("horizon", horizon), limit)
