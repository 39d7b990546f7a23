"""Laws of partial feedback, for learners that declare support: sleeping, delayed, bandit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from experts.ledger import Ledger
from experts.numerics.sampling import draw
from experts.numerics.state import to_arrays
from experts.player import Player
from experts.testing.claims import at_most, equal, refused, true
from experts.testing.games import Game, games
from experts.testing.law import law
from experts.testing.plays import CERTIFIED
from experts.types import Feedback

FEATURES = {"bandit": "seen", "sleeping": "awake", "delayed": "play"}
"""What a learner may support, and the argument of `Player.update` that needs it."""
SEEDS = st.integers(0, 2**32 - 1)


def sleeping_rounds(
    learner: Any, game: Game, seed: int
) -> Iterator[tuple[Any, Any, Any, Player[Any]]]:
    """Random naps and wipe-outs; yields play, loss (nan where asleep), awake and the player."""
    rng = np.random.default_rng(seed)
    player = Player(learner, game.loss[0])
    for loss, dead in zip(game.loss, game.dead, strict=True):
        if "wipeout" in learner.supports:
            player.wipe(dead)
        awake = rng.random(loss.shape) < rng.random()
        play = player.predict(awake)
        met = np.where(awake, loss, np.nan)
        player.update(met, awake=awake)
        yield play, met, awake & player.state.alive, player


@law(features=["sleeping"], game=games, seed=SEEDS)
def regret_over_the_awake_rounds_never_exceeds_the_certificate(
    learner: Any, game: Game, seed: int
) -> None:
    """Regret over the rounds in which an expert was awake is at most its certificate."""
    regret = np.zeros_like(game.loss[0])
    ledger = Ledger.open(game.loss[0])
    for play, loss, awake, player in sleeping_rounds(learner, game, seed):
        equal("p[k] = 0 for an expert k that is asleep", play, 0.0, where=~awake)
        equal("sum p = 1 if anyone is awake, else 0", play.sum(-1), awake.any(-1), rtol=1e-12)
        suffered = (play * np.where(awake, loss, 0)).sum(-1, keepdims=True)
        regret += np.where(awake, suffered - loss, 0)
        ledger = ledger.add(play, loss, awake)
        equal("the ledger's regret = the regret", ledger.regret, regret, rtol=1e-7, atol=1e-12)
        alive = player.state.alive
        at_most(CERTIFIED, regret, player.certificate(), where=alive, slack=1e-9)


@law(features=["sleeping"], game=games)
def everyone_awake_is_full_information(learner: Any, game: Game) -> None:
    """Everyone awake is full information."""
    awake = np.ones(game.loss.shape[1:], dtype=bool)
    rested, plain = Player(learner, game.loss[0]), Player(learner, game.loss[0])
    for loss in game.loss:
        equal(
            "predict(awake=everyone) = predict()",
            rested.predict(awake),
            plain.predict(),
            rtol=1e-12,
        )
        rested.update(loss, awake=awake)
        plain.update(loss)


@law(features=["delayed"], game=games, delays=st.lists(st.integers(0, 6), min_size=20, max_size=20))
def regret_never_exceeds_the_certificate_when_losses_arrive_late(
    learner: Any, game: Game, delays: list[int]
) -> None:
    """Regret over the rounds whose loss has arrived, in any order, is at most the certificate."""
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    plays = []
    for now in range(len(game.loss)):
        plays.append(player.predict())
        for then in range(now + 1):
            if then + delays[then] != now:
                continue
            player.update(game.loss[then], play=plays[then])
            ledger = ledger.add(plays[then], game.loss[then])
            at_most(CERTIFIED, ledger.regret, player.certificate(), slack=1e-9)
    rounds = player.rounds
    true("rounds of the player", rounds == ledger.rounds, rounds, ledger.rounds)


@law(features=["delayed"], game=games)
def an_own_play_that_is_not_late_changes_nothing(learner: Any, game: Game) -> None:
    """An own play that is not late changes nothing."""
    told, plain = Player(learner, game.loss[0]), Player(learner, game.loss[0])
    for loss in game.loss:
        told.update(loss, play=told.predict())
        plain.predict()
        plain.update(loss)
        equal(
            "p after update(loss, play=p) = p after update(loss)", told.predict(), plain.predict()
        )


@law(features=["delayed", "sleeping"], game=games, seed=SEEDS)
def late_losses_of_sleeping_experts(learner: Any, game: Game, seed: int) -> None:
    """Late losses of sleeping experts: all arrive at the end, in another order."""
    rng = np.random.default_rng(seed)
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    awake = rng.random(game.loss.shape) < 0.6
    plays = [player.predict(mask) for mask in awake]
    for then in rng.permutation(len(plays)):
        player.update(game.loss[then], play=plays[then], awake=awake[then])
        ledger = ledger.add(plays[then], game.loss[then], awake[then])
        at_most(CERTIFIED, ledger.regret, player.certificate(), slack=1e-9)


def in_interval(learner: Any, loss: Any) -> Any:
    """Losses in [0, 1] mapped to the interval that the learner is proved for."""
    low, high = learner.loss_interval or (0.0, 1.0)
    return low + (high - low) * loss


@law(
    cases=[{"feedback": "bandit"}, {"feedback": "semi-bandit"}],
    features=["bandit"],
    game=games,
    seed=SEEDS,
)
def regret_in_estimated_losses_never_exceeds_the_certificate(
    learner: Any, feedback: str, game: Game, seed: int
) -> None:
    """Regret in the estimated losses is at most the certificate, whatever was seen."""
    rng = np.random.default_rng(seed)
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    for loss, dead in zip(in_interval(learner, game.loss), game.dead, strict=True):
        if "wipeout" in learner.supports:
            player.wipe(dead)
        play = player.predict()
        if feedback == "semi-bandit":
            chance = rng.uniform(0.1, 1, loss.shape)
            seen = rng.random(loss.shape) < chance
        else:
            chance, seen = play, draw(play, rng.random((*loss.shape[:-1], 1)))
        revealed = np.where(seen, loss, np.nan)
        estimate = learner.estimate(player.state, Feedback(revealed, seen, chance))
        player.update(revealed, seen=seen, chance=chance)
        ledger = ledger.add(play, estimate)
        _check_estimated(ledger, player, estimate)


def _check_estimated(ledger: Ledger, player: Player[Any], estimate: np.ndarray) -> None:
    at_most(
        "regret to expert k in estimated losses <= certificate_of_estimates[k]",
        ledger.regret,
        player.certificate_of_estimates(),
        where=player.state.alive,
        slack=1e-9 * max(1.0, estimate.max()),
    )


@law(features=["bandit", "sleeping"], game=games, seed=SEEDS)
def regret_in_estimated_losses_of_the_awake_never_exceeds_the_certificate(
    learner: Any, game: Game, seed: int
) -> None:
    """Regret in the estimated losses of awake experts is at most the certificate."""
    rng = np.random.default_rng(seed)
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    for loss in in_interval(learner, game.loss):
        awake = rng.random(loss.shape) < 0.6
        play = player.predict(awake)
        seen = draw(play, rng.random((*loss.shape[:-1], 1)))
        revealed = np.where(seen, loss, np.nan)
        estimate = learner.estimate(player.state, Feedback(revealed, seen, play))
        player.update(revealed, seen=seen, chance=play, awake=awake)
        ledger = ledger.add(play, estimate, awake)
        _check_estimated(ledger, player, estimate)


@law(features=["bandit"])
def estimates_make_up_for_what_is_not_seen(learner: Any) -> None:
    """Of full information, estimates are the losses; what is rarely seen counts for more.

    To be told the estimates is the same as to be told what was seen.
    """
    state = learner.init(np.zeros(2))
    loss = in_interval(learner, np.asarray([1.0, 0.25]))
    equal("estimate(full information) = loss", learner.estimate(state, Feedback(loss)), loss)
    first = np.asarray([True, False])
    often, seldom = (Feedback(loss, first, np.asarray([chance, 1.0])) for chance in (0.5, 0.25))
    more, less = learner.estimate(state, seldom)[0], learner.estimate(state, often)[0]
    true("the highest loss, seen with chance 1/4 > seen with chance 1/2", more > less, more, less)
    play = learner.predict(state)
    told = learner.update(state, play, Feedback(learner.estimate(state, often)))
    for name, array in to_arrays(learner.update(state, play, often)).items():
        equal(
            f"update(what was seen) = update(its estimate): {name}",
            array,
            to_arrays(told)[name],
            rtol=1e-7,
        )


@law(cases=[{"feature": name} for name in FEATURES])
def what_is_not_supported_is_refused(learner: Any, feature: str) -> None:
    """What is not supported is refused."""
    like, mask = np.zeros((2, 3)), np.ones((2, 3), dtype=bool)
    given = {"seen": {"seen": mask, "chance": like + 1}, "awake": {"awake": mask}}
    argument = FEATURES[feature]
    player = Player(learner, like)
    options: dict[str, Any] = given.get(argument, {"play": like + 1 / 3})
    if feature in learner.supports:
        player.predict(options.get("awake"))
        player.update(like, **options)
        return
    with refused(f"{argument}= is refused", f"{argument} was given, but .*{feature}"):
        player.update(like, **options)
