"""`Player.state_dict`: ways to save it, back on any library, and what is no such state."""

from __future__ import annotations

import io
import json
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch

import experts
from experts import Player
from experts.testing.games import as_numpy
from tests.experts.test_laws import every_learner

LIBRARIES = {"numpy": np, "torch": torch, "strict": array_api_strict}


def through_json(saved: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(saved, default=lambda array: array.tolist())
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def through_npz(saved: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    state = {f"state.{name}": array for name, array in saved.pop("state").items()}
    np.savez(file, **state, **saved)
    file.seek(0)
    saved = dict(np.load(file))
    inner = [name for name in saved if name.startswith("state.")]
    state = {name.removeprefix("state."): saved.pop(name) for name in inner}
    return saved | {"state": state}


def through_torch(saved: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(saved, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file)
    return loaded


def played(learner: Any, xp: Any, dtype: str = "float64") -> Player[Any]:
    """Some rounds, and one in progress."""
    losses = np.random.default_rng(0).random((4, 2, 3))
    player = Player(learner, xp.asarray(losses[0].tolist(), dtype=getattr(xp, dtype)))
    for loss in losses:
        player.predict()
        player.update(xp.asarray(loss.tolist(), dtype=getattr(xp, dtype)))
    if "sleeping" in learner.supports:
        player.predict(xp.asarray([[True, True, False]] * 2))
    if "wipeout" in learner.supports:
        player.wipe(xp.asarray([[False, True, False]] * 2))
    return player


@every_learner
@pytest.mark.parametrize(
    ("way", "xp"),
    [(through_json, np), (through_json, torch), (through_npz, np), (through_torch, torch)],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_state_comes_back_to_the_last_bit(learner: Any, way: Any, xp: Any, dtype: str) -> None:
    player = played(learner, xp, dtype)
    other = Player(learner, xp.zeros((2, 3), dtype=getattr(xp, dtype)))
    other.load_state_dict(way(player.state_dict()))
    assert other.rounds == 4
    arrays, others = player.state_dict()["state"], other.state_dict()["state"]
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert others[name].dtype == array.dtype
        np.testing.assert_array_equal(as_numpy(others[name]), as_numpy(array))


@pytest.mark.parametrize("source", LIBRARIES)
@pytest.mark.parametrize("target", LIBRARIES)
def test_a_state_comes_back_on_another_library(source: str, target: str) -> None:
    learner, xp = experts.adahedge(), LIBRARIES[target]
    player = played(learner, LIBRARIES[source])
    other: Player[Any] = Player(learner, xp.zeros((2, 3), dtype=xp.float64))
    other.load_state_dict(player.state_dict())
    assert type(other.predict()) is type(xp.zeros(1))
    for each in (player, other):
        each.predict()
    np.testing.assert_array_equal(as_numpy(other.predict()), as_numpy(player.predict()))


@pytest.mark.parametrize("xp", [np, torch], ids=["numpy", "torch"])
def test_a_state_is_a_copy_on_both_ways(xp: Any) -> None:
    player = played(experts.adahedge(), xp)
    before = as_numpy(player.predict())
    saved = player.state_dict()
    other = Player(experts.adahedge(), xp.zeros((2, 3), dtype=xp.float64))
    other.load_state_dict(saved)
    for array in saved["state"].values():
        array[...] = 0
    for each in (player, other):
        np.testing.assert_array_equal(as_numpy(each.predict()), before)
        each.update(xp.zeros((2, 3), dtype=xp.float64))
        assert np.all(np.isfinite(as_numpy(each.certificate())))


def broken(saved: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    state = saved["state"] | {name: value}
    return saved | {"state": state}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: broken(s, "gap", np.asarray([[np.nan], [0.0]])), "gap must be finite, got nan"),
        (lambda s: broken(s, "gap", np.asarray([[np.inf], [0.0]])), "gap must be finite"),
        (
            lambda s: broken(s, "clock.unit", np.zeros((3, 1))),
            r"clock.unit has shape \(3, 1\), exp",
        ),
        (lambda s: broken(s, "alive", np.ones((2, 3))), "alive must be of type bool, got float64"),
        (lambda s: broken(s, "loss", np.ones((2, 3), dtype=bool)), "loss must be of type float64"),
        (
            lambda s: broken(s, "alive", np.zeros((2, 3), dtype=bool)),
            "alive must have at least one",
        ),
        (lambda s: broken(s, "player.play", np.full((2, 3), 0.5)), "sum of player.play must be 1"),
        (
            lambda s: broken(s, "player.strange", np.zeros(1)),
            "do not belong to this learner's state: player.strange",
        ),
        (lambda s: broken(s, "strange", np.zeros(1)), "do not belong to this learner's state"),
        (lambda s: s | {"rounds": "x"}, "rounds must be a whole number of at least 0, got 'x'"),
        (lambda s: s | {"estimates": "False"}, "estimates must be True or False, got 'False'"),
        (lambda s: s | {"unit": float("nan")}, "unit must be a positive number, got nan"),
        (lambda s: s | {"rounds": -1}, "rounds must be a whole number of at least 0, got -1"),
        (lambda s: s | {"rounds": 1.5}, "rounds must be a whole number of at least 0, got 1.5"),
        (lambda s: s | {"rounds": float("nan")}, "rounds must be a whole number"),
        (lambda s: s | {"rounds": float("inf")}, "rounds must be a whole number"),
        (
            lambda s: s | {"estimates": True, "unit": 5.0},
            r"unit must be 1.0, got 5.0.*loss_interval",
        ),
        (lambda s: {"learner": s["learner"]}, "saved lacks estimates, rounds, state, unit"),
    ],
)
def test_what_is_no_state_is_refused_and_changes_nothing(spoil: Any, message: str) -> None:
    player = played(experts.adahedge(), np)
    before = player.state_dict()
    with pytest.raises(ValueError, match=message):
        player.load_state_dict(spoil(player.state_dict()))
    after = player.state_dict()
    assert {k: v for k, v in after.items() if k != "state"} == {
        k: v for k, v in before.items() if k != "state"
    }
    for name, array in before["state"].items():
        np.testing.assert_array_equal(after["state"][name], array)


def test_a_state_without_problems_comes_back_as_text() -> None:
    player = Player(experts.adahedge(), np.zeros((0, 3)))
    player.predict()
    player.update(np.zeros((0, 3)))
    player.load_state_dict(through_json(player.state_dict()))
    assert player.predict().shape == (0, 3)
