"""Small swap regret: K copies of a learner, one for each expert that might be exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace

from experts.learners.hedge import adahedge, hedge
from experts.learners.regrets import instantaneous
from experts.numerics.masks import highest, prior_of
from experts.numerics.parameters import Setting, setting
from experts.numerics.stationary import stationary
from experts.registry import register
from experts.types import Array, Feedback, Learner


class SwapState(NamedTuple):
    """State of `Swap`."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    copies: Any
    """state of the copies, for problems (..., K, K)"""


@dataclass(frozen=True, slots=True)
class Swap:
    r"""Blum and Mansour's learner: no mapping of its experts to others would have been better.

    .. math:: p_t = p_t Q_t, \qquad Q_t[i] = \text{distribution of copy } i, \qquad
              \text{loss of copy } i = p_{t,i} l_t

    Parameters
    ----------
    copy
        A learner of full information, played K times. It has to take losses of any range up to
        that of the game.

    Notes
    -----
    **Certificate.** For every map F of the experts to survivors, if `predict` was played::

        sum_t <p_t, l_t> - sum_t sum_i p_{t,i} l_{t,F(i)}  <=  sum_i certificate of copy i for F(i)

    Proof. <p, l> = <p Q, l> = sum_i <Q[i], p_i l>, which is what the copies pay; the regret of
    copy i to F(i) is at most its certificate. The largest over all F, the *swap regret*, is at
    most `swap_certificate`; F = k, everything to one expert, gives the certificate of the regret
    to k. A copy whose expert was removed has losses 0 from then on, and keeps what it owes.

    Sources: Blum & Mansour 2007; Stoltz & Lugosi 2005 (internal regret).
    """

    copy: Learner[Any]
    loss_interval: ClassVar[tuple[float, float] | None] = None

    @property
    def horizon(self) -> int | None:
        """That of the copies."""
        return self.copy.horizon

    @property
    def supports(self) -> frozenset[str]:
        """Sleeping experts, whose losses are <p, l>; removals if the copies take them."""
        return frozenset({"sleeping"}) | (self.copy.supports & {"wipeout"})

    def init(self, like: Array, *, prior: Array | None = None) -> SwapState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        square = prior[..., None, :] + 0 * prior[..., None]
        return SwapState(prior > 0, prior, self.copy.init(square, prior=square))

    def predict(self, state: SwapState) -> Array:
        """The stationary distribution of the copies', (..., K)."""
        return stationary(self.copy.predict(self._copies(state)))

    def update(self, state: SwapState, play: Array, feedback: Feedback) -> SwapState:
        """The state after one round; `state` is left as it was."""
        copies = self._copies(state)
        # l_k less <p, l>, a constant that changes no copy's regret
        loss = -play[..., None] * instantaneous(play, feedback, state.alive)[..., None, :]
        advice = self.copy.predict(copies)
        return state._replace(copies=self.copy.update(copies, advice, Feedback(loss)))

    def certificate(self, state: SwapState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        return xp.sum(self._certificates(state), axis=-2)

    def swap_certificate(self, state: SwapState) -> Array:
        """Bound on the swap regret: to the best map of experts to survivors, (..., 1)."""
        xp = array_namespace(state.prior)
        best = highest(self._certificates(state), state.alive[..., None, :])
        return xp.sum(best, axis=-2)

    def _copies(self, state: SwapState) -> Any:
        """Their state, with the survivors of now."""
        alive = state.copies.alive & state.alive[..., None, :]
        return state.copies._replace(alive=alive)

    def _certificates(self, state: SwapState) -> Array:
        """Of every copy (row) to every expert, (..., K, K); 0 for copies that never had losses."""
        xp = array_namespace(state.prior)
        owed = self.copy.certificate(self._copies(state))
        return xp.where(state.prior[..., None] > 0, owed, 0.0)


@register({}, {"eta": 2.0})
def blum_mansour(eta: Setting | None = None) -> Swap:
    """Blum and Mansour's learner: p = p Q, with the rows of Q from K copies of AdaHedge.

    The swap regret is what could be gained by a map of the experts, each replaced by another one
    wherever it was played. Where all players of a game have little, their joint play is close to
    a correlated equilibrium.

    Parameters
    ----------
    eta
        Copies of `hedge` with this learning rate instead; for a sweep as in `Fixed`.

    Notes
    -----
    Regret <= swap regret <= B sqrt(K T ln K) + K B (4/3 ln K + 2) for losses of range B; with
    eta, <= K ln K / eta + eta T B**2 / 8.

    Source: Blum & Mansour 2007, with the bound of AdaHedge.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(blum_mansour(eta=1.0), np.zeros(3))
    >>> p = player.predict()
    >>> player.update(np.asarray([0.0, 0.0, 1.0]))
    >>> player.predict().round(3)
    array([0.368, 0.368, 0.264])
    """
    return Swap(adahedge() if eta is None else hedge(_for_copies(setting("eta", eta))))


def _for_copies(value: Setting) -> Setting:
    """A setting, one for each problem (..., 1), for the copies of the problem, (..., 1, 1)."""
    if not isinstance(value, tuple):
        return value
    return tuple((x,) if isinstance(x, float) else _for_copies(x) for x in value)
