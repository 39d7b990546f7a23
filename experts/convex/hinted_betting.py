"""Coin betting with hints: a second bettor decides how far to trust a guess of the gradient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.convex.coin_betting import CoinBetting, CoinBettingState, within
from experts.convex.domains import Ball, Domain, WholeSpace, chosen
from experts.convex.metrics import inner
from experts.numerics.parameters import number
from experts.numerics.state import copied
from experts.registry import register
from experts.types import Array, ConvexLearner


class HintedBettingState(NamedTuple):
    """State of `HintedBetting`."""

    bettor: CoinBettingState
    """of the bettor on the gradients, (..., d)"""
    trust: CoinBettingState
    """of the bettor on the hints, (..., 1)"""
    hint: Array
    """(..., d): h, the guess of the next gradient"""
    paid: Array
    """(..., 1): what the hints have cost so far; negative if they have helped"""


@dataclass(frozen=True, slots=True)
class HintedBetting:
    r"""Coin betting that also steps against a hint h_t, as far as hints have been right.

    .. math:: z_t = w_t - y_t h_t, \qquad h_t = g_{t-1}

    w_t is the bet of `CoinBetting` on the gradients, y_t that of another one, in one dimension, on
    the losses -<g_t, h_t>, with first wealth eps / G and bound G**2. The nearest point x_t of the
    domain to z_t is played, and g_t then replaced, as in `CoinBetting`.

    Parameters
    ----------
    wealth, limit
        eps and G, as in `CoinBetting`.
    domain
        Where its points lie.

    Notes
    -----
    **Certificate.** For gradients of norm at most G, with C(u) the certificate of `CoinBetting`::

        sum_t <g_t, x_t - u>  <=  C(u) - sum_t y_t <g_t, h_t>

    Proof. <g, x - u> <= <g, z - u> = <g, w - u> - y <g, h>, with the g that replaces the other.

    The last term is the second bettor's regret to 0, at most G eps; and, as his regret to any y is
    bounded, at most the least of C_2(y) - y sum_t <g_t, h_t>, C_2 his certificate: where the hints
    are right it is far below 0.

    Source: Cutkosky 2019 ("Combining online learning guarantees").
    """

    wealth: float = 1.0
    limit: float = 1.0
    domain: Domain = field(default_factory=WholeSpace)
    horizon: ClassVar[int | None] = None

    @property
    def gradient_bound(self) -> float | None:
        """G."""
        return self.limit

    def init(self, like: Array) -> HintedBettingState:
        """State before the first round; see `ConvexLearner.init`."""
        bettor = CoinBetting(self.wealth, self.limit, domain=self.domain).init(like)
        zero = array_namespace(like).zeros_like(like)
        return HintedBettingState(bettor, self._trust.init(zero[..., :1]), zero, zero[..., :1])

    def predict(self, state: HintedBettingState) -> Array:
        """The nearest point of the domain to w - y h, (..., d)."""
        return self.domain.project(self._bet(state))

    def update(self, state: HintedBettingState, play: Array, gradient: Array) -> HintedBettingState:
        """The state after one round; `state` is left as it was."""
        bettor, trust = self._bettor, self._trust
        told = within(gradient, self._bet(state), play)
        loss, step = -inner(told, state.hint), trust.bet(state.trust)
        return HintedBettingState(
            bettor.update(state.bettor, bettor.bet(state.bettor), told),
            trust.update(state.trust, step, loss),
            copied(gradient),  # the caller may write into it
            state.paid + step * loss,
        )

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """<g, x - u>, (...)."""
        return inner(gradient, play - comparator)[..., 0]

    def certificate(self, state: HintedBettingState, comparator: Array) -> Array:
        """The bound on the regret to `comparator`, (...)."""
        return self._bettor.certificate(state.bettor, comparator) + state.paid[..., 0]

    @property
    def _bettor(self) -> CoinBetting:
        return CoinBetting(self.wealth, self.limit)

    @property
    def _trust(self) -> CoinBetting:
        return CoinBetting(self.wealth / self.limit, self.limit**2)

    def _bet(self, state: HintedBettingState) -> Array:
        """z, (..., d)."""
        return self._bettor.bet(state.bettor) - self._trust.bet(state.trust) * state.hint


@register(
    {},
    {"domain": Ball(0.5), "wealth": 3.0, "gradient_bound": 2.0},
    protocol=ConvexLearner,
)
def hinted_betting(
    domain: Domain | None = None, *, wealth: float = 1.0, gradient_bound: float = 1.0
) -> HintedBetting:
    """Coin betting with hints: also steps against the last gradient, as far as that has paid.

    Parameters
    ----------
    domain, wealth, gradient_bound
        As in `coin_betting`.

    Notes
    -----
    Regret to u <= bounds.coin_betting(|u|, V, eps, G) + G eps, V = sum_t |g_t| / G <= T; and less
    than the first term where gradients resemble the one before. Feedback: the gradient. Convex
    losses.

    Source: Cutkosky 2019 ("Combining online learning guarantees"); Orabona & Pal 2016.

    Examples
    --------
    >>> import numpy as np
    >>> learner = hinted_betting()
    >>> state = learner.init(np.zeros(1))
    >>> for _ in range(3):
    ...     point = learner.predict(state)
    ...     state = learner.update(state, point, np.asarray([-1.0]))
    >>> bool(learner.predict(state)[0] > 1.875)  # as `coin_betting`, and further
    True
    """
    limit = number("gradient_bound", gradient_bound)
    return HintedBetting(number("wealth", wealth), limit, chosen(domain, WholeSpace()))
