"""Coin betting: parameter-free online learning, from a bettor who grows rich on any coin."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.convex.domains import Ball, Domain, WholeSpace, check_dimension, chosen, norm
from experts.convex.metrics import inner
from experts.numerics.arguments import flag
from experts.numerics.parameters import check_floats, number
from experts.registry import register
from experts.types import Array, ConvexLearner


class CoinBettingState(NamedTuple):
    """State of `CoinBetting`; its coin is c = -g / G, for each coordinate or in all of R^d."""

    total: Array
    """(..., d): S, the sum of the coins"""
    length: Array
    """(..., 1) or (..., d): V, the sum of their lengths |c|"""
    log_wealth: Array
    """like `length`: ln(wealth / eps)"""


@dataclass(frozen=True, slots=True)
class CoinBetting:
    r"""Coin betting by Krichevsky & Trofimov's estimator: the part S / (1 + V) of the wealth.

    .. math:: z_t = \frac{S_{t-1}}{1 + V_{t-1}} W_{t-1}, \qquad W_t = W_{t-1} + \langle c_t, z_t
              \rangle, \qquad W_0 = \varepsilon

    It plays the point x_t of the domain that is nearest to z_t, and then replaces g by
    ``g - min(0, <g, v>) v``, v = (z - x) / |z - x|.

    Parameters
    ----------
    wealth
        eps > 0, the first wealth, in units of distance.
    gradient_bound
        G > 0: gradients have norm at most G; with `coordinates` entries at most G.
    coordinates
        Whether each coordinate is a game of its own.
    domain
        Where its points lie; the whole space if `coordinates`.

    Notes
    -----
    **Certificate.** For gradients within the bound and every u, with V the sum of |c_t|::

        sum_t <g_t, x_t - u>  <=  G |u| sqrt(V ln(1 + pi V (2V + 1) |u|**2 / eps**2))
                                  + G eps (1 - 1 / sqrt(pi (2V + 1)))

    and with `coordinates` the sum of this over them, each with its own u_i and V_i.

    Proof. Let F(V, x) = E[(1 + b)**((V + x) / 2) (1 - b)**((V - x) / 2)], b of density
    1 / (pi sqrt(1 - b**2)) on (-1, 1); a beta integral gives F(V + 1, x +- 1) = (1 +- x / (V + 1))
    F(V, x). (1) W_t >= eps F(V_t, |S_t|): for a coin that is +-r times the direction of S, r <= 1,
    F(V + r, |S| +- r) is convex in r, so at most its chord from r = 0 to 1, which is
    F(V, |S|) (1 +- r |S| / (V + 1)): what the bettor makes of it. For another direction,
    F(V + r, |S + c|) is, by the symmetry b -> -b, an integral of cosh(k |S + c|), a convex function
    of |S + c|**2 and so of <c, S>; the bettor's wealth is linear in it, and not less at both ends.
    (2) F(V, x) = 2**V Gamma(a + 1/2) Gamma(b + 1/2) / (pi Gamma(V + 1)), a, b = (V +- x) / 2. As
    psi(y + 1/2) > ln y, the ratios Gamma(y + 1/2) / (y / e)**y grow with y, from sqrt(pi) to
    sqrt(2 pi); so F >= (V / e)**V exp(x**2 / (2V)) / Gamma(V + 1), by Pinsker's inequality for
    a**a b**b, and F >= exp(x**2 / (2V)) / sqrt(pi (2V + 1)). (3) The regret of z is
    G (eps - W + <S, u>) <= G eps + G max_s [s |u| - A exp(s**2 / (2V))], A = eps /
    sqrt(pi (2V + 1)). At the maximum, with q = s**2 / V, V |u|**2 / A**2 = q e**q >= e**q - 1, and
    the bracket is s |u| - A exp(q / 2) <= |u| sqrt(V q) - A. (4) The domain: if <g, v> >= 0, then
    <g, x - u> <= <g, z - u>. If not, <g - <g, v> v, z - u> - <g, x - u> =
    <g, v> (|z - x| - <v, z - u>) >= 0, as x is nearest to z; and the new gradient is no longer.

    Sources: Orabona & Pal 2016, Corollary 5 (there T for V); the domain Cutkosky & Orabona 2018 and
    Cutkosky 2020.
    """

    wealth: float = 1.0
    limit: float = 1.0
    coordinates: bool = False
    domain: Domain = field(default_factory=WholeSpace)
    horizon: ClassVar[int | None] = None

    @property
    def gradient_bound(self) -> float | None:
        """G."""
        return self.limit

    def init(self, like: Array) -> CoinBettingState:
        """State before the first round; see `ConvexLearner.init`."""
        check_floats("like", like)
        check_dimension(self.domain, like)
        zero = array_namespace(like).zeros_like(like)
        each = zero if self.coordinates else zero[..., :1]
        return CoinBettingState(zero, each, each)

    def predict(self, state: CoinBettingState) -> Array:
        """The bet, or the nearest point to it of the domain, (..., d)."""
        return self.domain.project(self.bet(state))

    def update(self, state: CoinBettingState, play: Array, gradient: Array) -> CoinBettingState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(gradient)
        coin = -within(gradient, self.bet(state), play) / self.limit
        won = coin * state.total if self.coordinates else inner(coin, state.total)
        return CoinBettingState(
            state.total + coin,
            state.length + (xp.abs(coin) if self.coordinates else norm(coin)),
            state.log_wealth + xp.log1p(won / (1 + state.length)),
        )

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]

    def certificate(self, state: CoinBettingState, comparator: Array) -> Array:
        """The bound on the regret to `comparator`, (...)."""
        xp = array_namespace(comparator)
        size = xp.abs(comparator) if self.coordinates else norm(comparator)
        room = math.pi * (2 * state.length + 1)
        log = xp.log1p(state.length * room * (size / self.wealth) ** 2)
        each = size * xp.sqrt(state.length * log) + self.wealth * (1 - 1 / xp.sqrt(room))
        return self.limit * xp.sum(each, axis=-1)

    def bet(self, state: CoinBettingState) -> Array:
        """z, (..., d): the play in the whole space."""
        wealth = self.wealth * array_namespace(state.total).exp(state.log_wealth)
        return state.total / (1 + state.length) * wealth


def within(gradient: Array, bet: Array, play: Array) -> Array:
    """The gradient for a bet z whose nearest point of the domain was played: see `CoinBetting`."""
    xp = array_namespace(gradient)
    beyond = bet - play
    far = norm(beyond)
    side = beyond / xp.where(far > 0, far, 1.0)
    slope = inner(gradient, side)
    return gradient - xp.where(slope < 0, slope, 0.0) * side


@register(
    {},
    {"wealth": 0.1, "gradient_bound": 2.0, "coordinates": True},
    {"domain": Ball(0.5), "wealth": 3.0},
    protocol=ConvexLearner,
)
def coin_betting(
    domain: Domain | None = None,
    *,
    wealth: float = 1.0,
    gradient_bound: float = 1.0,
    coordinates: bool = False,
) -> CoinBetting:
    """Coin betting: no learning rate and no diameter; the bound grows with the comparator.

    Parameters
    ----------
    domain
        Default: `WholeSpace`.
    wealth
        eps > 0: the regret to 0 is never above G eps.
    gradient_bound
        G: every gradient has norm at most G; with `coordinates`, every entry at most G.
    coordinates
        One bettor for each coordinate, which suits gradients with few entries; only in
        `WholeSpace`. The regret is the sum of theirs, and so is eps.

    Notes
    -----
    Regret to u <= G |u| sqrt(V ln(1 + pi V (2V + 1) |u|**2 / eps**2)) + G eps, V = sum_t |g_t| / G
    <= T, for every u at once: `bounds.coin_betting`. Feedback: the gradient. Convex losses.

    Source: Orabona & Pal 2016, Corollary 5; with V for T and these constants, `CoinBetting`.

    Examples
    --------
    >>> import numpy as np
    >>> learner = coin_betting()
    >>> state = learner.init(np.zeros(1))
    >>> for _ in range(3):
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, np.asarray([-1.0]))
    >>> learner.predict(state)  # 3/4 of the wealth, 1 (1 + 1/2) (1 + 2/3)
    array([1.875])
    """
    domain = chosen(domain, WholeSpace())
    if flag("coordinates", coordinates) and domain != WholeSpace():
        raise ValueError(f"domain must be WholeSpace() with coordinates=True, got {domain!r}")
    limit = number("gradient_bound", gradient_bound)
    return CoinBetting(number("wealth", wealth), limit, coordinates, domain)
