"""Joint play of learners: its distance to equilibria is their regret, by brute force."""

from __future__ import annotations

import itertools
import math
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import blum_mansour, regret_matching
from experts.games import deviations, joint_play
from experts.learners.swap import Swap
from experts.testing.games import as_numpy


def best_map(joint: np.ndarray, payoff: np.ndarray, player: int) -> float:
    """What the best of all maps of a player's actions gains, one action after the other."""
    best, count = -np.inf, joint.shape[player]
    for chosen in itertools.product(range(count), repeat=count):
        gain = 0.0
        for told in itertools.product(*map(range, joint.shape)):
            other = (*told[:player], chosen[told[player]], *told[player + 1 :])
            gain += joint[told] * (payoff[other] - payoff[told])
        best = max(best, gain)
    return best


@given(shape=st.sampled_from([(2, 2), (2, 3), (3, 2, 2)]), seed=st.integers(0, 99))
def test_the_distance_to_an_equilibrium_is_at_most_the_certificate(
    shape: tuple[int, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    payoffs = [rng.integers(-4, 5, shape) / 2 for _ in shape]
    found = joint_play([blum_mansour()] * len(shape), payoffs, 10)
    assert found.joint.sum() == pytest.approx(1)
    maps = [best_map(found.joint, payoff, player) for player, payoff in enumerate(payoffs)]
    np.testing.assert_allclose(found.gap, maps, atol=1e-12)
    assert np.all(found.gap <= found.swap_certificate + 1e-9)
    assert np.all(found.coarse_gap <= np.minimum(found.certificate, found.gap) + 1e-9)


@pytest.mark.parametrize("copy", [experts.hedge(1.0), regret_matching()])
def test_swap_regret_players_find_a_correlated_equilibrium(copy: Any) -> None:
    """Shapley's game, where regret matching itself cycles; both players, batches of games."""
    row = np.asarray([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    payoffs = [np.stack([row, 2 * row]), np.stack([np.roll(row, 1, axis=1), row])]
    found = joint_play([Swap(copy)] * 2, payoffs, 500)
    assert found.gap.shape == (2, 2)
    assert np.all(found.gap <= found.swap_certificate)
    assert np.all(found.gap < 0.1)


def test_other_learners_have_a_certificate_for_coarse_equilibria_only() -> None:
    game = np.random.default_rng(0).random((3, 3))
    found = joint_play([regret_matching(), blum_mansour()], [game, 1 - game], 50)
    assert found.gap[0] <= found.swap_certificate[0] == np.ptp(game)
    assert found.gap[1] <= found.swap_certificate[1]
    assert np.all(found.coarse_gap <= found.certificate)


def test_certificates_are_those_of_a_round() -> None:
    """Without losses a copy of Hedge owes ln K / eta; the ranges of two games are their own."""
    payoffs = np.stack([np.zeros((2, 3)), np.diag([5.0, 3.0], 1)[:2]])
    found = joint_play([regret_matching(), blum_mansour(0.5)], [payoffs, 0 * payoffs], 4)
    np.testing.assert_array_equal(found.swap_certificate[:, 0], np.ptp(payoffs, axis=(1, 2)))
    np.testing.assert_allclose(found.swap_certificate[:, 1], 3 * math.log(3) / 0.5 / 4)
    np.testing.assert_allclose(found.certificate[:, 1], 3 * math.log(3) / 0.5 / 4)


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
def test_every_array_library_gives_the_same(xp: Any) -> None:
    payoffs = np.random.default_rng(0).random((2, 4, 2, 3))
    ours, theirs = (
        joint_play([blum_mansour(1.0)] * 2, [each[0, ...], each[1, ...]], 10)
        for each in (payoffs, xp.asarray(payoffs))
    )
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(as_numpy(other), mine, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("learners", "payoffs", "message"),
    [
        (2, [np.eye(2)], "must be one for each of at least 2 players, got 2 and 1"),
        (2, [np.eye(2), np.eye(3)], r"payoffs\[1\] has shape \(3, 3\), expected \(2, 2\)"),
        (2, [np.eye(2), torch.eye(2)], r"payoffs\[1\] must be an array of .*numpy, got Tensor"),
        (2, [np.eye(2), np.eye(2, dtype=np.float32)], r"payoffs\[1\] must be of type float64"),
        (2, 1.0, "payoffs must be a list, one for each player, got 1.0"),
        (3, [np.eye(2)] * 3, r"payoffs must be arrays of at least 3 axes, .*, got \(2, 2\)"),
        (2, [np.eye(2, dtype=int)] * 2, "payoffs must be of a floating point type"),
        (2, [np.eye(2), np.eye(2) + np.inf], "payoffs must be finite"),
    ],
)
def test_what_is_no_game_is_refused(learners: int, payoffs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        joint_play([blum_mansour()] * learners, payoffs, 5)


def test_a_learner_alone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"learners must be a list, .*, got Swap"):
        joint_play(blum_mansour(), [np.eye(2)] * 2, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("player", [-1, 2])
def test_deviations_of_nobody_are_refused(player: int) -> None:
    with pytest.raises(ValueError, match=f"player must be in 0, ..., 1, got {player}"):
        deviations(np.eye(2) / 2, np.eye(2), player, 2)


def test_more_rounds_than_a_player_is_tuned_for_are_refused() -> None:
    players: list[Any] = [blum_mansour(), experts.hedge(horizon=3)]
    with pytest.raises(ValueError, match="rounds = 5 exceeds the player 1's horizon of 3 rounds"):
        joint_play(players, [np.eye(2)] * 2, 5)
