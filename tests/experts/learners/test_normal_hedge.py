"""NormalHedge: the published rule with scipy's root finder, its scale, and its bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import brentq

import experts
from experts import Feedback, Ledger, bounds
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds


def published(regret: np.ndarray) -> np.ndarray:
    x = np.where(regret > 1e-12, regret, 0)
    if not x.any():
        return np.full(len(x), 1 / len(x))
    x = x / x.max()
    tilt = brentq(lambda s: np.log(np.mean(np.exp(s * x**2))) - 1, 0.5, 50, xtol=1e-14)
    weight = x * np.exp(tilt * x**2)
    return np.asarray(weight / weight.sum())


@given(game=games())
def test_the_rule_as_published(game: Game) -> None:
    game = Game(game.loss[:, :1], np.zeros_like(game.dead[:, :1]))
    regret = np.zeros(game.loss.shape[-1])
    for play, loss, _ in rounds(experts.normal_hedge(), game):
        np.testing.assert_allclose(play[0], published(regret), atol=1e-9)
        regret = regret + play[0] @ loss[0] - loss[0]


@pytest.mark.parametrize("opponent", OPPONENTS)
@given(game=games())
def test_a_priori_bound(opponent: Opponent, game: Game) -> None:
    """Regret <= certificate <= formula, for losses in [0, 1], at every round."""
    game = game._replace(dead=np.zeros_like(game.dead))
    learner, ledger = experts.normal_hedge(), Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent):
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        assert np.all(ledger.regret <= certificate + 1e-9)
        assert np.all(certificate <= bounds.normal_hedge(loss.shape[-1], ledger.rounds) + 1e-9)


def test_bound_and_size_of_the_certificate_on_a_long_game() -> None:
    """5,000 rounds on the favourite: the certificate is of the order of sqrt(T ln K)."""
    k, total = 10, 5_000
    learner = experts.normal_hedge()
    state = learner.init(np.zeros(k))
    for _ in range(total):
        play = learner.predict(state)
        state = learner.update(state, play, Feedback((play == play.max()).astype(float)))
    certificate = learner.certificate(state).max()
    assert state.regret.max() <= certificate <= bounds.normal_hedge(k, total)
    assert certificate <= 3 * np.sqrt(total * np.log(k))


def test_the_scale_is_found_for_many_experts() -> None:
    """K = 1e5, one leader among noise, or all alike, or a handful: the sum is e."""
    learner = experts.normal_hedge()
    start = learner.init(np.zeros(100_000))
    noise = np.random.default_rng(0).normal(size=100_000)
    for regret in (noise, np.abs(noise) ** 9, noise + 100, 0 * noise + 1, np.eye(1, 100_000)[0]):
        state = start._replace(regret=regret)
        root = learner.certificate(state)[0] / np.sqrt(1 + np.log(100_000))  # sqrt(2c)
        assert np.mean(np.exp((np.maximum(regret, 0) / root) ** 2)) == pytest.approx(np.e, rel=1e-9)
