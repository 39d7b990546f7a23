"""Sleeping experts: regret counts only the rounds in which an expert was awake."""

from __future__ import annotations

import numpy as np

import experts
from experts import Ledger, Player


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
