"""Regret matching: the a-priori bounds, and that RM+ bounds the regret over every late interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from experts import (
    Feedback,
    IntervalLedger,
    Ledger,
    bounds,
    predictive_regret_matching,
    regret_matching,
    regret_matching_plus,
)
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds

CASES = [
    pytest.param(regret_matching(), bounds.regret_matching, id="rm"),
    pytest.param(regret_matching_plus(), bounds.regret_matching, id="rm_plus"),
    pytest.param(predictive_regret_matching(), bounds.predictive_regret_matching, id="predictive"),
]


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize(("learner", "bound"), CASES)
def test_a_priori_bounds(learner: Any, bound: Any, opponent: Opponent) -> None:
    """Regret <= certificate <= formula, for losses of range 3, at every round."""
    for count in (2, 5):
        loss = np.random.default_rng(0).integers(0, 2, (500, 2, count)) * 3.0
        ledger = Ledger.open(loss[0])
        for play, met, state in rounds(learner, Game(loss, loss < 0), opponent):
            ledger = ledger.add(play, met)
            certificate = learner.certificate(state)
            limit = bound(count, ledger.rounds, 3.0)
            assert np.all(ledger.regret <= certificate + 1e-9)
            assert np.all(certificate <= limit * (1 + 1e-11))


@pytest.mark.parametrize("learner", [regret_matching_plus(), predictive_regret_matching()])
@given(game=games())
def test_cut_regrets_bound_every_interval_that_ends_now(learner: Any, game: Game) -> None:
    game = game._replace(dead=np.zeros_like(game.dead))
    plays, losses, states = zip(*rounds(learner, game), strict=True)
    ledger = IntervalLedger.of(np.stack(plays), np.stack(losses))
    for stop, state in enumerate(states, 1):
        for start in range(stop):
            assert np.all(ledger.between(start, stop) <= state.regret + 1e-12)
            assert np.all(state.regret <= learner.certificate(state) + 1e-9)


@pytest.mark.parametrize("learner", [regret_matching(), predictive_regret_matching()])
def test_the_certificate_is_the_sum_of_squares(learner: Any) -> None:
    """Recomputed, while the range grows from round to round."""
    rng, state, square, guess = np.random.default_rng(0), learner.init(np.zeros(3)), 0.0, 0.0
    for t in range(6):
        play, loss = learner.predict(state), rng.random(3) * 10.0**t
        regret = play @ loss - loss
        square += ((regret - guess) ** 2).sum()
        guess = regret if learner.predictive else 0.0  # theta is below the precision asked for
        state = learner.update(state, play, Feedback(loss))
        np.testing.assert_allclose(learner.certificate(state), np.sqrt(square), rtol=1e-10)


def test_the_bound_of_a_round_is_reached() -> None:
    """All weight on the one loss that is B: every other regret is B."""
    learner = regret_matching()
    state = learner.init(np.zeros(4), prior=np.asarray([1.0, 1e-30, 1e-30, 1e-30]))
    play = learner.predict(state)
    regret = play @ np.asarray([1.0, 0, 0, 0]) - np.asarray([1.0, 0, 0, 0])
    assert np.sqrt(regret @ regret) == pytest.approx(bounds.regret_matching(4, 1))
