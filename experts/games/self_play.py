"""Two learners play a game against each other: `self_play`, and its `Match`, round by round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace

from experts.checks import check_learner, check_rounds
from experts.games.decisions import Decisions
from experts.games.zero_sum import ZeroSum
from experts.learners.regret_matching import RegretMatching
from experts.numerics.arguments import flag, whole
from experts.types import Array, Feedback, Learner


@dataclass(frozen=True, slots=True)
class Side:
    """One player in a match: a learner at each of its information sets, and what it has played."""

    learner: Learner[Any]
    decisions: Decisions
    state: Any
    """of the learner, for problems (..., I, K)"""
    play: Array
    """(..., I, K): its distributions of this round"""
    plan: Array
    """(..., 1 + I K): their plan"""
    total: Array
    """(..., 1 + I K): the sum of the plans that were played, with their weights"""

    @classmethod
    def open(cls, learner: Learner[Any], decisions: Decisions, like: Array) -> Side:
        """Before the first round; `like` is any vector (..., 1 + I K)."""
        xp = array_namespace(like)
        zero = xp.zeros_like(like)
        shape = (*like.shape[:-1], *decisions.possible.shape)
        prior = decisions.behaviour(zero)
        state = learner.init(xp.reshape(zero[..., 1:], shape), prior=prior)
        play = learner.predict(state)
        return cls(learner, decisions, state, play, decisions.plan(play), zero)

    def learn(self, gain: Array) -> Side:
        """After a round in which the sequences earned `gain` (..., 1 + I K)."""
        loss = -self.decisions.values(self.play, gain)
        state = self.learner.update(self.state, self.play, Feedback(loss))
        play = self.learner.predict(state)
        return replace(self, state=state, play=play, plan=self.decisions.plan(play))

    def certificate(self) -> Array:
        """Bound on the regret to the best plan, (...).

        It is the largest sum over the information sets that a plan reaches of its certificates at
        them: max_x sum_i x(parent of i) <x at i, certificate_i>, by the formula of
        `Decisions.values`. (Zinkevich et al. 2007, Theorem 3, add up all of them.)
        """
        xp = array_namespace(self.plan)
        each = xp.where(self.decisions.possible, self.learner.certificate(self.state), 0.0)
        flat = xp.reshape(each, (*self.plan.shape[:-1], -1))
        return self.decisions.best(xp.concat([0 * self.plan[..., :1], flat], axis=-1))


@dataclass(frozen=True, slots=True)
class Match:
    r"""Two learners at a zero-sum game, and the average of what they have played.

    In round t the plans x_t and y_t meet. The learner at an information set is told what each of
    its actions would have earned, weighed with the probability that the other player and chance
    lead there (counterfactual regret minimisation, CFR; at a matrix, A y_t and A' x_t).

    Parameters
    ----------
    alternating
        The second player answers to the first one's new plan x_{t+1}, and x_{t+1} is averaged.
    linear
        Plans of round t have weight t in the average; for learners that are cut at 0
        (`regret_matching_plus`, `predictive_regret_matching`) only. With `alternating` and
        `regret_matching_plus` this is CFR+.

    Notes
    -----
    **Certificate.** With the players' C = `Side.certificate`, the averages have::

        duality gap <= (C_first + C_second - drift) / T                      drift = 0
        alternating: the same with           drift = sum_t <x_{t+1} - x_t, A y_t>
        linear:     2 (C_first + C_second) / (T + 1) - drift / (T (T + 1) / 2), terms weighed t

    Proof. T gap = max_x sum_t <x, A y_t> - min_y sum_t <x_t, A y>: add and take away
    sum_t <x_t, A y_t>, and it is the sum of both regrets; alternating, the second regret is
    to x_{t+1}, which leaves -drift. Linear: the sum of t r_t is the sum over s of the regrets of
    rounds s to T; where Q_t >= Q_{t-1} + r_t and Q >= 0 each is at most Q_T <= C.

    The drift is at least 0 for Hedge with a fixed rate, and for regret matching and RM+ while the
    theta of `RegretMatching` stays the same: what is updated gives the actions that were better
    more weight (Burch, Moravcik & Schmid 2019). It is counted as it is, for any learner.

    Sources: Freund & Schapire 1999 (matrices); Zinkevich et al. 2007 (CFR); Tammelin et al. 2015
    (CFR+).
    """

    game: ZeroSum
    first: Side
    second: Side
    alternating: bool
    linear: bool
    rounds: int
    drift: Array
    """(...)"""

    @classmethod
    def open(
        cls,
        first: Learner[Any],
        second: Learner[Any],
        game: ZeroSum,
        *,
        alternating: bool = False,
        linear: bool = False,
    ) -> Match:
        """Before the first round; arguments as in `self_play`."""
        alternating, linear = flag("alternating", alternating), flag("linear", linear)
        _check(game, {"first": first, "second": second}, linear=linear)
        sides = (
            Side.open(first, game.first, game.payoffs[..., 0]),
            Side.open(second, game.second, game.payoffs[..., 0, :]),
        )
        return cls(game, *sides, alternating, linear, 0, 0 * game.payoffs[..., 0, 0])

    def step(self) -> Match:
        """After one more round; this match stays as it was."""
        xp = array_namespace(self.drift)
        now = self.rounds + 1
        weight = now if self.linear else 1
        gain = self.game.gain(self.second.plan)
        first = self.first.learn(gain)
        played = first.plan if self.alternating else self.first.plan
        second = self.second.learn(-self.game.price(played))
        moved = xp.sum((played - self.first.plan) * gain, axis=-1)
        return replace(
            self,
            first=replace(first, total=first.total + weight * played),
            second=replace(second, total=second.total + weight * self.second.plan),
            rounds=now,
            drift=self.drift + weight * moved,
        )

    @property
    def plans(self) -> tuple[Array, Array]:
        """The average plans (..., 1 + I K) of both."""
        return self.first.total / self._weight, self.second.total / self._weight

    @property
    def strategies(self) -> tuple[Array, Array]:
        """The average plans as distributions at the information sets, (..., I, K).

        Of a matrix game, with its single information set: (..., 1, m) and (..., 1, n).
        """
        first, second = self.plans
        return self.game.first.behaviour(first), self.game.second.behaviour(second)

    @property
    def interval(self) -> tuple[Array, Array]:
        """What the average plans are sure to earn, and may pay: the game's value is between."""
        return self.game.interval(*self.plans)

    @property
    def gap(self) -> Array:
        """Duality gap of the average plans, (...); twice the exploitability."""
        low, high = self.interval
        return high - low

    @property
    def certificate(self) -> Array:
        """Bound on `gap`, (...), from the learners' certificates."""
        factor = self.rounds if self.linear else 1
        return (
            factor * (self.first.certificate() + self.second.certificate()) - self.drift
        ) / self._weight

    @property
    def _weight(self) -> float:
        """Sum of the weights of the rounds; ValueError before the first."""
        if self.rounds == 0:
            raise ValueError("a match has averages after its first round: call step()")
        return self.rounds * (self.rounds + 1) / 2 if self.linear else self.rounds


def self_play(
    first: Learner[Any],
    second: Learner[Any],
    game: ZeroSum,
    rounds: int,
    *,
    alternating: bool = False,
    linear: bool = False,
) -> Match:
    """Play a zero-sum game with two learners, and return the match with its averages.

    Parameters
    ----------
    first, second
        Any learners of full information; all information sets of a player are a batch of one.
    game
        See `matrix_game`, `tree_game`.
    rounds
        T.
    alternating, linear
        See `Match`.

    Examples
    --------
    >>> import experts, numpy as np
    >>> from experts.games import matrix_game, self_play
    >>> game = matrix_game(np.asarray([[2.0, -1.0], [-1.0, 1.0]]))
    >>> match = self_play(experts.adahedge(), experts.adahedge(), game, 2000)
    >>> low, high = match.interval
    >>> bool(low <= 0.2 <= high and match.gap <= match.certificate < 0.1)
    True
    """
    rounds = whole("rounds", rounds)
    match = Match.open(first, second, game, alternating=alternating, linear=linear)
    check_rounds(rounds, first=first, second=second)
    for _ in range(rounds):
        match = match.step()
    return match


def _check(game: Any, learners: dict[str, Any], *, linear: bool) -> None:
    """ValueError for what cannot be played."""
    if not isinstance(game, ZeroSum):
        kind = type(game).__name__
        raise ValueError(f"game must be made by matrix_game or tree_game, got {kind}")
    for name, learner in learners.items():
        check_learner(learner)
        if linear and not (isinstance(learner, RegretMatching) and learner.plus):
            raise ValueError(
                "linear needs learners whose regrets are cut at 0, such as "
                f"regret_matching_plus(); {name} is {learner!r}"
            )
