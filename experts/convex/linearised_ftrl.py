"""Follow the regularised leader with linearised losses and the squared distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from array_api_compat import array_namespace

from experts.convex.domains import Ball, Box, Domain, WholeSpace, check_dimension, chosen, norm
from experts.convex.metrics import extent, inner
from experts.ftrl import Anytime, Fixed, Gap, Horizon, Rate
from experts.ftrl.rates import Clock
from experts.numerics.arguments import not_both, whole
from experts.numerics.parameters import Setting, check_floats, setting
from experts.registry import register
from experts.types import Array, ConvexLearner

_FARTHEST = 1e18
"""A point to project is no farther from the start than this: no overflow where a scale is tiny."""


class LinearisedFTRLState(NamedTuple):
    """State of `LinearisedFTRL`."""

    total: Array
    """(..., d): L, the sum of the gradients"""
    gap: Array
    """(..., 1): sum of the gaps so far"""
    scale: Array
    """(..., 1): 1 / eta of the last round played; 0 before the first"""
    clock: Clock
    """state of the schedule; `clock.scale` is 1 / eta of the next round"""


@dataclass(frozen=True, slots=True)
class LinearisedFTRL:
    r"""Follow the regularised leader, on a domain, with the squared distance from its start.

    .. math:: x_t = \arg\min_{x \in X} \langle x, L_{t-1} \rangle + \tfrac{s_t}{2} |x - x_1|^2,
              \qquad s_t = 1 / \eta_t

    which is the nearest point of X to x_1 - L_{t-1} / s_t: dual averaging, or lazy projection.

    Parameters
    ----------
    domain
        X; x_1 is its `start`.
    rate
        The schedule of eta, of `experts.ftrl`, with `loss_range` the largest norm of a gradient:
        `Fixed`, `Horizon`, `Anytime` or `Gap`; `Fixed` in `WholeSpace`.

    Notes
    -----
    **Certificate.** For all gradients, every round T and every u of X::

        sum_t <g_t, x_t - u>  <=  (s_T / 2) |u - x_1|**2 + sum_t gap_t
        gap_t = <x_t, g_t> - [Phi_t(L_{t-1} + g_t) - Phi_t(L_{t-1})]
        Phi_t(L) = min { <x, L> + (s_t / 2) |x - x_1|**2 : x in X } - <x_1, L>

    Proof: that of `experts.ftrl.FTRL`, with R(x) = |x - x_1|**2 / 2, losses <x - x_1, g>, and u for
    e_k. A gap is at most eta |g|**2 / 2, and never negative.

    Sources: Nesterov 2009; Orabona 2019, Chapter 7.
    """

    domain: Domain
    rate: Rate

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the schedule is tuned for; None: any."""
        return self.rate.horizon

    @property
    def gradient_bound(self) -> float | None:
        """None: the certificate holds for all gradients."""
        return None

    def init(self, like: Array) -> LinearisedFTRLState:
        """State before the first round; see `ConvexLearner.init`."""
        check_floats("like", like)
        check_dimension(self.domain, like)
        self.domain.start(like)  # refuses a dimension in which the domain is empty
        zero = array_namespace(like).zeros_like(like)
        none = zero[..., :1]
        width = 1.0
        if not isinstance(self.rate, Fixed):
            width = extent(self.domain.reach, like) ** 2 / 2
        clock = self.rate.init(none + width, none + 0.5)
        return LinearisedFTRLState(zero, none, none, clock)

    def predict(self, state: LinearisedFTRLState) -> Array:
        """The minimiser, (..., d)."""
        return self._argmin(state.total, state.clock.scale)

    def update(
        self, state: LinearisedFTRLState, play: Array, gradient: Array
    ) -> LinearisedFTRLState:
        """The state after one round; `state` is left as it was."""
        scale = state.clock.scale
        gap = state.gap + self._gap(play, gradient, state.total, scale)
        return LinearisedFTRLState(
            state.total + gradient, gap, scale, self.rate.update(state.clock, gap)
        )

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]

    def certificate(self, state: LinearisedFTRLState, comparator: Array) -> Array:
        """``(s_T / 2) |u - x_1|**2 + sum of gaps``, (...)."""
        lead = comparator - self.domain.start(comparator)
        return (state.scale / 2 * inner(lead, lead) + state.gap)[..., 0]

    def _gap(self, play: Array, gradient: Array, total: Array, scale: Array) -> Array:
        """``<x_t - after, g> - (s / 2) |after - before|**2 - <r, after - before>``, (..., 1).

        `before` minimises with L, where r = L + s (before - x_1) is the slope, `after` with L + g.
        """
        before, after = self._argmin(total, scale), self._argmin(total + gradient, scale)
        slope = total + scale * (before - self.domain.start(play))
        move = after - before
        return inner(play - after, gradient) - inner(move, slope + scale / 2 * move)

    def _argmin(self, total: Array, scale: Array) -> Array:
        """The minimiser; at scale 0 a point of the least <x, L>, x_1 for L = 0."""
        xp = array_namespace(total)
        start = self.domain.start(total)
        slow = xp.maximum(scale, norm(total) / _FARTHEST)
        point = self.domain.project(start - total / xp.where(slow > 0, slow, 1.0))
        if isinstance(self.rate, Fixed):
            return point
        still = xp.all(total == 0, axis=-1, keepdims=True)
        leader = xp.where(still, start, self.domain.minimise(total))
        return xp.where(scale > 0, point, leader)


@register(
    {},
    {"domain": Box(-1, 2), "gradient_bound": 4.0},
    {"domain": WholeSpace(), "eta": 0.1},
    protocol=ConvexLearner,
)
def linearised_ftrl(
    domain: Domain | None = None,
    *,
    eta: Setting | None = None,
    horizon: int | None = None,
    gradient_bound: Setting | None = None,
) -> LinearisedFTRL:
    """FTRL with linearised losses: x_t = the nearest point of the domain to x_1 - eta_t L_{t-1}.

    Parameters
    ----------
    domain
        Default: `Ball` (1).
    eta
        A fixed rate. Without it, `horizon` and `gradient_bound`: AdaHedge's rate, which needs no
        bound on the gradients, 1 / eta_t = 2 (sum of gaps) / r**2.
    horizon
        Number of rounds T; sets eta = r / (G sqrt(T)), r the largest distance of a point from x_1.
    gradient_bound
        G, the largest norm of a gradient; 1 with `horizon`, without which eta_t = r / (G sqrt(2t)).

    Notes
    -----
    Regret <= sqrt(2 r**2 + 4 D**2) sqrt(sum_t |g_t|**2), D the domain's diameter; with
    `gradient_bound` <= sqrt(2) r G sqrt(T), with `horizon` <= r G sqrt(T), with `eta`
    <= |u - x_1|**2 / (2 eta) + (eta / 2) sum_t |g_t|**2: `bounds.linearised_ftrl`,
    `bounds.ogd_fixed`. Feedback: the gradient. Convex losses.

    The first, by the certificate, which is at most 2 Delta_T, Delta the sum of the gaps: a gap is
    at most D |g| and at most |g|**2 r**2 / (4 Delta_{t-1}), so that
    Delta_t**2 - Delta_{t-1}**2 = 2 Delta_{t-1} gap_t + gap_t**2 <= (r**2 / 2 + D**2) |g_t|**2.

    Source: Orabona 2019, Chapter 7 and Section 7.6; Orabona & Pal 2018 (AdaFTRL).

    Examples
    --------
    >>> import numpy as np
    >>> learner = linearised_ftrl()
    >>> state = learner.init(np.zeros(2))
    >>> for _ in range(3):
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, np.asarray([1.0, 0.0]))
    >>> learner.predict(state).round(3)
    array([-1.,  0.])
    """
    domain = chosen(domain, Ball())
    not_both(eta, horizon)
    limit = None if gradient_bound is None else setting("gradient_bound", gradient_bound)
    if eta is not None:
        return LinearisedFTRL(domain, Fixed(eta))
    if horizon is not None:
        rounds = whole("horizon", horizon)
        return LinearisedFTRL(domain, Horizon(rounds, 1.0 if limit is None else limit))
    return LinearisedFTRL(domain, Gap() if limit is None else Anytime(limit))
