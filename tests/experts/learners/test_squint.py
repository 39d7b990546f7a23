"""Squint: the published rule against scipy, its certificate, and its bounds as inequalities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import experts
from experts import Ledger, bounds
from experts.learners.squint import ImproperRate, UniformRate, solve
from experts.numerics.quadrature import bell
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds


@pytest.mark.parametrize("rate", [ImproperRate(), UniformRate()])
def test_newton_has_converged(rate: Any) -> None:
    b = np.repeat([0.0, 1e-3, 1.0, 50.0, 1e4, 1e6, 1e8], 60)
    start = rate.level(bell(np.zeros_like(b), b))[0]
    steps = np.r_[-np.geomspace(2, 1e-6, 20), np.geomspace(1e-6, 64 * math.log(1e30), 40)]
    target = start + np.tile(steps, 7)
    found = rate.level(bell(solve(rate, np.zeros_like(b), b, target), b))[0]
    np.testing.assert_allclose(found, target, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["improper", "uniform"])
@given(game=games(most_rounds=8))
def test_the_rule_as_published(kind: str, game: Game) -> None:
    game = Game(game.loss[:, :1, :4], np.zeros_like(game.dead[:, :1, :4]))
    power = {"improper": 0, "uniform": 1}[kind]
    total, square = np.zeros((2, game.loss.shape[-1]))
    for play, loss, _ in rounds(experts.squint(kind, loss_range=1.0), game):
        weight = [
            quad(lambda x, r=r, v=v: x**power * math.exp(x * r - x**2 * v), 0, 0.5, epsabs=1e-13)[0]
            for r, v in zip(total, square, strict=True)
        ]
        np.testing.assert_allclose(play[0], np.asarray(weight) / np.sum(weight), rtol=1e-9)
        regret = play[0] @ loss[0] - loss[0]
        total, square = total + regret, square + regret**2


def formula(kind: str, prior: float, t: int, square: np.ndarray) -> np.ndarray:
    if kind == "uniform":
        return np.asarray([bounds.squint_uniform(prior, v) for v in square])
    return np.asarray([bounds.squint_improper(prior, t, v) for v in square])


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize("kind", ["improper", "uniform"])
@given(game=games())
def test_a_priori_bounds(kind: str, opponent: Opponent, game: Game) -> None:
    """Regret <= certificate <= the paper's bound in V_k, for losses in [0, 1], at every round."""
    game = Game(game.loss[:, :1], np.zeros_like(game.dead[:, :1]))
    learner, ledger = experts.squint(kind, loss_range=1.0), Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent):
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        assert np.all(ledger.regret <= certificate + 1e-9)
        bound = formula(kind, 1 / loss.shape[-1], ledger.rounds, state.regrets.square[0])
        assert np.all(certificate[0] <= bound + 1e-9)


@pytest.mark.parametrize("kind", ["improper", "uniform"])
@given(game=games())
def test_the_certificate_solves_its_equation(kind: str, game: Game) -> None:
    """Mean potential = budget if expert k's regret were what is certified."""
    learner = experts.squint(kind, loss_range=1.0)
    *_, (_, _, state) = rounds(learner, game)
    a, b = state.regrets.total / 2, state.regrets.square / 4
    claimed = learner.certificate(state) / 2
    for k in range(game.loss.shape[-1]):
        moved = bell(np.where(np.arange(a.shape[-1]) == k, claimed, a), b)
        share = learner.rate.share(learner.rate.level(moved)[0], np.log(state.prior))
        mean = np.sum(share, -1)
        np.testing.assert_allclose(mean, float(kind == "uniform"), atol=1e-9)


@pytest.mark.parametrize("kind", ["improper", "uniform"])
def test_bounds_on_a_long_game(kind: str) -> None:
    """3,000 rounds of fair coins, 10 experts, then one that is better."""
    rng = np.random.default_rng(0)
    loss = rng.integers(0, 2, (3_000, 1, 10)).astype(float)
    loss[1_500:, 0, 3] = 0
    learner, ledger = experts.squint(kind, loss_range=1.0), Ledger.open(loss[0])
    for play, row, last in rounds(learner, Game(loss, np.zeros_like(loss, dtype=bool))):
        ledger, state = ledger.add(play, row), last
    certificate = learner.certificate(state)[0]
    assert np.all(ledger.regret[0] <= certificate + 1e-9)
    assert np.all(certificate <= formula(kind, 0.1, len(loss), state.regrets.square[0]))


@pytest.mark.parametrize("kind", ["improper", "uniform"])
@pytest.mark.parametrize("loss_range", [None, 1.0])
@given(game=games(), data=st.data())
def test_ranges_that_grow_by_orders_of_magnitude(
    kind: str, loss_range: float | None, game: Game, data: st.DataObject
) -> None:
    size = len(game.loss)
    powers = data.draw(st.lists(st.integers(-9, 9), min_size=size, max_size=size))
    scale = 10.0 ** np.asarray(powers)[:, None, None]
    learner, ledger = experts.squint(kind, loss_range=loss_range), Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game._replace(loss=game.loss * scale)):
        ledger = ledger.add(play, loss)
        slack = learner.certificate(state) - ledger.regret
        assert np.all(slack[state.alive] >= -1e-9 * max(1, scale.max()))


def test_an_unknown_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="prior_on_rate"):
        experts.squint("flat")
