"""ML-Poly: regret matching with a learning rate for each expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.learners.regrets import Regrets, checked_range, margin, nonzero
from experts.numerics.masks import prior_of
from experts.numerics.parameters import Setting
from experts.registry import register
from experts.types import Array, Feedback


class PolyState(NamedTuple):
    """State of ML-Poly."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    regrets: Regrets
    """cut regrets"""
    spent: Array
    """(..., 1): sum_t sum_i prior_i eta_{t,i} r'_{t,i}**2"""


@dataclass(frozen=True, slots=True)
class Poly:
    r"""ML-Poly: weights proportional to positive regrets, with a learning rate for each expert.

    .. math:: p_{t+1,k} \propto \pi_k \eta_{t,k} (R'_{t,k} - \theta_t)_+, \qquad
              \eta_{t,k} = 1 / (B_t^2 + \sum_{s \le t} r'^2_{s,k})

    and the prior while no survivor's regret is positive. r' and B are those of
    `regrets.Regrets`; with `loss_range` they are the regrets themselves and B = `loss_range`.
    theta is B_t times 4096 ulps, so that rounding never makes a regret of 0 positive.

    Parameters
    ----------
    loss_range
        B_0, the largest difference between two losses of a round; the certificate allows larger
        ones; a number or an array, (1,) or batch + (1,). None: learned while playing, at the
        price of B_T in the regret.

    Notes
    -----
    **Certificate.** For every survivor k and every wipe-out, if `predict` was played (over the
    experts awake)::

        regret to k <= B_T - B_0 + theta_T + sqrt(G_T (B_T**2 + sum_t r'_{t,k}**2) / prior_k)
        G_T = sum_t sum_i prior_i eta_{t-1,i} r'_{t,i}**2

    Proof. Let x_{t,i} = (R'_{t,i} - theta_t)_+. As theta never falls, x_t**2 <= (x_{t-1} + r')**2.
    Weighted by prior_i eta_{t-1,i} and summed over the survivors, the cross terms are
    2 <prior eta x, r'> = 0 by the choice of p. Rates never rise and a removal drops a
    nonnegative term, so sum_i prior_i eta_{T,i} x_{T,i}**2 <= G_T.

    As r'**2 <= B**2, G_T <= sum_i prior_i (1 + ln(1 + V_i / B_T**2)) / ln 2, up to changes of B.

    Source: Gaillard, Stoltz & van Erven 2014, Section 4 (there the prior is uniform, B = 1,
    theta = 0); the R package opera for a range learned while playing, which cuts nothing.
    """

    loss_range: Setting | None = None
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"sleeping", "wipeout"})
    """sleeping experts have regret 0; the cross terms vanish only if `predict` is played"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss_range", checked_range(self.loss_range))

    def init(self, like: Array, *, prior: Array | None = None) -> PolyState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        regrets = Regrets.open(like, self.loss_range)
        return PolyState(prior > 0, prior, regrets, spent=prior[..., :1] * 0)

    def predict(self, state: PolyState) -> Array:
        """The positive regrets, weighted, (..., K)."""
        xp = array_namespace(state.prior)
        ahead = state.regrets.total - margin(state.regrets.total, state.regrets.reach)
        ahead = xp.where(state.alive & (ahead > 0), ahead, 0.0)
        reach = nonzero(state.regrets.reach)
        # both in units of B
        weight = state.prior * (ahead / reach) / (1 + state.regrets.square)
        start = xp.where(state.alive, state.prior, 0.0)
        weight = xp.where(xp.sum(weight, axis=-1, keepdims=True) > 0, weight, start)
        return weight / xp.sum(weight, axis=-1, keepdims=True)

    def update(self, state: PolyState, play: Array, feedback: Feedback) -> PolyState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        before = state.regrets
        regrets, cut = before.add(play, feedback, state.alive)
        each = state.prior * (cut / nonzero(before.reach)) ** 2 / (1 + before.square)
        spent = state.spent + xp.sum(each, axis=-1, keepdims=True)
        return state._replace(regrets=regrets, spent=spent)

    def certificate(self, state: PolyState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        regrets = state.regrets
        width = xp.sqrt(state.spent * (1 + regrets.square)) / xp.sqrt(nonzero(state.prior))
        return regrets.lost + margin(regrets.total, regrets.reach) + regrets.reach * width


@register({}, {"loss_range": 1.0}, {"loss_range": 0.25})
def ml_poly(loss_range: Setting | None = None) -> Poly:
    """ML-Poly: p_k ∝ eta_k (regret to k)_+, eta_k = 1 / (B**2 + sum of squared regrets to k).

    Parameters
    ----------
    loss_range
        B, the largest difference between two losses of a round. None: learned while playing.

    Notes
    -----
    For losses of range B, given: regret to k
    <= sqrt(K (B**2 + V_k) (1 + ln(1 + max_i V_i / B**2))), V_k = sum_t r_{t,k}**2 <= T B**2.
    Not given: <= B + sqrt(K (B**2 + V_k) log2((B**2 + max_i V_i) / B_1**2)), B the largest regret
    of a round and B_1 the first. Both up to 1e-12 B. The dependence on K is not logarithmic.

    Source: Gaillard, Stoltz & van Erven 2014, Section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(ml_poly(loss_range=1.0), np.zeros(3))
    >>> p = player.predict()
    >>> player.update(np.asarray([0.0, 0.0, 1.0]))
    >>> player.predict()
    array([0.5, 0.5, 0. ])
    """
    return Poly(loss_range)
