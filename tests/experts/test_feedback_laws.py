"""Laws of partial feedback: every registered learner that declares support, never by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import Feedback, Ledger, Player
from experts.sleeping import fill, restrict
from tests.experts.games import Game, as_numpy, games
from tests.experts.test_laws import LEARNERS

FEATURES = {"bandit": "seen", "sleeping": "awake", "delayed": "play"}


def supporting(*features: str) -> pytest.MarkDecorator:
    """The learners that support all of these."""
    able = [case for case in LEARNERS if set(features) <= _learner(case).supports]
    return pytest.mark.parametrize("learner", able)


def _learner(case: Any) -> Any:
    """The learner in a pytest.param."""
    return case.values[0]


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


@supporting("sleeping")
@given(game=games(), seed=st.integers(0, 2**32 - 1))
def test_regret_over_the_awake_rounds_never_exceeds_the_certificate(
    learner: Any, game: Game, seed: int
) -> None:
    regret = np.zeros_like(game.loss[0])
    ledger = Ledger.open(game.loss[0])
    for play, loss, awake, player in sleeping_rounds(learner, game, seed):
        assert np.all(play[~awake] == 0)
        np.testing.assert_allclose(play.sum(-1), awake.any(-1), rtol=1e-12)
        suffered = (play * np.where(awake, loss, 0)).sum(-1, keepdims=True)
        regret += np.where(awake, suffered - loss, 0)
        ledger = ledger.add(play, loss, awake)
        np.testing.assert_allclose(ledger.regret, regret, atol=1e-12)
        slack = player.certificate() - regret
        assert np.all(slack[player.state.alive] >= -1e-9)


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
@given(game=games())
def test_the_reduction_is_the_same_in_every_library(xp: Any, game: Game) -> None:
    """One round at a time: over a game, rounding of <p, l> can break a tie that AdaHedge sees."""
    for loss, awake in zip(game.loss, ~game.dead, strict=True):
        raw = loss / np.maximum(loss.sum(-1, keepdims=True), 1)
        play = restrict(raw, awake)
        filled = fill(loss, play, awake)
        theirs = restrict(xp.asarray(raw), xp.asarray(awake))
        others = fill(xp.asarray(loss), theirs, xp.asarray(awake))
        np.testing.assert_allclose(as_numpy(theirs), play, rtol=1e-12)
        np.testing.assert_allclose(as_numpy(others), filled, rtol=1e-12)


@pytest.mark.parametrize("learner", LEARNERS)
def test_an_unchecked_player_reads_no_values(learner: Any) -> None:
    """On the meta device there are none."""
    loss = torch.zeros((2, 3), dtype=torch.float64, device="meta")
    player, mask = Player(learner, loss, checks=False), loss == 0
    play = player.predict()
    player.update(loss)
    if "wipeout" in learner.supports:
        player.wipe(mask)
    if "sleeping" in learner.supports:
        assert player.predict(mask).shape == loss.shape
        player.update(loss, awake=mask)
    if "delayed" in learner.supports:
        player.update(loss, play=play)
    assert player.certificate().device.type == "meta"
    if "bandit" in learner.supports:
        player.predict()
        if "wipeout" in learner.supports:
            player.wipe(mask)
        player.update(loss, seen=mask, chance=play)
        player.predict(mask)
        player.update(loss, seen=mask, chance=play)
        player.update(loss, seen=mask, chance=play, play=play, awake=mask)
    player.load_state_dict(player.state_dict())
    assert player.certificate_of_estimates().device.type == "meta"


@supporting("sleeping")
@given(game=games())
def test_everyone_awake_is_full_information(learner: Any, game: Game) -> None:
    awake = np.ones(game.loss.shape[1:], dtype=bool)
    rested, plain = Player(learner, game.loss[0]), Player(learner, game.loss[0])
    for loss in game.loss:
        np.testing.assert_allclose(rested.predict(awake), plain.predict(), rtol=1e-12)
        rested.update(loss, awake=awake)
        plain.update(loss)


@supporting("delayed")
@given(game=games(), data=st.data())
def test_regret_never_exceeds_the_certificate_when_losses_arrive_late(
    learner: Any, game: Game, data: st.DataObject
) -> None:
    """In any order, some never: the books are those of the rounds whose loss has arrived."""
    rounds = len(game.loss)
    delays = data.draw(st.lists(st.integers(0, 6), min_size=rounds, max_size=rounds))
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    plays = []
    for now in range(rounds):
        plays.append(player.predict())
        for then in range(now + 1):
            if then + delays[then] != now:
                continue
            player.update(game.loss[then], play=plays[then])
            ledger = ledger.add(plays[then], game.loss[then])
            assert np.all(player.certificate() - ledger.regret >= -1e-9)
    assert player.rounds == ledger.rounds


@supporting("delayed")
@given(game=games())
def test_an_own_play_that_is_not_late_changes_nothing(learner: Any, game: Game) -> None:
    told, plain = Player(learner, game.loss[0]), Player(learner, game.loss[0])
    for loss in game.loss:
        told.update(loss, play=told.predict())
        plain.predict()
        plain.update(loss)
        np.testing.assert_array_equal(told.predict(), plain.predict())


@supporting("delayed", "sleeping")
@given(game=games(), seed=st.integers(0, 2**32 - 1))
def test_late_losses_of_sleeping_experts(learner: Any, game: Game, seed: int) -> None:
    """All losses arrive at the end, in another order."""
    rng = np.random.default_rng(seed)
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    awake = rng.random(game.loss.shape) < 0.6
    plays = [player.predict(mask) for mask in awake]
    for then in rng.permutation(len(plays)):
        player.update(game.loss[then], play=plays[then], awake=awake[then])
        ledger = ledger.add(plays[then], game.loss[then], awake[then])
        assert np.all(player.certificate() - ledger.regret >= -1e-9)


@supporting("bandit")
@pytest.mark.parametrize("semi", [False, True], ids=["bandit", "semi-bandit"])
@given(game=games(), seed=st.integers(0, 2**32 - 1))
def test_regret_in_estimated_losses_never_exceeds_the_certificate(
    learner: Any, semi: bool, game: Game, seed: int
) -> None:
    """The certificate speaks of the estimates, whatever was seen."""
    rng = np.random.default_rng(seed)
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    for loss, dead in zip(game.loss, game.dead, strict=True):
        if "wipeout" in learner.supports:
            player.wipe(dead)
        play = player.predict()
        if semi:
            chance = rng.uniform(0.1, 1, loss.shape)
            seen = rng.random(loss.shape) < chance
        else:
            chance, seen = play, experts.draw(play, rng.random((*loss.shape[:-1], 1)))
        revealed = np.where(seen, loss, np.nan)
        estimate = learner.estimate(player.state, Feedback(revealed, seen, chance))
        player.update(revealed, seen=seen, chance=chance)
        ledger = ledger.add(play, estimate)
        slack = player.certificate_of_estimates() - ledger.regret
        assert np.all(slack[player.state.alive] >= -1e-9 * max(1.0, estimate.max()))


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("feature", FEATURES)
def test_what_is_not_supported_is_refused(learner: Any, feature: str) -> None:
    like, mask = np.zeros((2, 3)), np.ones((2, 3), dtype=bool)
    given = {"seen": {"seen": mask, "chance": like + 1}, "awake": {"awake": mask}}
    argument = FEATURES[feature]
    player = Player(learner, like)
    options: dict[str, Any] = given.get(argument, {"play": like + 1 / 3})
    if feature in learner.supports:
        player.predict(options.get("awake"))
        player.update(like, **options)
    else:
        with pytest.raises(ValueError, match=f"{argument} was given, but .*{feature}"):
            player.update(like, **options)
