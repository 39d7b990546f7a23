"""Laws of the contract's methods: distributions, symmetries, purity, certificates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from experts.ledger import Ledger
from experts.numerics.masks import wipe
from experts.numerics.state import to_arrays
from experts.testing.claims import at_most, equal, same_start, successor, true, untouched
from experts.testing.games import (
    OPPONENTS,
    Game,
    Opponent,
    final,
    games,
    oblivious,
    rounds,
    switching_games,
)
from experts.testing.law import law
from experts.types import Feedback

CERTIFIED = "regret to expert k <= certificate[k]"


@law()
def the_state_is_in_the_open(learner: Any) -> None:
    """States are NamedTuples of arrays with a field alive; plays and certificates are (..., K)."""
    like = np.zeros((2, 3))
    state = learner.init(like)
    rule = "the state is a NamedTuple with a field alive"
    true(rule, hasattr(state, "_asdict"), f"a {type(state).__name__}", "a NamedTuple")
    true(rule, "alive" in state._fields, state._fields, "alive among them")
    for name, array in to_arrays(state).items():
        true(f"state.{name} is an array", isinstance(array, np.ndarray), type(array), np.ndarray)
    equal("state.alive is bool (..., K): its shape", state.alive.shape, like.shape)
    true("state.alive is bool (..., K)", state.alive.dtype == bool, state.alive.dtype, bool)
    for method in (learner.predict, learner.certificate):
        shape = np.shape(method(state))
        true(f"{method.__name__} is (..., K)", shape == like.shape, shape, like.shape)


@law(game=games)
def plays_are_on_the_simplex_and_the_dead_stay_at_exactly_zero(learner: Any, game: Game) -> None:
    """Plays are on the simplex; the dead stay dead, at exactly 0."""
    alive = np.ones(game.loss.shape[1:], dtype=bool)
    for play, _, state in rounds(learner, game):
        at_most("0 <= p", 0.0, play)
        equal("sum p = 1", play.sum(-1), 1.0, rtol=1e-12)
        equal("p[k] = 0 for a removed expert k", play, 0.0, where=~state.alive)
        equal("a removed expert stays removed", state.alive & ~alive, False)
        equal("every problem keeps a survivor", state.alive.any(-1), True)
        alive = state.alive


@law(game=games)
def methods_are_pure(learner: Any, game: Game) -> None:
    """Arguments are left untouched and may be read-only; the same state has the same successor."""
    same_start(learner.init, game.loss[0])
    state = learner.init(game.loss[0])
    for loss, dead in zip(game.loss, game.dead, strict=True):
        play = learner.predict(state)
        arrays = {"loss": loss, "dead": dead, "play": play} | to_arrays(state)
        with untouched(arrays):
            start, feedback = wipe(state, dead), Feedback(loss)
            after, again = (learner.update(start, play, feedback) for _ in range(2))
            equal("predict(state), once more, is the same", learner.predict(state), play)
        successor(state, after, again, play=play, loss=loss, dead=dead)
        state = after


@law(cases=[{"opponent": opponent} for opponent in OPPONENTS], game=games)
def regret_never_exceeds_the_certificate(learner: Any, opponent: Opponent, game: Game) -> None:
    """Regret to every survivor is at most its certificate."""
    certified(learner, game, opponent)


@law(game=switching_games)
def regret_never_exceeds_the_certificate_when_experts_switch(learner: Any, game: Game) -> None:
    """Regret is at most the certificate if the good expert changes after some rounds."""
    certified(learner, game)


def certified(
    learner: Any, game: Game, opponent: Opponent = oblivious, prior: np.ndarray | None = None
) -> None:
    """After every round the regret is at most the certificate."""
    ledger = Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent, prior=prior):
        if prior is not None:
            equal("p[k] = 0 where prior[k] = 0", play, 0.0, where=prior == 0)
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        at_most(CERTIFIED, ledger.regret, certificate, where=state.alive, slack=1e-9)


class Informed(NamedTuple):
    """A game, and a prior (K,)."""

    game: Game
    prior: np.ndarray


@st.composite
def informed(draw: st.DrawFn, most_rounds: int) -> Informed:
    """With priors of 0."""
    game = draw(games(most_rounds))
    count = game.loss.shape[-1]
    weights = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count).filter(any))
    return Informed(game, np.asarray(weights) / sum(weights))


@law(given=informed)
def a_prior_of_zero_is_never_played_and_the_certificate_holds(
    learner: Any, given: Informed
) -> None:
    """An expert whose prior is 0 is never played; the others' certificates hold."""
    certified(learner, given.game, prior=given.prior)


@law(game=games, shift=st.integers(-100, 100))
def a_constant_added_to_all_losses_changes_nothing(learner: Any, game: Game, shift: int) -> None:
    """A constant added to all losses changes nothing."""
    plays, state = final(learner, game)
    others, shifted = final(learner, game._replace(loss=game.loss + shift))
    equal("plays(loss + c) = plays(loss)", others, plays, rtol=1e-7, atol=1e-12)
    after, before = learner.certificate(shifted), learner.certificate(state)
    equal("certificate(loss + c) = certificate(loss)", after, before, rtol=1e-7, atol=1e-10)


@law(game=games, seed=st.integers(0, 2**32 - 1))
def permuted_experts_give_permuted_plays(learner: Any, game: Game, seed: int) -> None:
    """Permuted experts have permuted plays."""
    order = np.random.default_rng(seed).permutation(game.loss.shape[-1])
    plays, _ = final(learner, game)
    permuted, _ = final(learner, Game(game.loss[..., order], game.dead[..., order]))
    equal(
        "plays(loss[order]) = plays(loss)[order]", permuted, plays[..., order], rtol=1e-7, atol=1e-9
    )


@law(game=games)
def batched_equals_looped(learner: Any, game: Game) -> None:
    """A batch of problems is the problems one by one."""
    batched, state = final(learner, game)
    for problem in range(game.loss.shape[1]):
        alone, alone_state = final(learner, Game(game.loss[:, problem], game.dead[:, problem]))
        equal(
            "plays(batch)[problem] = plays(problem alone)",
            batched[:, problem],
            alone,
            rtol=1e-12,
            atol=1e-15,
        )
        equal(
            "certificate(batch)[problem] = certificate(problem alone)",
            learner.certificate(state)[problem],
            learner.certificate(alone_state),
            rtol=1e-12,
        )


EXTREMES = ((np.float64, 1e-200), (np.float64, 1e200), (np.float32, 1e-30), (np.float32, 1e20))


@law(cases=[{"dtype": dtype, "scale": scale} for dtype, scale in EXTREMES], game=games)
def extreme_losses_stay_finite_and_certified(
    learner: Any, dtype: Any, scale: float, game: Game
) -> None:
    """Certificates hold for losses whose squares are 0 or infinite in their type."""
    eps = np.finfo(dtype).eps
    slack = (1e6 if dtype is np.float64 else 64) * eps * max(1, scale)
    losses = ((game.loss - 0.5) * scale).astype(dtype)
    ledger = Ledger.open(losses[0])
    for play, loss, state in rounds(learner, game._replace(loss=losses)):
        equal("sum p = 1", play.sum(-1), 1.0, rtol=4 * len(play) * eps)
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        at_most(CERTIFIED, ledger.regret, certificate, where=state.alive, slack=slack)


@law(
    cases=[{"opponent": opponent} for opponent in OPPONENTS],
    told=["bound"],
    count=st.integers(2, 10),
    length=st.integers(1, 500),
    seed=st.integers(0, 99),
)
def regret_never_exceeds_the_bound(
    learner: Any, opponent: Opponent, bound: Any, count: int, length: int, seed: int
) -> None:
    """Regret is at most the bound that was stated for losses in [0, 1], in long games too."""
    most = min(length, learner.horizon or length)
    loss = np.random.default_rng(seed).integers(0, 2, (most, 1, count)).astype(float)
    ledger = Ledger.open(loss[0])
    for play, met, _ in rounds(learner, Game(loss, np.zeros(loss.shape, dtype=bool)), opponent):
        ledger = ledger.add(play, met)
    limit = bound(count, ledger.rounds)
    at_most("regret after T rounds <= bound(K, T)", ledger.regret, limit, slack=1e-9)
