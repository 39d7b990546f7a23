"""Strongly adaptive: small regret over every interval of rounds at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from array_api_compat import array_namespace, device

from experts.ftrl import FTRL
from experts.learners.hedge import anytime_hedge
from experts.learners.squint import UniformRate
from experts.numerics.arguments import whole
from experts.numerics.masks import log_normalised, prior_of, relative, weighed
from experts.numerics.parameters import Setting, fitted
from experts.numerics.quadrature import bell
from experts.registry import register
from experts.types import Array, Feedback


class StronglyAdaptiveState(NamedTuple):
    """State of `StronglyAdaptive`; J copies, of which number j plays blocks of 2**j rounds."""

    alive: Array
    """bool (..., K): experts that still take part"""
    prior: Array
    """(..., K): 0 for those that never did"""
    copies: Any
    """state of the base learner for problems (..., J, K)"""
    lead: Array
    """(..., J, 1): the player's loss less the copy's, over the block so far"""
    total: Array
    """(..., J, 1): R / 2B, R the same sum with no round above B"""
    square: Array
    """(..., J, 1): V / (2B)**2, V the sum of the squares"""
    recent: Array
    """(..., J, K): certificates of the blocks to which the last round belongs"""
    before: Array
    """(..., J, K): certificates of the finished blocks, added up"""
    rounds: Array
    """(..., 1): rounds played"""
    loss_range: Array
    """(..., 1): B"""


@dataclass(frozen=True, slots=True)
class StronglyAdaptive:
    r"""Copies of a base learner that start anew every 1, 2, 4, ... rounds, weighed by Squint.

    Copy j plays the blocks of rounds [i 2**j, (i+1) 2**j), and begins each of them afresh. With r
    the player's loss less the copy's, R its sum over the block so far and V that of r**2,

    .. math:: p_t = \sum_j \frac{x_j}{\sum_i x_i} q_{t,j}, \qquad
              x_j = 2^j \int_0^{1/(2B)} \eta\, e^{\eta R_j - \eta^2 V_j} \, d\eta

    where q_j is the copy's distribution. In rounds where an |r| is above B all are scaled down.

    Parameters
    ----------
    base
        The base learner, whose certificate holds for any distributions and wiped-out experts.
    slots
        J; at most ceil(log2 T) + 1 are of use in T rounds.
    loss_range
        B, as in `experts.ftrl.Horizon`.

    Notes
    -----
    **Certificate.** Over the rounds of a block so far, for every survivor k::

        regret to k  <=  sum_t (player's loss - copy's loss) + the copy's certificate[k]

    as the regret is the sum of these two differences: `interval_certificate`. The blocks of a copy
    cover all rounds, and the certificate of the whole game is the smallest such sum. An interval
    is the union of at most two blocks of each length: `covering`.

    **A priori**, for losses of range B: after n rounds of a block of length 2**j the first sum is
    at most `bounds.squint_uniform` (2**j / M, n B**2, B), M the sum of 2**i over all blocks of all
    copies that have begun. Proof: I_j = 2B (integral of exp(eta R - eta**2 V)), of a finished block
    as it ended, is 1 at first; sum 2**j I_j grows by M's new terms only, as exp(x - x**2) <= 1 + x
    for x >= -1/2 and sum_j x_j r_j = 0 by the choice of p. So I_j <= M / 2**j, of which the bound
    is derived. `bounds.strongly_adaptive` adds it up.

    Sources: Daniely, Gonen & Shalev-Shwartz 2015 (SAOL: the covering, weights of blocks); Jun,
    Orabona, Wright & Willett 2017 (CBCE). They use multiplicative weights and coin betting where we
    use Squint (Koolen & van Erven 2015); their blocks begin with the second of each length.
    """

    base: FTRL
    slots: int
    loss_range: Setting = 1.0
    horizon: ClassVar[int | None] = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"sleeping", "delayed", "wipeout"})
    """the certificate holds for any distributions"""

    def init(self, like: Array, *, prior: Array | None = None) -> StronglyAdaptiveState:
        """State before the first round; see `Learner.init`."""
        prior = prior_of(like, prior)
        none = 0.0 * prior[..., :1]
        reach = none + fitted("loss_range", self.loss_range, like)
        copies = self._fresh(prior)
        zero = 0.0 * copies.loss
        each = zero[..., :1]
        return StronglyAdaptiveState(
            prior > 0, prior, copies, each, each, each, zero, zero, none, reach
        )

    def predict(self, state: StronglyAdaptiveState) -> Array:
        """The mixture of the copies' distributions, (..., K)."""
        xp = array_namespace(state.prior)
        logits = UniformRate().log_weight(bell(state.total, state.square))
        logits = (logits + xp.log(self._lengths(state.prior)))[..., 0]
        every = xp.isfinite(logits)
        weights = weighed(log_normalised(logits, every), every)[..., None]
        return xp.sum(weights * self.base.predict(self._copies(state)), axis=-2)

    def update(
        self, state: StronglyAdaptiveState, play: Array, feedback: Feedback
    ) -> StronglyAdaptiveState:
        """The state after one round; `state` is left as it was."""
        xp = array_namespace(play)
        copies = self._copies(state)
        loss = relative(feedback.loss, state.alive)[..., None, :]
        plays = self.base.predict(copies)
        lead = xp.sum((play[..., None, :] - plays) * loss, axis=-1, keepdims=True)
        largest = xp.max(xp.abs(lead), axis=-2, keepdims=True)
        part = lead / xp.maximum(state.loss_range[..., None, :], largest) / 2
        copies = self.base.update(copies, plays, Feedback(loss + 0.0 * plays))
        recent = state.lead + lead + self.base.certificate(copies)
        rounds = state.rounds + 1
        over = self._over(rounds)
        survivors = prior_of(state.prior, xp.where(state.alive, state.prior, 0.0))
        return state._replace(
            copies=_chosen(over, self._fresh(survivors), copies),
            lead=xp.where(over, 0.0, state.lead + lead),
            total=xp.where(over, 0.0, state.total + part),
            square=xp.where(over, 0.0, state.square + part**2),
            recent=recent,
            before=state.before + xp.where(over, recent, 0.0),
            rounds=rounds,
        )

    def interval_certificate(self, state: StronglyAdaptiveState) -> Array:
        """Bounds on the regret over the last rounds, (..., J, K): of copy j since its block began.

        Where that round was the last of the block, over the whole block.
        """
        return state.recent

    def certificate(self, state: StronglyAdaptiveState) -> Array:
        """Bound on the regret to each survivor, (..., K); meaningless for removed experts."""
        xp = array_namespace(state.prior)
        whole_game = state.before + xp.where(self._over(state.rounds), 0.0, state.recent)
        return xp.min(whole_game, axis=-2)

    def _fresh(self, prior: Array) -> Any:
        """The copies' first state."""
        xp = array_namespace(prior)
        like = xp.concat([0.0 * prior[..., None, :]] * self.slots, axis=-2)
        return self.base.init(like, prior=prior[..., None, :])

    def _copies(self, state: StronglyAdaptiveState) -> Any:
        """Their state, without the experts that have been removed since."""
        alive = state.copies.alive & state.alive[..., None, :]
        return state.copies._replace(alive=alive)

    def _lengths(self, like: Array) -> Array:
        """2**j, (J, 1)."""
        powers = [[2.0**j] for j in range(self.slots)]
        return array_namespace(like).asarray(powers, dtype=like.dtype, device=device(like))

    def _over(self, rounds: Array) -> Array:
        """Whether a block ends with this number of rounds, bool (..., J, 1)."""
        return array_namespace(rounds).remainder(rounds[..., None, :], self._lengths(rounds)) == 0


def covering(start: int, stop: int) -> list[tuple[int, int]]:
    """The fewest blocks of which the rounds start <= t < stop are the union, as (j, i) from left.

    Block (j, i) has the rounds i 2**j <= t < (i+1) 2**j. At most two are of one length.

    Examples
    --------
    >>> covering(3, 12)
    [(0, 3), (2, 1), (2, 2)]
    """
    blocks = []
    while start < stop:
        j = (stop - start).bit_length() - 1
        while start % 2**j:
            j -= 1
        blocks.append((j, start // 2**j))
        start += 2**j
    return blocks


@register({"horizon": 8, "loss_range": 0.5})
def strongly_adaptive(horizon: int, loss_range: Setting = 1.0) -> StronglyAdaptive:
    """Strongly adaptive: copies of Hedge, restarted every 1, 2, 4, ... rounds, weighed by Squint.

    Parameters
    ----------
    horizon
        Number of rounds T that it is made for: ceil(log2 T) + 1 copies. It may be played longer.
    loss_range
        B, the largest difference between two losses of a round.

    Notes
    -----
    Regret over every interval of n of the first T rounds, all at once, <=
    bounds.strongly_adaptive(K, T, n, B), of order B sqrt(n (ln K + ln T)).

    Over a block of m = 1, 2, 4, ... rounds it is at most B sqrt(m ln K) +
    bounds.squint_uniform(m / M, m B**2, B) with M <= T (ceil(log2 T) + 5), and an interval is the
    union of at most two blocks of each length.

    Source: Daniely, Gonen & Shalev-Shwartz 2015; Jun, Orabona, Wright & Willett 2017; the bound
    derived in `StronglyAdaptive`.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import Player
    >>> player = Player(strongly_adaptive(horizon=200), np.zeros(2))
    >>> for t in range(150):
    ...     p = player.predict()
    ...     player.update(np.asarray([0.0, 1.0] if t < 100 else [1.0, 0.0]))
    >>> bool(player.predict()[1] > 0.9)  # Hedge needs 100 rounds to forget 100
    True
    """
    slots = (whole("horizon", horizon) - 1).bit_length() + 1
    return StronglyAdaptive(anytime_hedge(loss_range), slots, loss_range)


def _chosen(condition: Array, new: Any, old: Any) -> Any:
    """Arrays of the state `new` where `condition` (..., J, 1), of `old` elsewhere."""
    if hasattr(new, "_asdict"):
        return type(new)(*(_chosen(condition, a, b) for a, b in zip(new, old, strict=True)))
    return array_namespace(new).where(condition, new, old)
