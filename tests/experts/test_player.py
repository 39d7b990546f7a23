"""`Player`: bad input is refused with the argument's name, in numpy and torch alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import experts
from experts import Player


@pytest.fixture(params=[np, torch], ids=["numpy", "torch"])
def xp(request: pytest.FixtureRequest) -> Any:
    return request.param


def make(xp: Any, **options: Any) -> Player[Any]:
    return Player(experts.hedge(0.5), xp.zeros((2, 3)), **options)


def test_a_masked_array_is_refused() -> None:
    """Its mask would be ignored."""
    player, play = make(np), np.full((2, 3), 1 / 3)
    masked, mask = (np.ma.MaskedArray(values, mask=True) for values in (play, play > 0))
    calls: dict[str, Any] = {
        "like": lambda: Player(player.learner, masked),
        "prior": lambda: make(np, prior=masked),
        "loss": lambda: player.update(masked),
        "play": lambda: player.update(play, play=masked),
        "dead": lambda: player.wipe(mask),
        "awake": lambda: player.predict(mask),
    }
    for name, give in calls.items():
        with pytest.raises(ValueError, match=f"{name} must be an array without a mask"):
            give()


@pytest.mark.parametrize("dtype", [np.dtype(float).newbyteorder(), np.float16])
def test_types_that_the_state_would_not_keep_are_refused(dtype: Any) -> None:
    """A player whose losses are of another byte order would refuse its own predictions."""
    with pytest.raises(ValueError, match="like must be float32 or float64, got"):
        Player(experts.hedge(0.5), np.zeros(3, dtype))


def test_devices_must_match() -> None:
    loss = torch.zeros((2, 3), device="meta")
    player = make(torch)
    player.predict()
    with pytest.raises(ValueError, match="loss must be on cpu, got one on meta"):
        player.update(loss)
    with pytest.raises(ValueError, match="dead must be on cpu, got one on meta"):
        player.wipe(loss == 0)
    with pytest.raises(ValueError, match="prior must be on cpu, got one on meta"):
        make(torch, prior=loss)


def test_where_there_are_no_values_none_is_checked() -> None:
    player = Player(experts.hedge(0.5), torch.zeros(3, device="meta"))
    player.update(player.predict())
    assert player.rounds == 1


def test_switches_must_be_true_or_false() -> None:
    with pytest.raises(ValueError, match="rewards must be True or False, got 'no'"):
        make(np, rewards="no")
    with pytest.raises(ValueError, match="checks must be True or False, got 0"):
        make(np, checks=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_losses_must_be_finite(xp: Any, bad: float) -> None:
    loss = xp.zeros((2, 3))
    loss[1, 2] = bad
    with pytest.raises(ValueError, match=rf"loss must be finite, got {bad} at index \(1, 2\)"):
        make(xp).update(loss)


def test_losses_of_removed_experts_are_ignored(xp: Any) -> None:
    player = make(xp)
    dead = xp.zeros((2, 3)) > 0
    dead[:, 2] = True
    player.wipe(dead)
    loss = xp.zeros((2, 3))
    loss[:, 2] = float("nan")
    player.predict()
    player.update(loss)
    assert np.asarray(player.predict()).tolist() == [[0.5, 0.5, 0.0]] * 2


def test_losses_must_lie_in_the_interval(xp: Any) -> None:
    with pytest.raises(
        ValueError, match=r"loss must lie in \[0.0, 1.0\], got 1.5 at index \(0, 0\)"
    ):
        make(xp, loss_interval=(0, 1)).update(xp.zeros((2, 3)) + 1.5)


def test_shapes_must_match(xp: Any) -> None:
    with pytest.raises(ValueError, match=r"loss has shape \(3,\), expected \(2, 3\)"):
        make(xp).update(xp.zeros(3))
    with pytest.raises(ValueError, match=r"dead has shape \(3,\), expected \(2, 3\)"):
        make(xp).wipe(xp.zeros(3) > 0)
    with pytest.raises(ValueError, match="like must have at least one expert"):
        Player(experts.hedge(0.5), xp.zeros((2, 0)))


def test_arrays_must_be_of_one_library_and_type(xp: Any) -> None:
    with pytest.raises(ValueError, match="like must be an array, got list"):
        Player(experts.hedge(0.5), [0, 0])
    with pytest.raises(ValueError, match=r"loss must be an array of .*, got list"):
        make(xp).update([[0.0] * 3] * 2)
    other = np if xp is torch else torch
    with pytest.raises(ValueError, match=r"loss must be an array of .*, got (Tensor|ndarray)"):
        make(xp).update(other.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"dead must be of type .*bool, got .*float"):
        make(xp).wipe(xp.zeros((2, 3)))


def test_another_float_type_would_spread_to_the_state_and_is_refused(xp: Any) -> None:
    single = {"dtype": xp.float32}
    player = Player(experts.hedge(0.5), xp.zeros((2, 3), **single))
    with pytest.raises(ValueError, match=r"loss must be of type .*float32, got .*float64"):
        player.update(xp.zeros((2, 3), dtype=xp.float64))
    seen, loss = xp.zeros((2, 3)) == 0, xp.zeros((2, 3), **single)
    with pytest.raises(ValueError, match=r"chance must be of type .*float32, got .*float64"):
        player.update(loss, seen=seen, chance=xp.ones((2, 3), dtype=xp.float64))
    with pytest.raises(ValueError, match=r"play must be of type .*float32, got .*float64"):
        player.update(loss, play=xp.zeros((2, 3), dtype=xp.float64) + 1 / 3)
    player.predict()
    player.update(loss)
    assert player.predict().dtype == xp.float32


@pytest.mark.parametrize(
    "learner", [experts.exp3(), experts.exp3(0.1), experts.exp3_ix(), experts.tsallis_inf()]
)
def test_bandit_presets_refuse_losses_outside_of_what_their_bound_is_for(
    xp: Any, learner: Any
) -> None:
    like = xp.zeros((2, 3))
    player = Player(learner, like)
    with pytest.raises(
        ValueError, match=r"loss must lie in \[0.0, 1.0\], got -0.5 at index \(0, 0\)"
    ):
        player.update(like - 0.5, seen=like == 0, chance=like + 1 / 3)
    with pytest.raises(ValueError, match=r"loss must lie in \[0.5, 2.0\], got 0.0"):
        player = Player(learner, like, loss_interval=(0.5, 2))
        player.update(like, seen=like == 0, chance=like + 1 / 3)
    player = Player(learner, like)
    player.predict()
    player.update(like - 0.5)  # with full information the certificate holds for all


def test_projections_lose_sight_of_arms_and_take_no_bandit_feedback(xp: Any) -> None:
    like = xp.zeros((2, 3))
    player = Player(experts.FTRL(experts.Euclidean(), experts.Fixed(1), experts.Weighted()), like)
    with pytest.raises(ValueError, match=r"seen was given, but .*Euclidean.* does not support it"):
        player.update(like, seen=like == 0, chance=like + 1 / 3)


def test_rates_of_a_sweep_are_checked_one_by_one(xp: Any) -> None:
    with pytest.raises(ValueError, match=r"(?s)eta must be positive numbers, got .*-0\.5"):
        experts.hedge(xp.asarray([[1.0], [-0.5]]))
    with pytest.raises(ValueError, match=r"(?s)eta must be positive numbers, got .*inf"):
        experts.hedge(xp.asarray([[1.0], [float("inf")]]))


def test_a_state_of_another_learner_is_refused(xp: Any) -> None:
    saved = Player(experts.hedge(0.5), xp.zeros(2)).state_dict()
    with pytest.raises(ValueError, match=r"saved by FTRL\(.*eta=0.5.*not by FTRL\(.*eta=5.0"):
        Player(experts.hedge(5), xp.zeros(2)).load_state_dict(saved)


def test_bandit_needs_the_chance(xp: Any) -> None:
    seen = xp.zeros((2, 3)) == 0
    with pytest.raises(ValueError, match="chance is needed with seen"):
        make(xp).update(xp.zeros((2, 3)), seen=seen)
    with pytest.raises(ValueError, match=r"chance must lie in \(0, 1\] where seen, got 0.0"):
        make(xp).update(xp.zeros((2, 3)), seen=seen, chance=xp.zeros((2, 3)))


def test_the_prior_must_be_a_distribution(xp: Any) -> None:
    like = xp.zeros(2)
    with pytest.raises(ValueError, match=r"the sum of prior must be 1, got 1.5"):
        Player(experts.hedge(0.5), like, prior=xp.asarray([0.5, 1.0]))
    with pytest.raises(ValueError, match=r"prior must be nonnegative, got -0.5"):
        Player(experts.hedge(0.5), like, prior=xp.asarray([1.5, -0.5]))
    with pytest.raises(ValueError, match=r"prior has shape \(3,\), expected \(2,\)"):
        Player(experts.hedge(0.5), like, prior=xp.asarray([0.5, 0.25, 0.25]))


def test_rounds_beyond_the_horizon_are_refused(xp: Any) -> None:
    player = Player(experts.hedge(horizon=2), xp.zeros(2))
    for _ in range(2):
        player.predict()
        player.update(xp.zeros(2))
    player.predict()
    with pytest.raises(ValueError, match="tuned for a horizon of 2 rounds"):
        player.update(xp.zeros(2))


def test_checks_can_be_switched_off(xp: Any) -> None:
    player = make(xp, checks=False, loss_interval=(0, 1))
    player.predict()
    player.update(xp.zeros((2, 3)) + 1.5)
    assert player.rounds == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (experts.hedge, "exactly one of eta and horizon"),
        (lambda: experts.hedge(0.1, horizon=3), "exactly one of eta and horizon"),
        (lambda: experts.hedge(0.0), "eta must be a positive number, got 0.0"),
        (lambda: experts.hedge(float("nan")), "eta must be a positive number, got nan"),
        (lambda: experts.hedge(horizon=0), "rounds must be a whole number of at least 1, got 0"),
        (
            lambda: experts.hedge(horizon=2.5),  # type: ignore[arg-type]
            "whole number of at least 1, got 2.5",
        ),
        (lambda: experts.hedge(np.float32(-1)), "eta must be a positive number, got"),
        (lambda: experts.anytime_hedge(-1.0), "loss_range must be a positive number, got -1.0"),
        (lambda: experts.Weighted(bias=-1.0), "bias must be a number >= 0, got -1.0"),
        (lambda: experts.wipeout.threshold(1.0, -1), "rounds_left must be at least 0, got -1"),
    ],
)
def test_settings_are_checked(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_name_registers_once() -> None:
    def hedge() -> None: ...

    with pytest.raises(ValueError, match="'hedge' is registered already"):
        experts.register()(hedge)


class FullInformation:
    """A learner that supports nothing beyond full information."""

    horizon = None
    loss_interval = None
    supports: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return "FullInformation()"

    def init(self, like: Any, *, prior: Any = None) -> Any:
        return experts.hedge(1).init(like)

    def predict(self, state: Any) -> Any:
        return experts.hedge(1).predict(state)

    def update(self, state: Any, play: Any, feedback: Any) -> Any:
        raise AssertionError("the facade let it pass")

    def certificate(self, state: Any) -> Any: ...


def test_unsupported_feedback_is_refused_by_name(xp: Any) -> None:
    like, mask = xp.zeros((2, 3)), xp.zeros((2, 3)) == 0
    player = Player(FullInformation(), like, checks=False)
    for name, feature, value in [
        ("seen", "bandit", mask), ("awake", "sleeping", mask), ("play", "delayed", like + 1 / 3)
    ]:  # fmt: skip
        message = rf"{name} was given, but FullInformation\(\) does not support it: {feature}"
        with pytest.raises(ValueError, match=message):
            player.update(like, **{name: value})
    with pytest.raises(ValueError, match="awake was given, but"):
        player.predict(mask)


def test_the_mask_of_awake_experts_is_checked(xp: Any) -> None:
    like, mask = xp.zeros((2, 3)), xp.zeros((2, 3)) == 0
    with pytest.raises(ValueError, match=r"awake must be of type .*bool"):
        make(xp).update(like, awake=like)
    with pytest.raises(ValueError, match=r"awake has shape \(3,\), expected \(2, 3\)"):
        make(xp).predict(mask[0])


def test_a_round_in_which_no_one_is_awake_is_void(xp: Any) -> None:
    player = make(xp)
    awake = xp.zeros((2, 3)) > 0
    awake[1, :2] = True
    play = player.predict(awake)
    assert np.asarray(play).tolist() == [[0, 0, 0], [0.5, 0.5, 0]]
    player.predict(awake & False)
    player.update(xp.zeros((2, 3)) + float("nan"), awake=awake & False)
    assert not np.any(np.asarray(player.state.gap))
    loss = xp.asarray([[float("nan")] * 3, [0.0, 1.0, float("nan")]])
    player.update(loss, awake=awake, play=play)
    np.testing.assert_allclose(np.asarray(player.predict())[0], 1 / 3)


def test_awake_experts_without_weight_get_equal_weights(xp: Any) -> None:
    player = Player(experts.hedge(1e3), xp.zeros(3))
    player.predict()
    player.update(xp.asarray([0.0, 10.0, 10.0]))
    awake = xp.asarray([False, True, True])
    assert np.asarray(player.predict(awake)).tolist() == [0, 0.5, 0.5]
    player.update(xp.asarray([float("nan"), 1.0, 0.0]), awake=awake)
    assert np.all(np.isfinite(np.asarray(player.certificate())))


def test_late_distributions_are_checked(xp: Any) -> None:
    like = xp.zeros((2, 3))
    with pytest.raises(ValueError, match=r"the sum of play must be 1, got 1\.5"):
        make(xp).update(like, play=like + 0.5)
    with pytest.raises(ValueError, match=r"play must be nonnegative, got -1\.0"):
        make(xp).update(like, play=like - 1)


def test_integers_are_refused(xp: Any) -> None:
    """Weights kept in the integers' own type would round to 0 or 1 and learn nothing."""
    whole = xp.zeros((2, 3), dtype=xp.int64)
    with pytest.raises(ValueError, match=r"like must be of a floating point type, got .*int64"):
        Player(experts.hedge(0.5), whole)
    with pytest.raises(ValueError, match=r"loss must be of type .*float.*, got .*int64"):
        make(xp).update(whole)


def test_a_wipe_out_that_would_void_the_certificate_is_refused(xp: Any) -> None:
    learner = experts.FTRL(experts.LogBarrier(), experts.Fixed(1.0), experts.Weighted())
    player = Player(learner, xp.zeros(3))
    with pytest.raises(ValueError, match=r"dead was given, but .* does not support it: wipeout"):
        player.wipe(xp.zeros(3) > 0)


def test_a_preset_that_was_not_called_is_recognised(xp: Any) -> None:
    with pytest.raises(ValueError, match=r"got adahedge; did you mean adahedge\(\.\.\.\)\?"):
        Player(experts.adahedge, xp.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="learner must be a learner, got int"):
        Player(3, xp.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"wrap a sequence of losses .* in environments\.Given"):
        experts.play(experts.adahedge(), np.zeros((5, 3)))  # type: ignore[arg-type]


def test_chance_without_seen_and_an_empty_interval_are_refused(xp: Any) -> None:
    with pytest.raises(ValueError, match="chance was given without seen"):
        make(xp).update(xp.zeros((2, 3)), chance=xp.zeros((2, 3)))
    with pytest.raises(ValueError, match="loss_interval must be"):
        make(xp, loss_interval=(1, 0))
