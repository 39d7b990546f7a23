"""Sleeping experts: regret counts only the rounds in which an expert was awake."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given

import experts
from experts import Ledger, Player
from experts.sleeping import fill, restrict
from experts.testing.games import Game, as_numpy, games


def test_a_sleeping_expert_gets_no_one_else_s_regret() -> None:
    """Expert 2 never wakes: regret 0 and an unmoved weight, however the others fare."""
    player, ledger = Player(experts.adahedge(), np.zeros(3)), Ledger.open(np.zeros(3))
    rng = np.random.default_rng(0)
    mine = np.zeros(3)
    for t in range(200):
        awake = np.asarray([True, t % 2 == 0, False])
        play = player.predict(awake)
        loss = np.where(awake, rng.random(3), np.nan)
        player.update(loss, awake=awake)
        ledger = ledger.add(play, loss, awake)
        for expert in np.flatnonzero(awake):
            mine[expert] += (play * np.where(awake, loss, 0)).sum() - loss[expert]
    np.testing.assert_allclose(ledger.regret, mine, atol=1e-10)
    assert ledger.regret[2] == 0
    assert np.all(player.certificate() >= mine)


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
