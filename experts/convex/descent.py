"""Descent: steps against the gradient in a metric, and back into the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from array_api_compat import array_namespace

from experts.convex.domains import Domain, check_dimension
from experts.convex.metrics import Known, Measure, Metric, apply, inner
from experts.numerics.parameters import check_floats
from experts.numerics.state import copied
from experts.types import Array

_STEPS = 60


class DescentState(NamedTuple):
    """State of `Descent`; x_1 is the domain's start."""

    point: Array
    """(..., d): the next point to play"""
    measure: Measure
    """the metric's"""
    pull: Array
    """(..., d): sum_t (E_t - E_{t-1}) (x_t - x_1)"""
    spread: Array
    """(..., 1): sum_t <x_t - x_1, (E_t - E_{t-1}) (x_t - x_1)>"""
    cost: Array
    """(..., 1): sum of what the steps have cost"""


@dataclass(frozen=True, slots=True)
class Descent:
    r"""Projected descent: a learner made of a domain and a metric.

    .. math:: x_{t+1} = \arg\min_{x \in X} \tfrac12 (x - y_t)^\top H_t (x - y_t), \qquad
              y_t = x_t - H_t^{-1} g_t

    x_1 is the domain's `start`.

    Parameters
    ----------
    domain
        X: a part of `experts.convex.domains`, `Simplex` or `Product`.
    metric
        H_t: a part of `experts.convex.metrics`, which also says of what losses.

    Notes
    -----
    **Certificate.** For all gradients, every round T and every u of the domain::

        sum_t <g_t, x_t - u> - c_t(u)
            <=  (1/2) sum_t (x_t - u)^T (E_t - E_{t-1}) (x_t - u) + sum_t cost_t
        cost_t = <g_t, x_t - x_{t+1}> - (1/2) |x_t - x_{t+1}|_t**2 + gap_t
        gap_t = max { <r_t, v - x_{t+1}> : v in X },  r_t = H_t (x_t - x_{t+1}) - g_t

    with |z|_t**2 = <z, H_t z>, E_0 = 0 and E_t = H_t for convex losses, where c_t = 0. The left
    side is at least the regret.

    Proof. For any x_{t+1} of the domain, with g_t = H_t (x_t - x_{t+1}) - r_t,
    <g_t, x_{t+1} - u> = <H_t (x_t - x_{t+1}), x_{t+1} - u> + <r_t, u - x_{t+1}>, where the first
    term is (|x_t - u|_t**2 - |x_{t+1} - u|_t**2 - |x_t - x_{t+1}|_t**2) / 2 and the second at most
    gap_t. Add <g_t, x_t - x_{t+1}> and sum: the squares telescope into those of H_t - H_{t-1}.
    Curved losses have c_t(u) = (1/2) (x_t - u)^T C_t (x_t - u), and E_t = H_t - C_1 - ... - C_t.

    gap_t is 0 for the exact projection; so the certificate pays for what rounding, or a fixed
    number of iterations, has left. In the whole space, where r_t is 0 but for rounding, <r_t, u> is
    kept instead. cost_t <= (1/2) <g_t, H_t^{-1} g_t> + gap_t: this gives the a-priori bounds.

    Sources: Zinkevich 2003; Orabona 2019, Sections 2.1 and 4.2; Hazan, Agarwal & Kale 2007.
    """

    domain: Domain
    metric: Metric

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the metric is tuned for; None: any."""
        return self.metric.horizon if isinstance(self.metric, Known) else None

    @property
    def gradient_bound(self) -> float | None:
        """None: the certificate holds for all gradients."""
        return None

    def init(self, like: Array) -> DescentState:
        """State before the first round; see `ConvexLearner.init`."""
        check_floats("like", like)
        check_dimension(self.domain, like)
        zero = array_namespace(like).zeros_like(like)
        point, measure = self.domain.start(zero), self.metric.init(zero, self.domain)
        return DescentState(point, measure, zero, zero[..., :1], zero[..., :1])

    def predict(self, state: DescentState) -> Array:
        """x_t, (..., d)."""
        return copied(state.point)  # the caller may write into it

    def update(self, state: DescentState, play: Array, gradient: Array) -> DescentState:
        """The state after one round; `state` is left as it was."""
        measure = self.metric.update(state.measure, gradient)
        start, before = self.domain.start(play), state.point
        target = before - apply(measure.inverse, gradient)
        point = nearest(self.domain, measure.matrix, target, before)
        moved = apply(measure.matrix, before - point)
        rest = moved - gradient
        pull, cost = self._left(rest, point, start)
        cost = cost + inner(gradient, play - point) - inner(moved, before - point) / 2
        lead = before - start
        grown = apply(measure.charged, lead) - apply(state.measure.charged, lead)
        return DescentState(
            point,
            measure,
            state.pull + grown - pull,
            state.spread + inner(lead, grown),
            state.cost + cost,
        )

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u> - c(u), (...); see `ConvexLearner.instantaneous`."""
        return self.metric.instantaneous(play, gradient, comparator)

    def certificate(self, state: DescentState, comparator: Array) -> Array:
        """The bound on the regret to `comparator`, (...)."""
        lead = comparator - self.domain.start(comparator)
        square = inner(lead, apply(state.measure.charged, lead) - 2 * state.pull)
        return ((square + state.spread) / 2 + state.cost)[..., 0]

    def _left(self, rest: Array, point: Array, start: Array) -> tuple[Array, Array]:
        """A bound on <rest, u - point>: what multiplies u - x_1, and what is added, (..., 1)."""
        if not self.domain.bounded:
            return rest, -inner(rest, point - start)
        return 0.0 * rest, inner(rest, self.domain.minimise(-rest) - point)


def nearest(domain: Domain, matrix: Array, target: Array, start: Array) -> Array:
    """Point of the domain with the least ``(x - y)^T H (x - y)``, y = target, (..., d).

    In a ball exact, by the eigenvectors of H. With another domain and a full matrix: a fixed number
    of accelerated projected steps from `start`, which leave about
    ``exp(-60 sqrt(smallest / largest eigenvalue))`` of the distance. (With the gamma and eps of its
    theorem, the online Newton step's largest is at most 1 + T / 64 times the smallest.)

    Source: Nesterov 2004, Section 2.2 (constant momentum).
    """
    if matrix.ndim == target.ndim:
        return domain.project(target, matrix)
    xp = array_namespace(target)
    values, vectors = xp.linalg.eigh(matrix)
    if domain.round:
        turned = domain.project(apply(xp.matrix_transpose(vectors), target), values)
        return apply(vectors, turned)
    most, least = values[..., -1:], values[..., :1]
    ratio = xp.sqrt(least / most)
    momentum = (1 - ratio) / (1 + ratio)
    before = ahead = domain.project(start)
    for _ in range(_STEPS):
        point = domain.project(ahead - apply(matrix, ahead - target) / most)
        before, ahead = point, point + momentum * (point - before)
    return before
