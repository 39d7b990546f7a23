"""CFR and CFR+ on Kuhn poker do what OpenSpiel's do.

The numbers are the probabilities of a bet that OpenSpiel 2.0.2 printed, by information set::

    import pyspiel
    from open_spiel.python.algorithms import cfr
    game = pyspiel.load_game("kuhn_poker")
    for plus in (False, True):
        solver = cfr._CFRSolver(game, alternating_updates=plus, linear_averaging=plus,
                                regret_matching_plus=plus)
        for _ in range(100):
            solver.evaluate_and_update_policy()
        for table in (solver.average_policy(), solver.current_policy()):
            print({s: float(table.policy_for_key(s)[1]) for s in solver._info_state_nodes})

With alternating updates it averages the first player's x_1 ... x_T, not x_2 ... x_{T+1} of which
the bound speaks; there the average of the second player and both last strategies are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts import regret_matching, regret_matching_plus
from experts.games import ZeroSum, kuhn, self_play, tree_game

AVERAGE = {
    "0": 0.19422265948139633, "1": 0.034583333333333334, "2": 0.5509688313272333,
    "0pb": 0.0031025940719442207, "1pb": 0.6269404988952886, "2pb": 0.9944324577570207,
    "0p": 0.30649773881728604, "1p": 0.03772727272727273, "2p": 0.995,
    "0b": 0.005, "1b": 0.436273680187227, "2b": 0.995,
}  # fmt: skip
AVERAGE_PLUS = {
    "0p": 0.331283487158306, "1p": 0.0009900990099009901, "2p": 0.9997029702970297,
    "0b": 9.900990099009902e-05, "1b": 0.3333528875412254, "2b": 0.9999009900990099,
}  # fmt: skip
LAST_PLUS = {
    "0": 0.26701814017082787, "1": 0.0, "2": 0.5863236390123223,
    "0pb": 0.0, "1pb": 0.47537781947805546, "2pb": 1.0,
    "0p": 0.3128702598173322, "1p": 0.0, "2p": 1.0,
    "0b": 0.0, "1b": 0.26097403262679264, "2b": 1.0,
}  # fmt: skip


def bets(game: ZeroSum, plays: tuple[Any, Any]) -> dict[Any, float]:
    """Probability of a bet wherever a player has to choose."""
    sees = (*game.first.sees, *game.second.sees)
    return dict(zip(sees, np.concatenate(plays)[:, 1].tolist(), strict=True))


def test_cfr() -> None:
    game, learner = tree_game(kuhn()), regret_matching()
    match = self_play(learner, learner, game, 100)
    assert bets(game, match.strategies) == pytest.approx(AVERAGE, abs=1e-10)


def test_cfr_plus() -> None:
    game, learner = tree_game(kuhn()), regret_matching_plus()
    match = self_play(learner, learner, game, 100, alternating=True, linear=True)
    found = bets(game, match.strategies)
    assert {s: found[s] for s in AVERAGE_PLUS} == pytest.approx(AVERAGE_PLUS, abs=1e-10)
    last = bets(game, (match.first.play, match.second.play))
    assert last == pytest.approx(LAST_PLUS, abs=1e-10)
