"""`Player` charges the distribution and the mask that it handed out, until their loss has come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import experts
from experts import Ledger, Player
from tests.experts.test_laws import every_learner, supporting


@pytest.fixture(params=[np, torch], ids=["numpy", "torch"])
def xp(request: pytest.FixtureRequest) -> Any:
    return request.param


@supporting("wipeout")
def test_a_wipe_out_between_predict_and_update_waits(learner: Any) -> None:
    """Charged at once, regret 0.5 stood above a certificate of 0."""
    player = Player(learner, np.zeros(2))
    play, dead = player.predict(), np.asarray([False, True])
    player.wipe(dead)
    np.testing.assert_array_equal(player.predict(), play)
    player.update(np.asarray([0.0, 1.0]))
    assert player.certificate()[0] >= 0.5 - 1e-12
    assert player.predict().tolist() == [1, 0]


def test_wipe_outs_that_wait_follow_each_other() -> None:
    """The second would leave no one, so it does nothing: as without a round in progress."""
    player = Player(experts.hedge(1.0), np.zeros(3))
    player.predict()
    player.wipe(np.asarray([True, False, False]))
    player.wipe(np.asarray([False, True, True]))
    player.update(np.zeros(3))
    assert player.predict().tolist() == [0, 0.5, 0.5]


def test_an_update_without_a_predict_asks_for_play(xp: Any) -> None:
    """Fifty predictions first, fifty losses after: regret 25 stood above 0.507."""
    player, loss = Player(experts.hedge(5.0), xp.zeros(2)), xp.asarray([1.0, 0.0])
    plays = [player.predict() for _ in range(50)]
    player.update(loss)
    for play in plays[1:]:
        with pytest.raises(ValueError, match=r"call predict\(\) in every round.* needs play="):
            player.update(loss)
        player.update(loss, play=play)
    assert player.rounds == 50
    assert float(player.certificate()[1]) >= 25 - 1e-12


def test_an_update_ends_the_round_also_with_a_late_loss(xp: Any) -> None:
    player, loss = Player(experts.hedge(1.0), xp.zeros(2)), xp.asarray([1.0, 0.0])
    first = player.predict()
    player.update(loss, play=first)
    second = player.predict()
    assert float(second[0]) < 0.5
    player.update(loss, play=first)
    with pytest.raises(ValueError, match="needs play="):
        player.update(loss)
    player.update(loss, play=second)


def test_what_was_handed_out_is_the_caller_s(xp: Any) -> None:
    player = Player(experts.hedge(1.0), xp.zeros(2))
    play = player.predict()
    play[...] = 0.0
    player.update(xp.asarray([1.0, 0.0]))
    assert float(player.certificate()[1]) >= 0.5


@supporting("sleeping")
def test_the_mask_has_to_be_told_twice_and_to_be_the_same(learner: Any) -> None:
    """Given to `update` only: regret 30.5 > 0.69; to `predict` only: 60 > 0.96."""
    loss, awake = np.asarray([1.0, 0.0]), np.asarray([True, False])
    player = Player(learner, np.zeros(2))
    player.predict()
    with pytest.raises(ValueError, match=r"awake was given, but not to predict.*predict\(awake\)"):
        player.update(loss, awake=awake)
    player.predict(awake)
    with pytest.raises(ValueError, match=r"awake is missing: pass the mask that predict was given"):
        player.update(loss)
    with pytest.raises(ValueError, match=r"awake must be the mask that predict was last given"):
        player.update(loss, awake=~awake)
    assert player.predict(~awake).tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"got another one.* needs play="):
        player.update(loss, awake=awake)
    player.update(loss, awake=~awake)
    assert player.rounds == 1
    np.testing.assert_allclose(player.predict(), 0.5)  # alone awake: no one has any regret


def test_loading_forgets_what_was_handed_out() -> None:
    """Recomputed from the loaded state, regret 1.33 stood above 0.50."""
    player, loss = Player(experts.hedge(5.0), np.zeros(2)), np.asarray([1.0, 0.0])
    start = player.state_dict()
    for _ in range(3):
        player.predict()
        player.update(loss)
    player.predict()
    player.load_state_dict(start)
    with pytest.raises(ValueError, match="without a predict"):
        player.update(loss)


@every_learner
def test_a_saved_round_goes_on(learner: Any) -> None:
    """Distribution, mask and a wipe-out that waits travel with the state."""
    rng = np.random.default_rng(0)
    player, other = Player(learner, np.zeros((2, 3))), Player(learner, np.zeros((2, 3)))
    awake = np.asarray([[True, True, False]] * 2)
    options = {"awake": awake} if "sleeping" in learner.supports else {}
    loss = rng.random((2, 3))
    for each in (player, other):
        each.predict()
        each.update(loss)
        each.predict(**options)
        if "wipeout" in learner.supports:
            each.wipe(~awake)
    loaded = Player(learner, np.zeros((2, 3)))
    loaded.load_state_dict(player.state_dict())
    for each in (other, loaded):
        each.update(loss, **options)
    np.testing.assert_array_equal(loaded.predict(), other.predict())
    np.testing.assert_array_equal(loaded.certificate(), other.certificate())


@supporting("delayed", "wipeout")
def test_a_late_loss_charges_those_removed_since(learner: Any) -> None:
    """Half of the weight was on the expert that lost 1 and was removed before it was known."""
    player, ledger = Player(learner, np.zeros(3)), Ledger.open(np.zeros(3))
    start = player.predict()
    player.update(np.zeros(3))
    player.wipe(np.asarray([False, False, True]))
    loss = np.asarray([0.0, 0.25, 1.0])
    player.update(loss, play=start)
    ledger = ledger.add(start, loss)
    assert ledger.regret[0] > 0.4
    assert np.all((player.certificate() - ledger.regret)[:2] >= -1e-12)
    # It is charged exactly: a loss 1 higher raises the certificate by its weight.
    other = Player(learner, np.zeros(3))
    start = other.predict()
    other.update(np.zeros(3))
    other.wipe(np.asarray([False, False, True]))
    other.update(np.asarray([0.0, 0.25, 2.0]), play=start)
    raised = other.certificate() - player.certificate()
    np.testing.assert_allclose(raised[:2], start[2], rtol=1e-12)
    with pytest.raises(ValueError, match=r"loss must be finite, got nan at index \(2,\)"):
        other.update(np.asarray([0.0, 0.25, np.nan]), play=start)


def test_a_round_of_which_all_experts_have_gone_is_charged_in_full() -> None:
    player = Player(experts.hedge(1.0), np.zeros(3))
    play = player.predict(np.asarray([False, False, True]))
    player.update(np.asarray([0.0, 0.0, 0.0]), awake=np.asarray([False, False, True]))
    player.wipe(np.asarray([False, False, True]))
    before = player.certificate()
    player.update(np.asarray([0.5, 0.5, 1.0]), play=play)
    # As if the survivors had been played, for a loss of 1/2 more.
    np.testing.assert_allclose((player.certificate() - before)[:2], 0.5, rtol=1e-12)


def test_torch_losses_that_require_a_gradient_grow_no_graph() -> None:
    loss = torch.tensor([0.5, 0.25], requires_grad=True)
    player = Player(experts.adahedge(), loss)
    for _ in range(3):
        play = player.predict()
        assert not play.requires_grad
        player.update(loss * 1.0)
        player.update(loss * 1.0, play=play * loss.detach() / (play * loss).sum())
        player.update(loss, seen=loss > 0, chance=play * 1.0 + 0.0 * loss, play=play)
    arrays = player.state_dict()["state"].values()
    assert not any(array.requires_grad for array in [*arrays, player.predict()])


def test_a_void_round_draws_no_one(xp: Any) -> None:
    player = Player(experts.exp3(), xp.zeros((2, 2)))
    awake = xp.asarray([[False, False], [False, True]])
    play = player.predict(awake)
    seen = experts.draw(play, xp.zeros((2, 1)))
    assert np.asarray(seen).tolist() == [[False, False], [False, True]]
    player.update(xp.zeros((2, 2)), seen=seen, chance=play)
    np.testing.assert_array_equal(np.asarray(player.predict()), 0.5)
