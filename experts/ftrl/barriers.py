"""Regularizers whose minimiser is a power of the losses: Tsallis entropies and the log-barrier.

With psi'' = p**(a - 2) and b = 1 - a the minimiser is ``p_i = (1 + b y_i)**(-1 / b)``,
``y_i = L_i / scale - dual_i + x``, and x makes it sum to 1. Their tails are polynomial, so bad
experts keep being explored: this is what bandit feedback needs.

Everything is written in ``u_i = b y_i`` and ln p_i rather than p_i: as a -> 1 the formulas then go
over into those of the entropy without cancellation, and a p_i that is 0 by rounding does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.numerics.masks import count, highest, lowest, relative
from experts.numerics.parameters import largest, number, smallest
from experts.types import Array

# Differences y_i - min y are cut here: the square is still a float32, and the inverse negligible.
_CAP = 1e18
# Up to this order powers are computed as such, above it as exponentials of logarithms.
_MIDDLE = 0.5


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
        object.__setattr__(self, "order", number("order", self.order, below=1.0))

    wipeout: ClassVar[bool] = True
    """psi is finite where a weight is 0, so R stays what it is on every face."""
    interior: ClassVar[bool] = True
    """The slope of psi is infinite at 0."""

    def stability(self, count: Array, *, bandit: bool) -> Array:
        """1/2; K**a / 2 for importance-weighted losses."""
        return (count**self.order if bandit else 0 * count + 1) / 2

    def dual(self, prior: Array) -> Array:
        """(1 - prior**(a - 1)) / (1 - a), (..., K): grad psi(prior) up to a constant.

        The constant makes it ln(prior) in the limit a -> 1.
        """
        xp = array_namespace(prior)
        b = 1 - self.order
        return -xp.expm1(-b * xp.log(xp.where(prior > 0, prior, 1.0))) / b

    def width(self, alive: Array, dual: Array) -> Array:
        """max_k R(e_k): (K**(1 - a) - 1) / (a (1 - a)) for the uniform prior."""
        return highest(self._price(dual), alive)

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """scale * R(e_k), (..., K)."""
        return scale * self._price(dual)

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """The powers that sum to 1, (..., K)."""
        return _minimiser(loss, scale, alive, dual, self.order, self.steps).play

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """See `Regularizer.gap`, (..., 1)."""
        xp = array_namespace(loss)
        a, b = self.order, 1 - self.order
        before = _minimiser(total, scale, alive, dual, a, self.steps)
        after = _minimiser(total + loss, scale, alive, dual, a, self.steps)
        log_ratio = before.log_ratio(after, a)
        # D = sum of [psi(p') - psi(p) - psi'(p) (p' - p)], p' = after, p = before
        near = xp.abs(log_ratio) < _MIDDLE
        change = xp.expm1(xp.where(near, log_ratio, 0.0))
        if a <= _MIDDLE:
            change = xp.where(near, change, xp.exp(log_ratio) - 1)
            terms = before.play**a * (a * change - xp.expm1(a * log_ratio)) / (a * b)
        else:
            less = xp.where(near, -change * before.play, before.play - after.play)
            step = (after.base - before.base) / b
            terms = (before.power(a) * less - after.play * step) / a
        return _legendre_gap(play, after.play, loss, total, scale, alive, terms)

    def _price(self, dual: Array) -> Array:
        """R(e_k) = -dual_k - (1/a - 1) sum_i prior_i dual_i, (..., K); no term is negative."""
        xp = array_namespace(dual)
        b = 1 - self.order
        prior = xp.exp(xp.log1p(-b * dual) / -b)  # 1 where it is 0 in truth, but dual is 0 there
        mean = xp.sum(prior * dual, axis=-1, keepdims=True)
        return -dual - b / self.order * mean


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
        xp = array_namespace(prior)
        return xp.where(prior > 0, -1 / xp.where(prior > 0, prior, 1.0), 0.0)

    def width(self, alive: Array, dual: Array) -> Array:
        """The largest R of a vertex mixed with 1 % of the prior, (..., 1)."""
        one = highest(0.0 * dual, alive)
        return highest(self._price(one + 0.01, one + 0.99, alive, dual), alive)

    def charge(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """scale * R(u) + e * (<prior, L> - L_k), (..., K)."""
        xp = array_namespace(loss)
        prior = xp.where(alive, -1 / xp.where(alive, dual, -1.0), 0.0)
        lead = relative(loss, alive)
        behind = xp.sum(prior * lead, axis=-1, keepdims=True) - lead
        room = scale * count(alive, loss)
        late = xp.where(behind > 0, behind, 0.0)
        whole = xp.where(scale > 0, room + late, 1.0)
        mixed = xp.where(scale > 0, room / whole, 1e-9)
        mixed = xp.where(mixed > 1e-30, mixed, 1e-30)
        moved = xp.where(scale > 0, late / whole, 1.0)
        return scale * self._price(mixed, moved, alive, dual) + mixed * behind

    def argmin(self, loss: Array, scale: Array, alive: Array, dual: Array) -> Array:
        """The inverses that sum to 1, (..., K)."""
        return _minimiser(loss, scale, alive, dual, 0.0, self.steps).play

    def gap(
        self, play: Array, loss: Array, total: Array, scale: Array, alive: Array, dual: Array
    ) -> Array:
        """See `Regularizer.gap`, (..., 1)."""
        xp = array_namespace(loss)
        before = _minimiser(total, scale, alive, dual, 0.0, self.steps)
        after = _minimiser(total + loss, scale, alive, dual, 0.0, self.steps)
        log_ratio = before.log_ratio(after, 0.0)
        terms = xp.expm1(log_ratio) - log_ratio
        return _legendre_gap(play, after.play, loss, total, scale, alive, terms)

    def _price(self, mixed: Array, moved: Array, alive: Array, dual: Array) -> Array:
        """R((1 - e) e_k + e * prior), (..., K): weights over prior are e, and more for k.

        Both e = `mixed` and 1 - e = `moved` are given, as either may be too small for the other.
        """
        xp = array_namespace(dual)
        close = moved < 0.5
        log = xp.where(close, xp.log1p(-xp.where(close, moved, 0.0)), xp.log(mixed))
        more = moved * (xp.where(alive, -dual, 1.0) - 1)
        return (more - xp.log1p(more)) - (count(alive, dual) - 1) * (moved + log)


class _Minimiser(NamedTuple):
    """p_i = (1 + u_i)**(-1 / b) over the survivors, all (..., K)."""

    play: Array
    """p, 0 for the removed"""
    base: Array
    """u for orders above 1/2, 1 + u up to there"""

    def power(self, order: float) -> Array:
        """1 + u = p**-b."""
        return self.base if order <= _MIDDLE else 1 + self.base

    def log_ratio(self, after: _Minimiser, order: float) -> Array:
        """ln(after / before), also where both are 0 by rounding."""
        xp = array_namespace(self.base)
        change = (after.base - self.base) / self.power(order)
        close = change > -0.5  # otherwise the logarithm of the ratio is accurate
        near = xp.log1p(xp.where(close, change, 0.0))
        far = xp.log(xp.where(close, 1.0, after.power(order) / self.power(order)))
        return xp.where(close, near, far) / (order - 1)


def _minimiser(
    loss: Array, scale: Array, alive: Array, dual: Array, order: float, steps: int
) -> _Minimiser:
    """argmin of ``<p, loss> + scale * R(p)`` over the survivors' simplex.

    u = w + n with min w = 0, and n lies in [0, K**b - 1]. Newton runs on
    ``g(n) = (sum (1 + w + n)**(-1 / b))**-b = 1``: a power mean is concave and increasing, so that
    from n = 0, on the left, the steps rise to the root and never pass it; where all w are equal g
    is linear, and as b -> 0 it becomes so: one step is enough.
    """
    xp = array_namespace(loss)
    b = 1 - order
    # A scale of 0 (follow the leader) is one that only splits ties, in proportion to the prior.
    floor = smallest(loss)
    scale = xp.where(scale > floor, scale, floor)
    behind = relative(loss - scale * dual, alive)
    most = largest(loss) / _CAP
    limit = _CAP * xp.where(scale < most, scale, most)
    w = b * xp.where(behind > limit, _CAP, xp.minimum(behind, limit) / scale)
    n = xp.zeros_like(scale)
    if order <= _MIDDLE:
        w = 1 + w  # here and below: 1 is added once, not in every step
    for _ in range(steps):
        power, inverse = _powers(xp, w + n, alive, order)
        total = xp.sum(power, axis=-1, keepdims=True)
        slope = xp.sum(power * inverse, axis=-1, keepdims=True)
        rise = total**b - 1 if order <= _MIDDLE else xp.expm1(b * xp.log(total))
        n = n + rise * total / slope
    base = w + n
    power, _ = _powers(xp, base, alive, order)
    return _Minimiser(power / xp.sum(power, axis=-1, keepdims=True), base)


def _powers(xp: Any, base: Array, alive: Array, order: float) -> tuple[Array, Array]:
    """(1 + u)**(-1 / b), 0 for the removed, and 1 / (1 + u); `base` as in `_Minimiser`."""
    if order <= _MIDDLE:
        inverse = 1 / base
        return xp.where(alive, inverse ** (1 / (1 - order)), 0.0), inverse
    power = xp.exp(xp.log1p(base) / (order - 1))
    return xp.where(alive, power, 0.0), 1 / (1 + base)


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
