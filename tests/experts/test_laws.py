"""Every registered learner x every law. No branch on a name, no skip list."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import (
    FTRL,
    REGISTRY,
    Anytime,
    Euclidean,
    Feedback,
    Fixed,
    Gap,
    Horizon,
    Ledger,
    LogBarrier,
    Player,
    Tsallis,
    Weighted,
)
from experts.numerics.state import from_arrays, to_arrays
from tests.experts.games import OPPONENTS, Game, Opponent, as_numpy, final, games, rounds

LEARNERS = [
    pytest.param(entry.make(**example), id=f"{name}-{index}")
    for name, entry in REGISTRY.items()
    for index, example in enumerate(entry.examples)
]
LEARNERS += [
    pytest.param(FTRL(regularizer, rate, Weighted()), id=f"{regularizer!r}-{rate!r}")
    for regularizer, rate in (
        (Tsallis(0.2), Gap()),
        (Tsallis(), Horizon(50)),
        (LogBarrier(), Fixed(0.5)),
        (Euclidean(), Anytime()),
        (Euclidean(), Gap()),
    )
]
every_learner = pytest.mark.parametrize("learner", LEARNERS)


@every_learner
@given(game=games())
def test_plays_are_on_the_simplex_and_the_dead_stay_at_exactly_zero(
    learner: Any, game: Game
) -> None:
    alive = np.ones(game.loss.shape[1:], dtype=bool)
    for play, _, state in rounds(learner, game):
        assert np.all(play >= 0)
        np.testing.assert_allclose(play.sum(-1), 1, rtol=1e-12)
        assert np.all(play[~state.alive] == 0)
        assert not np.any(state.alive & ~alive), "an expert came back"
        assert np.all(state.alive.any(-1)), "a problem lost all of its experts"
        alive = state.alive


@every_learner
@pytest.mark.parametrize("opponent", OPPONENTS)
@given(game=games())
def test_regret_never_exceeds_the_certificate(learner: Any, opponent: Opponent, game: Game) -> None:
    ledger = Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent):
        ledger = ledger.add(play, loss)
        slack = learner.certificate(state) - ledger.regret
        assert np.all(slack[state.alive] >= -1e-9)


@every_learner
@given(game=games(), data=st.data())
def test_a_prior_of_zero_is_never_played_and_the_certificate_holds(
    learner: Any, game: Game, data: st.DataObject
) -> None:
    count = game.loss.shape[-1]
    weights = data.draw(st.lists(st.integers(0, 9), min_size=count, max_size=count).filter(any))
    prior = np.asarray(weights) / sum(weights)
    ledger = Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, prior=prior):
        assert np.all(play[..., prior == 0] == 0)
        ledger = ledger.add(play, loss)
        slack = learner.certificate(state) - ledger.regret
        assert np.all(slack[state.alive] >= -1e-9)


@every_learner
@given(game=games(), shift=st.integers(-100, 100))
def test_a_constant_added_to_all_losses_changes_nothing(
    learner: Any, game: Game, shift: int
) -> None:
    plays, state = final(learner, game)
    shifted_plays, shifted = final(learner, game._replace(loss=game.loss + shift))
    np.testing.assert_allclose(shifted_plays, plays, atol=1e-12)
    np.testing.assert_allclose(learner.certificate(shifted), learner.certificate(state), atol=1e-10)


@every_learner
@given(game=games(), seed=st.integers(0, 2**32 - 1))
def test_permuted_experts_give_permuted_plays(learner: Any, game: Game, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(game.loss.shape[-1])
    plays, _ = final(learner, game)
    permuted, _ = final(learner, Game(game.loss[..., order], game.dead[..., order]))
    np.testing.assert_allclose(permuted, plays[..., order], atol=1e-9)


@every_learner
@given(game=games())
def test_batched_equals_looped(learner: Any, game: Game) -> None:
    batched, state = final(learner, game)
    for problem in range(game.loss.shape[1]):
        alone, alone_state = final(learner, Game(game.loss[:, problem], game.dead[:, problem]))
        np.testing.assert_allclose(batched[:, problem], alone, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(
            learner.certificate(state)[problem], learner.certificate(alone_state), rtol=1e-12
        )


@every_learner
@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
@given(game=games())
def test_numpy_equals_other_libraries(learner: Any, xp: Any, game: Game) -> None:
    plays, state = final(learner, game)
    others, other_state = final(learner, game, xp=xp)
    np.testing.assert_allclose(others, plays, atol=1e-9)
    for name, array in to_arrays(other_state).items():
        np.testing.assert_allclose(as_numpy(array), to_arrays(state)[name], atol=1e-8)


@every_learner
@given(game=games(), data=st.data())
def test_a_saved_and_loaded_player_continues_identically(
    learner: Any, game: Game, data: st.DataObject
) -> None:
    pause = data.draw(st.integers(0, len(game.loss)))
    player, plays = Player(learner, game.loss[0]), []
    for t, loss in enumerate(game.loss):
        if t == pause:
            saved = player.state_dict()
            player = Player(learner, game.loss[0])
            player.load_state_dict(saved)
        plays.append(player.predict())
        player.update(loss)
    whole, _ = final(learner, game._replace(dead=np.zeros_like(game.dead)))
    np.testing.assert_array_equal(np.stack(plays), whole)


@every_learner
@given(game=games())
def test_arguments_are_left_untouched_and_may_be_read_only(learner: Any, game: Game) -> None:
    state = learner.init(game.loss[0])
    for loss, dead in zip(game.loss, game.dead, strict=True):
        play = learner.predict(state)
        arrays = [loss, dead, play, *to_arrays(state).values()]
        before = [array.copy() for array in arrays]
        for array in arrays:
            array.flags.writeable = False
        after = learner.update(experts.wipe(state, dead), play, Feedback(loss))
        for array, copy in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(array, copy)
        state = after


@every_learner
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("prior", [None, np.asarray([0.1, 0.2, 0.3, 0.4])])
def test_dtype_is_kept(learner: Any, dtype: Any, prior: Any) -> None:
    loss = np.random.default_rng(0).random((30, 4)).astype(dtype)
    state = learner.init(loss[0], prior=prior)
    for row in loss:
        play = learner.predict(state)
        state = learner.update(state, play, Feedback(row))
        assert play.dtype == learner.certificate(state).dtype == dtype
    assert {a.dtype for a in to_arrays(state).values()} == {np.dtype(bool), np.dtype(dtype)}


class HostReadError(Exception):
    """An array's value was asked for on the host."""


@every_learner
def test_no_eager_read(learner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    loss = array_api_strict.asarray(rng.random((5, 3, 4)))
    uniforms = array_api_strict.asarray(rng.random((5, 3, 1)))
    dead = array_api_strict.asarray(rng.random((5, 3, 4)) < 0.1)

    def read(self: Any, *_: Any) -> None:
        raise HostReadError

    for name in ("__bool__", "__float__", "__int__", "__index__"):
        monkeypatch.setattr(type(loss), name, read)
    with array_api_strict.ArrayAPIStrictFlags(
        boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=()
    ):
        state = learner.init(loss[0, ...])
        for t in range(5):
            state = experts.wipe(state, dead[t, ...])
            play = learner.predict(state)
            seen = experts.draw(play, uniforms[t, ...])
            bandit = Feedback(loss[t, ...], seen, play)
            met = bandit if "bandit" in learner.supports else Feedback(loss[t, ...])
            state = learner.update(state, play, met)
            learner.certificate(state)
        with pytest.raises(HostReadError):  # the trap works
            float(array_api_strict.sum(learner.certificate(state)))


@every_learner
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(np.float64, 1e-200), (np.float64, 1e200), (np.float32, 1e-30), (np.float32, 1e20)],
)
@given(game=games())
def test_extreme_losses_stay_finite_and_certified(
    learner: Any, dtype: Any, scale: float, game: Game
) -> None:
    """Squares of these losses are 0 or infinite in their type."""
    rounding = (1e6 if dtype is np.float64 else 64) * np.finfo(dtype).eps
    losses = ((game.loss - 0.5) * scale).astype(dtype)
    ledger = Ledger.open(losses[0])
    for play, loss, state in rounds(learner, game._replace(loss=losses)):
        np.testing.assert_allclose(play.sum(-1), 1, rtol=4 * len(play) * np.finfo(dtype).eps)
        ledger = ledger.add(play, loss)
        slack = learner.certificate(state) - ledger.regret
        assert np.all(slack[state.alive] >= -rounding * max(1, scale))


@every_learner
def test_a_round_trip_through_arrays_refuses_what_is_not_its_own(learner: Any) -> None:
    state = learner.init(np.zeros(3))
    arrays = to_arrays(state)
    assert to_arrays(from_arrays(state, arrays)).keys() == arrays.keys()
    with pytest.raises(ValueError, match="strange"):
        from_arrays(state, arrays | {"strange": np.zeros(3)})
    with pytest.raises(ValueError, match=r"alive has shape \(2,\), expected \(3,\)"):
        from_arrays(state, arrays | {"alive": np.ones(2, dtype=bool)})
