"""`Player` under bandit feedback: sleepers, the interval of the losses, what a certificate says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import experts
from experts import Player, bounds
from tests.experts.test_laws import every_learner, supporting

SEEDS, ARMS = 200, 3


@pytest.fixture(params=[np, torch], ids=["numpy", "torch"])
def xp(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_sleepers_are_charged_the_loss_that_was_drawn(xp: Any) -> None:
    """As in full information; with a loss of 0 for the sleeper it was (.269, .731)."""
    awake, seen = xp.asarray([True, False]), xp.asarray([True, False])
    loss = xp.asarray([1.0, float("nan")])
    told, left_out, late, full = (Player(experts.exp3(eta=1.0), xp.zeros(2)) for _ in range(4))
    for player in (told, left_out, late, full):
        play = player.predict(awake)
    left_out.update(loss, seen=seen, chance=play)
    told.update(loss, seen=seen, chance=play, awake=awake)
    late.update(loss, seen=seen, chance=play, awake=awake, play=play)
    full.update(loss, awake=awake)
    for player in (told, left_out, late, full):
        np.testing.assert_allclose(np.asarray(player.predict()), [0.5, 0.5], rtol=1e-12)


def test_a_contradiction_of_masks_is_refused(xp: Any) -> None:
    like, awake = xp.zeros(2), xp.asarray([True, False])
    player = Player(experts.exp3(), like)
    play = player.predict(awake)
    with pytest.raises(ValueError, match="seen must be among those awake"):
        player.update(like, seen=~awake, chance=like + 1)
    with pytest.raises(ValueError, match=r"play is 0 on a survivor: pass awake=.* at index \(1,\)"):
        player.update(like, seen=awake, chance=play, play=play)
    player.update(like, seen=awake, chance=play)


def sleeping_regrets(learner: Any, rounds: int) -> np.ndarray:
    """Regret of the arms drawn to every arm, over the rounds in which it was awake, (SEEDS, ARMS).

    Coins of means .5, .3, .4; the first arm is always awake, the others half of the time.
    """
    rng = np.random.default_rng(0)
    player, regret = Player(learner, np.zeros((SEEDS, ARMS))), np.zeros((SEEDS, ARMS))
    for _ in range(rounds):
        awake = rng.random((SEEDS, ARMS)) < np.asarray([1.0, 0.5, 0.5])
        play = player.predict(awake)
        arm = experts.draw(play, rng.random((SEEDS, 1)))
        loss = (rng.random((SEEDS, ARMS)) < np.asarray([0.5, 0.3, 0.4])).astype(float)
        player.update(np.where(arm, loss, np.nan), seen=arm, chance=play)
        suffered = np.sum(arm * loss, axis=-1, keepdims=True)
        regret += np.where(awake, suffered - loss, 0.0)
    return regret


@pytest.mark.parametrize(
    ("learner", "bound"),
    [
        (experts.exp3(horizon=1500), bounds.exp3(ARMS, 1500)),
        (experts.exp3(), bounds.exp3_anytime(ARMS, 1500)),
        (experts.tsallis_inf(), bounds.tsallis_inf(ARMS, 1500)),
    ],
    ids=["exp3", "exp3_anytime", "tsallis_inf"],
)
def test_pseudo_regret_over_the_awake_rounds(learner: Any, bound: float) -> None:
    assert np.all(sleeping_regrets(learner, 1500).mean(0) <= bound)


@pytest.mark.parametrize(
    ("learner", "bound"),
    [
        (experts.exp3_ix(horizon=1500), bounds.exp3_ix(ARMS, 1500, 0.05)),
        (experts.exp3_ix(), bounds.exp3_ix_anytime(ARMS, 1500, 0.05)),
        (experts.exp3_ix(0.05), bounds.exp3_ix_fixed(ARMS, 1500, 0.05, 0.05)),
    ],
    ids=["tuned", "anytime", "fixed"],
)
def test_exp3_ix_over_the_awake_rounds_with_high_probability(learner: Any, bound: float) -> None:
    assert np.mean(sleeping_regrets(learner, 1500).max(-1) > bound) <= 0.05


def test_the_share_of_the_better_arm_grows_though_the_worse_one_sleeps() -> None:
    """Means .3 and .5, the worse one awake half of the time: its naps used to win it weight."""
    rng = np.random.default_rng(0)
    player = Player(experts.exp3(), np.zeros((50, 2)))
    shares = []
    for t in range(4000):
        awake = np.stack([np.ones(50, dtype=bool), rng.random(50) < 0.5], axis=-1)
        play = player.predict(awake)
        arm = experts.draw(play, rng.random((50, 1)))
        loss = (rng.random((50, 2)) < np.asarray([0.3, 0.5])).astype(float)
        player.update(np.where(arm, loss, np.nan), seen=arm, chance=play)
        if t in (500, 1500, 3999):
            shares.append(player.predict()[:, 0].mean())
    assert 0.7 < shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.95


@supporting("bandit")
def test_every_learner_with_bandit_feedback_states_its_interval(learner: Any) -> None:
    assert learner.loss_interval == (0, 1)
    like = np.zeros(2)
    player = Player(learner, like)
    play = player.predict()
    for bad in (-1.0, -1e-9, 1 + 1e-9):
        with pytest.raises(ValueError, match=r"loss must lie in \[0.0, 1.0\], got"):
            player.update(like + bad, seen=like == 0, chance=play)
    player.update(like - 1)  # under full information it is a loss as any other


@pytest.mark.parametrize(("dtype", "eps"), [(np.float32, 2**-23), (np.float64, 2**-52)])
def test_four_ulps_outside_are_rounding_and_five_are_not(dtype: Any, eps: float) -> None:
    player = Player(experts.exp3(), np.zeros(2, dtype))
    seen, chance = np.asarray([True, False]), np.asarray([0.5, 0.5], dtype)
    for low_enough in (1 + 4 * eps, -4 * eps):
        player.predict()
        player.update(np.full(2, low_enough, dtype), seen=seen, chance=chance)
    for too_far in (1 + 5 * eps, -5 * eps):
        player.predict()
        with pytest.raises(ValueError, match="must lie in"):
            player.update(np.full(2, too_far, dtype), seen=seen, chance=chance)
    player = Player(experts.hedge(1.0), np.zeros(2, dtype), loss_interval=(-2, 0))
    player.predict()
    player.update(np.full(2, 8 * eps, dtype))
    player.predict()
    with pytest.raises(ValueError, match=r"must lie in \[-2.0, 0.0\]"):
        player.update(np.full(2, 10 * eps, dtype))


@supporting("bandit")
@pytest.mark.parametrize("rewards", [False, True], ids=["losses", "rewards"])
def test_an_interval_is_mapped_and_the_regret_mapped_back(learner: Any, rewards: bool) -> None:
    """By powers of two, so that nothing is rounded."""
    rng = np.random.default_rng(0)
    plain = Player(learner, np.zeros(3))
    other = Player(learner, np.zeros(3), loss_interval=(-32, 96), rewards=rewards)
    for _ in range(10):
        play, loss = plain.predict(), rng.integers(0, 65, 3) / 64
        np.testing.assert_array_equal(other.predict(), play)
        arm = experts.draw(play, rng.random(1))
        plain.update(loss, seen=arm, chance=play)
        given = 128 * (1 - loss if rewards else loss) - 32
        other.update(np.where(arm, given, np.nan), seen=arm, chance=play)
    np.testing.assert_array_equal(
        other.certificate_of_estimates(), 128 * plain.certificate_of_estimates()
    )


@every_learner
def test_under_full_information_an_interval_only_checks(learner: Any) -> None:
    plain = Player(learner, np.zeros(2))
    told = Player(learner, np.zeros(2), loss_interval=(0, 100))
    earned = Player(learner, np.zeros(2), rewards=True, loss_interval=(-100, 0))
    for loss in np.asarray([[0.0, 42.0], [7.0, 1.0], [3.0, 3.0]]):
        for player in (plain, told):
            player.predict()
            player.update(loss)
        earned.predict()
        earned.update(-loss)
    for player in (told, earned):
        np.testing.assert_array_equal(player.predict(), plain.predict())
        np.testing.assert_array_equal(player.certificate(), plain.certificate())
    with pytest.raises(ValueError, match=r"loss must lie in \[0.0, 100.0\], got 101"):
        told.update(np.asarray([101.0, 0.0]))


def test_rewards_of_arms_are_not_negative_losses(xp: Any) -> None:
    """AdaHedge on -reward: regret 633 after 16,000 rounds, one seed in five on the worse arm."""
    like = xp.zeros((50, 2), dtype=xp.float64)
    player = Player(experts.adahedge(), like, rewards=True)
    rng = np.random.default_rng(0)
    regret = np.zeros(50)
    for _ in range(2000):
        play = player.predict()
        arm = experts.draw(play, xp.asarray(rng.random((50, 1))))
        reward = xp.asarray((rng.random((50, 2)) < np.asarray([0.4, 0.6])).astype(float))
        player.update(reward, seen=arm, chance=play)
        regret += 0.2 * np.asarray(arm)[:, 0]
    assert regret.mean() < 40
    assert np.all(np.asarray(player.predict())[:, 1] > 0.5)


@pytest.mark.parametrize(
    "interval",
    [
        (1, 0),
        (0, 0),
        (0, float("inf")),
        (float("nan"), 1),
        (0,),
        3,
        "01",
        {0, 1},
        (-1e308, 1e308),
        (False, True),
        (0, 10**400),
    ],
)
def test_an_interval_that_can_never_be_used_is_refused_at_once(xp: Any, interval: Any) -> None:
    with pytest.raises(ValueError, match="loss_interval must be"):
        Player(experts.tsallis_inf(), xp.zeros(2), loss_interval=interval)


@pytest.mark.parametrize("interval", [(1e8, 1e8 + 1), (0.0, 1e39)])
def test_an_interval_that_the_dtype_cannot_resolve_is_refused(xp: Any, interval: Any) -> None:
    Player(experts.tsallis_inf(), xp.zeros(2, dtype=xp.float64), loss_interval=interval)
    with pytest.raises(ValueError, match=r"loss_interval must be one that .*float32 can resolve"):
        Player(experts.tsallis_inf(), xp.zeros(2, dtype=xp.float32), loss_interval=interval)


def test_numbers_of_numpy_in_an_interval_leave_the_dtype_alone() -> None:
    like = np.zeros(2, np.float32)
    player = Player(experts.exp3(), like, loss_interval=(np.float64(0), np.float64(100)))
    play = player.predict()
    player.update(like + 42, seen=like == 0, chance=play)
    assert player.predict().dtype == player.certificate_of_estimates().dtype == np.float32


def test_full_and_bandit_rounds_do_not_mix_once_losses_are_scaled(xp: Any) -> None:
    like = xp.zeros(2)
    player = Player(experts.exp3(), like, loss_interval=(0, 100))
    player.predict()
    player.update(like)
    play = player.predict()
    with pytest.raises(ValueError, match="seen must be given in all rounds or in none"):
        player.update(like, seen=like == 0, chance=play)


@supporting("bandit")
def test_a_certificate_speaks_of_the_estimates_once_seen_was_used(learner: Any) -> None:
    like = np.zeros(2)
    player = Player(learner, like)
    play = player.predict()
    player.update(like)
    np.testing.assert_array_equal(player.certificate(), player.certificate_of_estimates())
    player.predict()
    player.update(like, seen=like == 0, chance=play)
    loaded = Player(learner, like)
    loaded.load_state_dict(player.state_dict())
    for each in (player, loaded):
        with pytest.raises(ValueError, match=r"seen was used.*certificate_of_estimates\(\)"):
            each.certificate()
        assert np.all(each.certificate_of_estimates() >= 0)
