"""Regularizers whose minimiser is a power of the losses: Tsallis entropies and the log-barrier.

With psi'' = p**(a - 2) the minimiser is ``p_i = (z_i + nu)**(-1 / (1 - a))``,
``z = (1 - a) (L / scale - dual)``, and nu makes it sum to 1. Their tails are polynomial, so bad
experts keep being explored: this is what bandit feedback needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from experts.numerics.masks import count, highest, lowest, relative
from experts.types import Array

# Ratios loss / scale are cut here: its square is still a float32, and its inverse negligible.
_CAP = 1e18


@dataclass(frozen=True, slots=True)
class Tsallis:
    r"""Tsallis entropy of order a in (0, 1): psi(p) = -sum_i p_i**a / (a (1 - a)).

    With the uniform prior ``R(p) = (K**(1 - a) - sum_i p_i**a) / (a (1 - a))``; the limit a -> 1
    is `Entropy`, a -> 0 is `LogBarrier`. For a = 1/2 the minimiser is
    ``p_i = 4 (eta (L_i - x))**-2``.

    Parameters
    ----------
    order
        a; 1/2 by default.
    steps
        Newton steps for nu, a fixed number so that nothing is read on the host.

    Notes
    -----
    A round's gap is at most ``eta B**2 / 2``; for importance-weighted losses in [0, 1] its
    expectation is at most ``eta K**a / 2``.

    Source: Abernethy, Lee & Tewari 2015; in this scaling Zimmert & Seldin 2021, Section 3.
    """

    order: float = 0.5
    steps: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.order < 1:
            raise ValueError(f"order must lie in (0, 1), got {self.order!r}")

    wipeout: ClassVar[bool] = True
    """psi is finite where a weight is 0, so R stays what it is on every face."""
    interior: ClassVar[bool] = True
    """The slope of psi is infinite at 0."""

    def stability(self, count: Array, *, bandit: bool) -> Array:
        """1/2; K**a / 2 for importance-weighted losses."""
        return (count**self.order if bandit else 0 * count + 1) / 2

    def dual(self, prior: Array) -> Array:
        """-prior**(a - 1) / (1 - a), (..., K)."""
        return _power_dual(prior, self.order)

    def width(self, alive: Array, dual: Array) -> Array:
        """max_k R(e_k): (K**(1 - a) - 1) / (a (1 - a)) for the uniform prior."""
        return highest(self._price(dual), alive)

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """scale * R(e_k), (..., K)."""
        return scale * self._price(dual)

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """The powers that sum to 1, (..., K)."""
        return _power_argmin(loss, scale, alive, dual, self.order, self.steps)

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """See `Regularizer.gap`, (..., 1)."""
        a = self.order
        before = self.argmin(total, scale, alive, dual)
        after = self.argmin(total + loss, scale, alive, dual)
        # p**a (1 + a e - (1 + e)**a) / (a (1 - a)), e = (after - before) / before
        change, log_ratio = _change(after, before)
        power = array_namespace(loss).expm1(a * log_ratio)
        terms = before**a * (a * change - power) / (a * (1 - a))
        return _legendre_gap(play, after, loss, total, scale, alive, terms)

    def _price(self, dual: Array) -> Array:
        """R(e_k), (..., K), from the dual image of the prior."""
        xp = array_namespace(dual)
        a = self.order
        inverse = -(1 - a) * dual  # prior**(a - 1), 0 where the prior is 0
        taken = xp.where(inverse > 0, inverse, 1.0)
        mass = xp.where(inverse > 0, taken ** (a / (a - 1)), 0.0)  # prior**a
        mass = xp.sum(mass, axis=-1, keepdims=True)
        return (mass - 1) / (a * (1 - a)) + (inverse - mass) / (1 - a)


@dataclass(frozen=True, slots=True)
class LogBarrier:
    """Logarithmic barrier: psi(p) = -sum_i ln p_i.

    R(e_k) is infinite, so the certificate compares with ``u = (1 - e) e_k + e * prior`` and pays
    for the difference: for every e in (0, 1)

        Phi(L) <= L_k + scale * R(u) + e * (<prior, L> - L_k).

    It takes ``e = scale K / (scale K + <prior, L> - L_k)``, which is the best up to the
    logarithm. For the same reason an expert cannot be removed: `wipeout` is False.

    Parameters
    ----------
    steps
        Newton steps for the multiplier.

    Notes
    -----
    A round's gap is at most ``eta B**2 / 2``, also in expectation for importance-weighted losses
    in [0, 1].

    Source: Foster et al. 2016 (as a bandit regularizer); Orabona 2019, Chapter 7.
    """

    steps: int = 16

    wipeout: ClassVar[bool] = False
    """R is infinite where a weight is 0."""
    interior: ClassVar[bool] = True
    """R is infinite where a weight is 0, so the minimiser has none."""

    def stability(self, count: Array, *, bandit: bool) -> Array:
        """1/2 in both cases."""
        return 0 * count + 1 / 2

    def dual(self, prior: Array) -> Array:
        """-1 / prior, (..., K)."""
        return _power_dual(prior, 0.0)

    def width(self, alive: Array, dual: Array) -> Array:
        """The largest R of a vertex mixed with 1 % of the prior, (..., 1)."""
        one = highest(0.0 * dual, alive)
        return highest(self._price(one + 0.01, alive, dual), alive)

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """scale * R(u) + e * (<prior, L> - L_k), (..., K)."""
        xp = array_namespace(loss)
        prior = xp.where(alive, -1 / xp.where(alive, dual, -1.0), 0.0)
        lead = relative(loss, alive)
        behind = xp.sum(prior * lead, axis=-1, keepdims=True) - lead
        room = scale * count(alive, loss)
        late = xp.where(behind > 0, behind, 0.0)
        mixed = xp.where(scale > 0, room / xp.where(scale > 0, room + late, 1.0), 1e-9)
        return scale * self._price(mixed, alive, dual) + mixed * behind

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """The inverses that sum to 1, (..., K)."""
        return _power_argmin(loss, scale, alive, dual, 0.0, self.steps)

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """See `Regularizer.gap`, (..., 1)."""
        before = self.argmin(total, scale, alive, dual)
        after = self.argmin(total + loss, scale, alive, dual)
        change, log_ratio = _change(after, before)
        terms = change - log_ratio
        return _legendre_gap(play, after, loss, total, scale, alive, terms)

    def _price(self, mixed: Array, alive: Array, dual: Array) -> Array:
        """R((1 - e) e_k + e * prior), (..., K): weights over prior are e, and more for k."""
        xp = array_namespace(dual)
        ratio = mixed + (1 - mixed) * xp.where(alive, -dual, 1.0)
        others = (count(alive, dual) - 1) * (mixed - 1 - xp.log(mixed))
        return others + ratio - 1 - xp.log(ratio)


def _power_dual(prior: Array, order: float) -> Array:
    xp = array_namespace(prior)
    power = xp.where(prior > 0, prior, 1.0) ** (order - 1)
    return xp.where(prior > 0, -power / (1 - order), 0.0)


def _power_argmin(
    loss: Array, scale: Array, alive: Array, dual: Array, order: float, steps: int
) -> Array:
    """(w + nu)**-beta with beta = 1 / (1 - order), summing to 1 over the survivors.

    nu lies in [1, K**(1 / beta)] when the smallest w is 0. Newton runs on
    ``g(nu) = (sum (w + nu)**-beta)**(-1 / beta) = 1``: a power mean is concave and increasing,
    so that from nu = 1, on the left, the steps rise to the root and never pass it; where all w
    are equal g is linear and one step is enough.
    """
    xp = array_namespace(loss)
    lead = relative(loss, alive)
    limit = _CAP * scale
    ratio = xp.minimum(lead, limit) / xp.where(scale > 0, scale, 1.0)
    ratio = xp.where(lead > limit, _CAP, ratio)
    beta = 1 / (1 - order)
    w = relative((1 - order) * (ratio - dual), alive)
    nu = xp.ones_like(scale)
    for _ in range(steps):
        inverse = 1 / (w + nu)
        power = xp.where(alive, inverse**beta, 0.0)
        total = xp.sum(power, axis=-1, keepdims=True)
        slope = xp.sum(power * inverse, axis=-1, keepdims=True)
        nu = nu + (total ** (1 / beta) - 1) * total / slope
    power = xp.where(alive, (1 / (w + nu)) ** beta, 0.0)
    return power / xp.sum(power, axis=-1, keepdims=True)


def _change(after: Array, before: Array) -> tuple[Array, Array]:
    """e = (after - before) / before and ln(1 + e); both 0 for the removed."""
    xp = array_namespace(after)
    both = (before > 0) & (after > 0)
    start, end = xp.where(both, before, 1.0), xp.where(both, after, 1.0)
    change = (end - start) / start
    near = xp.log1p(xp.where(change > -0.5, change, 0.0))  # exact where ln(end / start) rounds
    return change, xp.where(change > -0.5, near, xp.log(end / start))


def _legendre_gap(
    play: Array,
    after: Array,
    loss: Array,
    total: Array,
    scale: Array,
    alive: Array,
    terms: Array,
) -> Array:
    """<play - after, loss> - scale * D(after, before), (..., 1); `terms` add up to D.

    It equals ``<play, loss> - [Phi(total + loss) - Phi(total)]``, as the gradient of
    ``total + scale * psi`` is constant on the survivors at `before`, and does not cancel when
    scale is large. At scale 0, Phi is the smallest loss.
    """
    xp = array_namespace(loss)
    moved = xp.sum((play - after) * loss, axis=-1, keepdims=True)
    distance = xp.sum(xp.where(alive, terms, 0.0), axis=-1, keepdims=True)
    still = xp.sum(play * loss, axis=-1, keepdims=True)
    still = still - lowest(relative(total, alive) + loss, alive)
    return xp.where(scale > 0, moved - scale * distance, still)
