"""Squint: weights averaged over all learning rates, for each expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

from array_api_compat import array_namespace

from experts.learners.regrets import Regrets, checked_range, nonzero
from experts.numerics.masks import log_normalised, prior_of, weighed
from experts.numerics.parameters import Setting
from experts.numerics.quadrature import KNEE, Bell, bell, squeeze_log, unsqueeze_log
from experts.registry import register
from experts.types import Array, Feedback

_STEPS = 16


class RatePrior(Protocol):
    """A prior on x = 2 B eta in [0, 1], through integrals of exp(a x - b x**2)."""

    def log_weight(self, integrals: Bell) -> Array:
        """ln of the integral of x exp(a x - b x**2) under the prior, (..., K)."""

    def level(self, integrals: Bell) -> tuple[Array, Array]:
        """An increasing function of the potential, and its derivative in a; (..., K) each."""

    def share(self, level: Array, log_prior: Array) -> Array:
        """prior * potential, from the potential's level: neither factor need be in range."""

    def level_of(self, share: Array, log_prior: Array) -> Array:
        """The level of the potential share / prior, likewise."""

    def budget(self, growth: Array) -> Array:
        """What the mean potential cannot exceed once the range has grown by exp(growth)."""


@dataclass(frozen=True, slots=True)
class UniformRate:
    """Prior dx on [0, 1]: the potential is the integral of exp(a x - b x**2), with mean <= 1."""

    def log_weight(self, integrals: Bell) -> Array:
        """ln of the mean, (..., K)."""
        return integrals.log_mean()

    def level(self, integrals: Bell) -> tuple[Array, Array]:
        """ln of the potential."""
        mass = integrals.log_mass()
        return mass, array_namespace(mass).exp(integrals.log_mean() - mass)

    def share(self, level: Array, log_prior: Array) -> Array:
        """exp(level + log_prior)."""
        return array_namespace(level).exp(level + log_prior)

    def level_of(self, share: Array, log_prior: Array) -> Array:
        """ln(share) - log_prior."""
        return array_namespace(share).log(nonzero(share)) - log_prior

    def budget(self, growth: Array) -> Array:
        """exp(growth): the density of eta is 2 B."""
        return array_namespace(growth).exp(growth)


@dataclass(frozen=True, slots=True)
class ImproperRate:
    """Prior dx / x on (0, 1]: the potential F is the integral of (exp(a x - b x**2) - 1) / x.

    Its mean is at most 0.
    """

    def log_weight(self, integrals: Bell) -> Array:
        """ln of the mass: x cancels, (..., K)."""
        return integrals.log_mass()

    def level(self, integrals: Bell) -> tuple[Array, Array]:
        """The squeezed potential F."""
        level = integrals.level()
        xp = array_namespace(level)
        above = xp.where(level > KNEE, level / KNEE - 1, 0.0)
        return level, xp.exp(integrals.log_mass() - above)

    def share(self, level: Array, log_prior: Array) -> Array:
        """prior F, from the squeezed F."""
        xp = array_namespace(level)
        above = level > KNEE
        log_value = unsqueeze_log(xp.where(above, level, KNEE))
        small = xp.exp(log_prior) * xp.where(above, 0.0, level)
        return xp.where(above, xp.exp(log_value + log_prior), small)

    def level_of(self, share: Array, log_prior: Array) -> Array:
        """share / prior, squeezed."""
        xp = array_namespace(share)
        prior = xp.exp(log_prior)
        above = share > KNEE * prior
        log_value = xp.log(xp.where(above, share, 1.0)) - xp.where(above, log_prior, 0.0)
        return xp.where(above, squeeze_log(log_value), xp.where(above, 0.0, share) / prior)

    def budget(self, growth: Array) -> Array:
        """growth: the part of (0, 1] that is cut off had a potential of at least -growth."""
        return growth


class SquintState(NamedTuple):
    """State of Squint."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    regrets: Regrets
    """cut regrets"""
    first: Array
    """(..., 1): the first range B_t that was not 0"""
    rounds: Array
    """(..., 1): rounds played"""


@dataclass(frozen=True, slots=True)
class Squint:
    r"""Squint: weights from regret R, its sum of squares V, and a prior gamma on the learning rate.

    .. math:: p_{t+1,k} \propto \pi_k \int_0^{1/(2B_t)} \eta\,
              e^{\eta R'_{t,k} - \eta^2 V'_{t,k}} \, \gamma(d\eta)

    r' and B are those of `regrets.Regrets`, R' and V' the sums of r' and r'**2; with `loss_range`
    they are the regrets themselves and `loss_range` (the paper's B is 1).

    Parameters
    ----------
    rate
        gamma: `UniformRate` or `ImproperRate`.
    loss_range
        B_0, the largest difference between two losses of a round; the certificate allows larger
        ones; a number or an array, (1,) or batch + (1,). None: learned while playing, at the
        price of B_T in the regret.

    Notes
    -----
    **Certificate.** Let F_k(R) be the potential of expert k at regret R (and its V'), F_k = F_k(R')
    and D = budget - sum_i prior_i F_i >= 0, all experts included, the removed ones as they were
    at their removal. For every survivor k, if `predict` was played (over the experts awake)::

        regret to k <= B_T - B_0 + m + the R that solves F_k(R) = F_k + D / prior_k

    Proof. exp(x - x**2) <= 1 + x for x >= -1/2 and x = eta r' with eta <= 1/(2 B_{t-1}): a round
    adds at most sum_i prior_i (integral of eta exp(..) dgamma) r'_i to the mean potential, which
    is 0 by the choice of p; a removed expert's term stays. It starts at 1 (uniform) or 0
    (improper). When B grows, part of the rates is cut off: the potential grows at most by the
    factor B_t / B_{t-1} (uniform), by the term ln(B_t / B_{t-1}) (improper); that is the budget.
    So prior_k F_k(R') <= budget - sum_{i != k} prior_i F_i, and F_k is increasing.

    Rounding. The weights are exact to a relative 1e-11 + eps (8 + max R / 2B), so <p, r'> is 0 only
    up to twice that times B; divided by a small prior_k this is no small matter. It is covered by
    F_k = F_k(R' - m) in the certificate, with

        m = T B (2e-11 + eps (16 + max_i R'_i / B)).

    Priors are used through their logarithms.

    The equation is solved by Newton's method, in a fixed number of steps (`solve`).

    Sources: Koolen & van Erven 2015; Mhammedi, Koolen & van Erven 2019 for ranges not known.
    """

    rate: RatePrior
    loss_range: Setting | None = None
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"sleeping", "wipeout"})
    """sleeping experts have regret 0; the potential is bounded only if `predict` is played"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss_range", checked_range(self.loss_range))

    def init(self, like: Array, *, prior: Array | None = None) -> SquintState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        regrets = Regrets.open(like, self.loss_range)
        none = 0 * regrets.reach
        return SquintState(prior > 0, prior, regrets, first=regrets.reach, rounds=none)

    def predict(self, state: SquintState) -> Array:
        """The weights, averaged over the learning rates, (..., K)."""
        xp = array_namespace(state.prior)
        logits = self.rate.log_weight(bell(*_units(state.regrets)))
        logits = logits + xp.log(nonzero(state.prior))
        return weighed(log_normalised(logits, state.alive), state.alive)

    def update(self, state: SquintState, play: Array, feedback: Feedback) -> SquintState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        regrets, _ = state.regrets.add(play, feedback, state.alive)
        first = xp.where(state.first > 0, state.first, regrets.reach)
        return state._replace(regrets=regrets, first=first, rounds=state.rounds + 1)

    def certificate(self, state: SquintState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        log_prior = xp.log(nonzero(state.prior))
        a, b = _units(state.regrets)
        blur = _blur(state, a)
        a = a - blur
        growth = xp.log(nonzero(state.regrets.reach) / nonzero(state.first))
        share = self.rate.share(self.rate.level(bell(a, b))[0], log_prior)
        share = xp.where(state.prior > 0, share, 0.0)
        left = self.rate.budget(growth) - xp.sum(share, axis=-1, keepdims=True)
        target = self.rate.level_of(share + left, log_prior)
        solution = solve(self.rate, xp.where(a > 0, a, 0.0), b, target)
        return state.regrets.lost + 2 * nonzero(state.regrets.reach) * (solution + blur)


def solve(rate: RatePrior, start: Array, b: Array, target: Array) -> Array:
    """The a at which the level of ``exp(a x - b x**2)`` is `target`, all (..., K).

    Newton's steps from `start`. Levels are convex in a, so after the first step they decrease
    towards the solution and never fall below it. The tests find 16 steps enough, from 0, for b
    up to 1e8 and potentials up to 1e30.
    """
    a = start
    for _ in range(_STEPS):
        level, slope = rate.level(bell(a, b))
        a = a - (level - target) / slope
    return a


@register({}, {"prior_on_rate": "uniform"}, {"loss_range": 1.0}, {"loss_range": 0.25})
def squint(prior_on_rate: str = "improper", *, loss_range: Setting | None = None) -> Squint:
    """Squint: small regret where the sum of squares of the regrets is small, and to quantiles.

    Parameters
    ----------
    prior_on_rate
        "improper", d eta / eta, or "uniform", on [0, 1/(2B)].
    loss_range
        B, the largest difference between two losses of a round. None: learned while playing.

    Notes
    -----
    For losses in a range B, given, with V_k = sum_t r_{t,k}**2 and L = ln(T+1). Improper: regret
    to k <= sqrt(2 V_k) (1 + sqrt(2 ln((1/2 + L) / prior_k))) + 5 B ln(1 + (1 + 2L) / prior_k).
    Uniform: regret <= max(2 sqrt(V_k (1/2 + max(0, ln(sqrt(V_k / 2) / (B prior_k))))),
    8 B ln(1/prior_k)). See `bounds.squint_improper` and `bounds.squint_uniform`.

    Source: Koolen & van Erven 2015, Theorem 4 (improper); the uniform one derived in `bounds`.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(squint(loss_range=1.0), np.zeros(2))
    >>> for _ in range(10):
    ...     p = player.predict()
    ...     player.update(np.asarray([0.0, 1.0]))
    >>> player.predict().round(3)
    array([0.892, 0.108])
    """
    rates: dict[str, RatePrior] = {"improper": ImproperRate(), "uniform": UniformRate()}
    if prior_on_rate not in rates:
        raise ValueError(f'prior_on_rate must be "improper" or "uniform", got {prior_on_rate!r}')
    return Squint(rates[prior_on_rate], loss_range)


def _blur(state: SquintState, a: Array) -> Array:
    """m / (2B) of the certificate, (..., 1); a = R' / (2B)."""
    xp = array_namespace(a)
    eps = float(xp.finfo(a.dtype).eps)
    ahead = xp.max(xp.where(a > 0, a, 0.0), axis=-1, keepdims=True)
    return state.rounds * (1e-11 + eps * (8 + ahead))


def _units(regrets: Regrets) -> tuple[Array, Array]:
    """R / (2B) and V / (2B)**2."""
    return regrets.total / (2 * nonzero(regrets.reach)), regrets.square / 4
