"""Regularizers of FTRL: R(p) = D(p, prior) >= 0, with R(prior) = 0.

Each is the Bregman divergence D(p, q) = psi(p) - psi(q) - <grad psi(q), p - q> of a convex psi.
The prior enters as its dual image grad psi(prior), so the minimiser of ``<p, L> + scale * R(p)``
depends on ``L / scale - dual``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from array_api_compat import array_namespace

from experts.numerics.masks import highest, lowest, relative
from experts.types import Array

# exp(-_CAP) is 0 in every float type, so ratios loss / scale are cut there and cannot overflow.
_CAP = 1e4


class Regularizer(Protocol):
    """A regularizer R, as FTRL uses it; `alive` is bool (..., K), `dual` is (..., K)."""

    @property
    def wipeout(self) -> bool:
        """Whether removing experts can only raise ``min_p <p, L> + scale * R(p)``."""

    @property
    def interior(self) -> bool:
        """Whether the minimiser is positive on every survivor, at any scale > 0.

        Otherwise an arm of a bandit may never be drawn again.
        """

    def stability(self, count: Array, *, bandit: bool) -> Array:
        """c, (..., 1), such that a round's gap is at most ``c * eta * B**2``.

        For losses of range B among `count` experts, (..., 1); `bandit`: in expectation, for
        importance-weighted losses in [0, 1].
        """

    def dual(self, prior: Array) -> Array:
        """grad psi(prior), (..., K); 0 where the prior is 0."""

    def width(self, alive: Array, dual: Array) -> Array:
        """max_k R(e_k), (..., 1), or a number of that order; the schedules are tuned with it."""

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """scale * R(e_k), (..., K), or another bound on ``Phi(loss) - loss_k``."""

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """argmin over the survivors' simplex of ``<p, loss> + scale * R(p)``, (..., K)."""

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """``<play, loss> - [Phi(total + loss) - Phi(total)]``, (..., 1).

        ``Phi(L) = min_p <p, L> + scale * R(p)``. `loss` is nonnegative and 0 for the removed.
        """


@dataclass(frozen=True, slots=True)
class Entropy:
    r"""Relative entropy, R(p) = KL(p || prior) = sum_i p_i ln(p_i / prior_i).

    The minimiser is ``p_i ∝ prior_i exp(-L_i / scale)``: the exponentially weighted average
    forecaster. Scale 0 is follow-the-leader with ties split in proportion to the prior.

    For play = minimiser the gap is the mixability gap
    ``<p, l> + scale * ln <p, exp(-l / scale)>``, at most ``eta * B**2 / 8`` by Hoeffding's lemma.

    Source: Cesa-Bianchi & Lugosi 2006, Sections 2.1-2.2; de Rooij et al. 2014, Section 2.
    """

    wipeout: ClassVar[bool] = True
    """KL does not charge for a weight of 0."""
    interior: ClassVar[bool] = True
    """The slope of KL is infinite at 0."""

    def stability(self, count: Array, *, bandit: bool) -> Array:
        """1/8 by Hoeffding's lemma; K/2 for importance-weighted losses."""
        return count / 2 if bandit else 0 * count + 1 / 8

    def dual(self, prior: Array) -> Array:
        """ln(prior), (..., K)."""
        xp = array_namespace(prior)
        return xp.log(xp.where(prior > 0, prior, 1.0))

    def width(self, alive: Array, dual: Array) -> Array:
        """The largest -ln(prior_k): ln K for the uniform prior."""
        return highest(-dual, alive)

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """-scale * ln(prior_k), (..., K)."""
        return -scale * dual

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """Softmax of ``dual - loss / scale`` over the survivors, (..., K)."""
        return self.weights(relative(loss, alive), scale, alive, dual)[0]

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """Mixability gap, (..., 1), for any `play`, also where probabilities underflow."""
        xp = array_namespace(loss)
        suffered = xp.sum(play * loss, axis=-1, keepdims=True)
        start = relative(total, alive)
        before, norm = self.weights(start, scale, alive, dual)
        # Near the leader: the mix loss straight from the weights, so that a small eta does not
        # drown it in the rounding of two large potentials.
        safe = xp.where(scale > 0, scale, 1.0)
        ratio = xp.minimum(loss, _CAP * safe) / safe
        shrink = xp.sum(before * xp.expm1(-ratio), axis=-1, keepdims=True)
        near = -safe * xp.log1p(xp.where(shrink > -0.5, shrink, -0.5))
        # Far from it, weights that round to 0 can matter again: the difference of potentials.
        moved = start + loss
        _, norm_after = self.weights(relative(moved, alive), scale, alive, dual)
        far = lowest(moved, alive) - scale * (norm_after - norm)
        return suffered - xp.where((scale > 0) & (shrink > -0.5), near, far)

    def ratio(self, lead: Array, scale: Array) -> Array:
        """lead / scale, (..., K), for lead >= 0; where exp(-ratio) is 0 it is cut."""
        xp = array_namespace(lead)
        limit = _CAP * scale
        ratio = xp.minimum(lead, limit) / xp.where(scale > 0, scale, 1.0)
        return xp.where(lead > limit, _CAP, ratio)

    def weights(self, lead: Array, scale: Array, alive: Array, dual: Array) -> tuple[Array, Array]:
        """Weights that add up to 1 (..., K), and the log of the sum before that (..., 1)."""
        xp = array_namespace(lead)
        logits = xp.where(alive, dual - self.ratio(lead, scale), -4 * _CAP)
        top = highest(logits, alive)
        # Not exp(logits - norm): with a small prior both are large, and that would not add up to 1.
        weight = xp.exp(logits - top)
        total = xp.sum(weight, axis=-1, keepdims=True)
        return weight / total, top + xp.log(total)
