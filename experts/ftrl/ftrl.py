"""FTRL, follow the regularised leader: the learner of which most others are settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from array_api_compat import array_namespace

from experts.ftrl.estimators import Estimator
from experts.ftrl.rates import Clock, Rate
from experts.ftrl.regularizers import Regularizer
from experts.numerics.masks import count, prior_of, relative
from experts.types import Array, Feedback


class FTRLState(NamedTuple):
    """State of FTRL."""

    alive: Array
    """bool (..., K): experts that still take part"""
    dual: Array
    """(..., K): the prior in the regularizer's dual coordinates (ln prior for the entropy)"""
    loss: Array
    """(..., K): estimated losses so far, less the best survivor's; 0 for the removed"""
    hint: Array
    """(..., K): a guess of the next round's losses; 0 unless the estimator is optimistic"""
    gap: Array
    """(..., 1): sum of the gaps so far"""
    carry: Array
    """(..., 1): what rounding took from that sum (Kahan), so that float32 lasts 10**6 rounds"""
    scale: Array
    """(..., 1): 1 / eta of the last round played; 0 before the first"""
    clock: Clock
    """state of the schedule; `clock.scale` is 1 / eta of the next round"""


@dataclass(frozen=True, slots=True)
class FTRL:
    r"""Follow the regularised leader: a learner made of a regularizer, a rate and an estimator.

    .. math:: p_t = \arg\min_p \langle p, \hat L_{t-1} \rangle + s_t R(p), \qquad s_t = 1/\eta_t

    over the simplex of the survivors, with R >= 0 = R(prior) and a scale s_t that never falls.

    Parameters
    ----------
    regularizer
        R: `Entropy`, `Tsallis`, `LogBarrier` or `Euclidean`.
    rate
        The schedule of eta: `Fixed`, `Horizon`, `Anytime` or `Gap`.
    estimator
        From `Feedback` to losses: `Weighted`, `Shifted` or `Optimistic`.

    Notes
    -----
    **Certificate.** For every sequence of losses, every round T, every wipe-out and every
    survivor k::

        sum_t <p_t, l_t> - sum_t l_{t,k}  <=  s_T R(e_k) + sum_t gap_t
        gap_t = <p_t, l_t> - [Phi_t(L_{t-1} + l_t) - Phi_t(L_{t-1})]
        Phi_t(L) = min { <p, L> + s_t R(p) : p on the simplex of the survivors at round t }

    Proof. Phi_1(0) >= 0. Between rounds Phi_t(L_t) <= Phi_{t+1}(L_t): the scale has not fallen,
    R >= 0, and removing experts shrinks the set that the minimum is over (where the regularizer
    says `wipeout`; the log-barrier, infinite there, does not). So the differences in
    the brackets add up to at most Phi_T(L_T), and Phi_T(L_T) <= L_{T,k} + s_T R(e_k) for every
    survivor k. Adding the gaps gives the claim. It holds for any distributions p_t on the
    survivors; the gaps are nonnegative for the minimiser. (Weight on removed experts would go
    uncharged: `update` ignores their losses.)

    Under bandit and semi-bandit feedback l_t are the *estimated* losses: the certificate bounds
    the regret measured in them, which is not the regret that a player suffers (so `Player` calls
    it `certificate_of_estimates` then). A schedule that is not tuned for bandit feedback takes
    it, for losses in [0, 1], with no guarantee but this one.

    Sources: Orabona 2019, Chapter 7 (FTRL lemma); de Rooij et al. 2014, Section 2 (the gap).
    """

    regularizer: Regularizer
    rate: Rate
    estimator: Estimator

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the schedule is tuned for; None: any."""
        return self.rate.horizon

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """[0, 1] for all that take bandit feedback.

        It is what their guarantee is for if the schedule is tuned for it (`rate.bandit`). With
        another schedule there is none beyond the certificate of the estimates; losses below 0
        would make the choice of an arm look good because it was seen.
        """
        return (0.0, 1.0) if self.regularizer.interior else None

    @property
    def supports(self) -> frozenset[str]:
        """All that the regularizer allows: the certificate holds for any distributions and
        estimates.
        """
        wipeout = {"wipeout"} if self.regularizer.wipeout else set()
        bandit = {"bandit"} if self.regularizer.interior else set()
        return frozenset({"sleeping", "delayed"} | bandit | wipeout)

    def init(self, like: Array, *, prior: Array | None = None) -> FTRLState:
        """State before the first round; see `Learner.init`."""
        xp = array_namespace(like)
        zero = xp.zeros_like(like)
        # Exactly normalised: R >= 0, and with it the certificate, depends on it.
        prior = prior_of(like, prior)
        alive = prior > 0
        dual = self.regularizer.dual(prior)
        clock = self.rate.init(
            self.regularizer.width(alive, dual),
            self.regularizer.stability(count(alive, like), bandit=self.rate.bandit),
        )
        none = zero[..., :1]
        return FTRLState(alive, dual, zero, zero, gap=none, carry=none, scale=none, clock=clock)

    def predict(self, state: FTRLState) -> Array:
        """The minimiser, (..., K)."""
        guess = state.loss + state.hint
        return self.regularizer.argmin(guess, state.clock.scale, state.alive, state.dual)

    def update(self, state: FTRLState, play: Array, feedback: Feedback) -> FTRLState:
        """The state after one round; `state` is left as it was."""
        # A constant added to all losses changes neither p nor the regret; taking the smallest off
        # first keeps the numbers small.
        scale = state.clock.scale
        loss = relative(self.estimate(state, feedback), state.alive)
        gap = self.regularizer.gap(play, loss, state.loss, scale, state.alive, state.dual)
        gap = gap - state.carry
        total = state.gap + gap
        return state._replace(
            loss=relative(state.loss + loss, state.alive),
            hint=self.estimator.hint(loss),
            gap=total,
            carry=(total - state.gap) - gap,
            scale=scale,
            clock=self.rate.update(state.clock, total),
        )

    def estimate(self, state: FTRLState, feedback: Feedback) -> Array:
        """Estimated losses of a round, (..., K); `certificate` bounds the regret in these."""
        return self.estimator.estimate(feedback, state.clock.scale)

    def certificate(self, state: FTRLState) -> Array:
        """``s_T R(e_k) + sum of gaps``, (..., K); meaningless for removed experts."""
        charge = self.regularizer.charge(state.loss, state.scale, state.alive, state.dual)
        return charge + state.gap
