"""The squared Euclidean distance as a regularizer: lazily projected gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from experts.numerics.masks import highest, lowest, relative
from experts.types import Array

# From so many experts on a running sum loses more digits than one step of Newton's makes good.
_MANY = 1000
# An expert that is this many scales behind has weight 0: weights differ by at most 1.
_CAP = 4.0


@dataclass(frozen=True, slots=True)
class Euclidean:
    """Squared distance R(p) = |p - prior|**2 / 2: minimiser is the projection of prior - L / scale.

    Bound: ``R(e_k) / eta + (eta / 2) sum_t |l_t - mean(l_t)|**2``, so at most
    ``1 / eta + eta T K B**2 / 8`` for losses of range B.

    Source: Zinkevich 2003 (lazy projection); Shalev-Shwartz 2012, Section 2.5.
    """

    wipeout: ClassVar[bool] = True
    """R is finite on every face."""
    interior: ClassVar[bool] = False
    """The projection has zeros."""

    def stability(self, count: Array, *, bandit: bool) -> Array:
        """K/8; no bound under bandit feedback, where K/2 only sets the rate."""
        return count / 2 if bandit else count / 8

    def dual(self, prior: Array) -> Array:
        """The prior itself, (..., K)."""
        return prior

    def width(self, alive: Array, dual: Array) -> Array:
        """max_k |e_k - prior|**2 / 2: (1 - 1/K) / 2 for the uniform prior."""
        return highest(self._price(dual), alive)

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """scale * |e_k - prior|**2 / 2, (..., K)."""
        return scale * self._price(dual)

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """max(prior - L / scale - tau, 0), (..., K)."""
        return _rest(*self._project(relative(loss, alive), scale, alive, dual), alive)

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """See `Regularizer.gap`, (..., 1).

        <play - after, loss> - scale |after - before|**2 / 2 - <mu, after>, where mu >= 0 is the
        multiplier of p >= 0 at `before`.
        """
        xp = array_namespace(loss)
        start = relative(total, alive)
        point, tau = self._project(start, scale, alive, dual)
        before = _rest(point, tau, alive)
        after = self.argmin(start + loss, scale, alive, dual)
        slack = start + scale * (tau - dual)
        slack = xp.where(alive & (before == 0) & (slack > 0), slack, 0.0)
        terms = (play - after) * loss - scale * (after - before) ** 2 / 2 - slack * after
        gap = xp.sum(terms, axis=-1, keepdims=True)
        still = xp.sum(play * loss, axis=-1, keepdims=True) - lowest(start + loss, alive)
        return xp.where(scale > 0, gap, still)

    def _project(self, lead: Array, scale: Array, alive: Array, dual: Array) -> tuple[Array, Array]:
        """The point to project (..., K); tau (..., 1), the largest (sum of j largest - 1) / j."""
        xp = array_namespace(lead)
        limit = _CAP * scale
        ratio = xp.minimum(lead, limit) / xp.where(scale > 0, scale, 1.0)
        ratio = xp.where((lead > limit) | ~alive, _CAP, ratio)
        point = xp.where(alive, dual, 0.0) - ratio
        ranked = xp.sort(point, axis=-1, descending=True)
        first = xp.cumulative_sum(xp.ones_like(ranked), axis=-1)
        total = xp.cumulative_sum(ranked, axis=-1)
        # Left of the root of sum (point - tau)_+ = 1, whatever the running sums have lost.
        lost = 2 * float(xp.finfo(point.dtype).eps) * (xp.abs(total) + 1)
        tau = xp.max((total - 1) / first - lost, axis=-1, keepdims=True)
        # From there Newton's steps rise to it and never pass it; these sums have small terms only.
        for _ in range(1 if point.shape[-1] < _MANY else 3):
            above = alive & (point > tau)
            active = xp.sum(xp.astype(above, point.dtype), axis=-1, keepdims=True)
            excess = xp.sum(xp.where(above, point - tau, 0.0), axis=-1, keepdims=True) - 1
            tau = tau + excess / active
        return point, tau

    def _price(self, dual: Array) -> Array:
        """|e_k - prior|**2 / 2, (..., K)."""
        xp = array_namespace(dual)
        squares = xp.sum(dual**2, axis=-1, keepdims=True)
        # Near e_k itself the first formula cancels; the prior of at most one expert is above 1/2.
        most = dual > 0.5
        others = xp.sum(xp.where(most, 0.0, dual**2), axis=-1, keepdims=True)
        return xp.where(most, ((1 - dual) ** 2 + others) / 2, (squares + 1) / 2 - dual)


def _rest(point: Array, tau: Array, alive: Array) -> Array:
    """max(point - tau, 0) of the survivors, (..., K), normalised to the last bit."""
    xp = array_namespace(point)
    play = xp.where(alive & (point > tau), point - tau, 0.0)
    return play / xp.sum(play, axis=-1, keepdims=True)
