"""ML-Poly, ML-Prod, BOA: the published rules by plain loops, and the bounds as inequalities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import Feedback, Ledger, bounds
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds

Rule = Callable[[list[np.ndarray], int], np.ndarray]
"""From the instantaneous regrets of the rounds played, each (K,), to the next distribution."""


def poly(regrets: list[np.ndarray], k: int) -> np.ndarray:
    total, inverse = np.zeros(k), np.ones(k)
    for r in regrets:
        total, inverse = total + r, inverse + r**2
    weight = np.where(total > 1e-12, total, 0) / inverse
    return np.asarray(weight / weight.sum()) if weight.sum() else np.full(k, 1 / k)


def prod(regrets: list[np.ndarray], k: int) -> np.ndarray:
    def rate(square: np.ndarray) -> np.ndarray:
        return np.minimum(0.5, np.sqrt(max(math.log(k), k == 1) / (1 + square)))

    weight, square = np.full(k, 1 / k), np.zeros(k)
    for r in regrets:
        old, new = rate(square), rate(square + r**2)
        weight, square = (weight * (1 + old * r)) ** (new / old), square + r**2
    weight = rate(square) * weight
    return np.asarray(weight / weight.sum())


def bernstein(regrets: list[np.ndarray], k: int) -> np.ndarray:
    gain, square, rate = np.zeros(k), np.zeros(k), np.full(k, 0.5)
    for r in regrets:
        gain, square = gain + r - rate * r**2, square + r**2
        rate = np.minimum(0.5, np.sqrt(max(math.log(k), k == 1) / np.maximum(square, 1e-300)))
    # exp(-ln K / eta_0 * eta): the prior takes part in the change of rate, as in the proof
    weight = rate * np.exp(rate * (gain - 2 * math.log(k)))
    return np.asarray(weight / weight.sum())


PUBLISHED = [
    pytest.param(experts.ml_poly(1.0), poly, id="ml_poly"),
    pytest.param(experts.ml_prod(1.0), prod, id="ml_prod"),
    pytest.param(experts.boa(1.0), bernstein, id="boa"),
]


@pytest.mark.parametrize(("learner", "rule"), PUBLISHED)
@given(game=games())
def test_the_rule_as_published(learner: Any, rule: Rule, game: Game) -> None:
    game = Game(game.loss[:, :1], np.zeros_like(game.dead[:, :1]))
    past: list[np.ndarray] = []
    for play, loss, _ in rounds(learner, game):
        np.testing.assert_allclose(play[0], rule(past, loss.shape[-1]), atol=1e-9)
        past.append(play[0] @ loss[0] - loss[0])


def poly_bound(k: int, t: int, square: np.ndarray) -> np.ndarray:
    return np.full(np.shape(square), bounds.ml_poly(k, t))


with_bounds = pytest.mark.parametrize(
    ("learner", "bound"),
    [
        (experts.ml_poly(1.0), poly_bound),
        (experts.ml_prod(1.0), np.vectorize(bounds.ml_prod)),
        (experts.boa(1.0), np.vectorize(bounds.boa)),
    ],
    ids=["ml_poly", "ml_prod", "boa"],
)


@with_bounds
@pytest.mark.parametrize("opponent", OPPONENTS)
@given(game=games())
def test_a_priori_bounds(learner: Any, bound: Any, opponent: Opponent, game: Game) -> None:
    """Regret <= certificate <= formula in T and V_k, for losses in [0, 1], at every round."""
    game = game._replace(dead=np.zeros_like(game.dead))
    ledger = Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent):
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        assert np.all(ledger.regret <= certificate + 1e-9)
        formula = bound(game.loss.shape[-1], ledger.rounds, state.regrets.square)
        assert np.all(certificate <= formula + 1e-9)


@with_bounds
def test_bounds_on_a_long_game(learner: Any, bound: Any) -> None:
    """20,000 rounds of fair coins, 10 experts, then one expert that is better."""
    rng = np.random.default_rng(0)
    loss = rng.integers(0, 2, (20_000, 10)).astype(float)
    loss[10_000:, 3] = 0
    state, ledger = learner.init(loss[0]), Ledger.open(loss[0])
    for row in loss:
        play = learner.predict(state)
        state, ledger = learner.update(state, play, Feedback(row)), ledger.add(play, row)
    formula = bound(10, len(loss), state.regrets.square)
    certificate = learner.certificate(state)
    assert np.all(ledger.regret <= certificate)
    assert np.all(certificate <= formula)


@pytest.mark.parametrize("make", [experts.ml_poly, experts.ml_prod, experts.boa])
@given(game=games(), scale=st.sampled_from([1e-9, 1e-3, 1e3, 1e9]))
def test_without_a_range_the_scale_of_the_losses_does_not_matter(
    make: Any, game: Game, scale: float
) -> None:
    scaled = rounds(make(), game._replace(loss=game.loss * scale))
    for (play, _, state), (other, _, other_state) in zip(rounds(make(), game), scaled, strict=True):
        np.testing.assert_allclose(other, play, atol=1e-9)
        certificate = make().certificate(state)[state.alive]
        np.testing.assert_allclose(
            make().certificate(other_state)[state.alive] / scale, certificate, rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize("make", [experts.ml_poly, experts.ml_prod, experts.boa])
@pytest.mark.parametrize("loss_range", [None, 1.0])
@given(game=games(), data=st.data())
def test_ranges_that_grow_by_orders_of_magnitude(
    make: Any, loss_range: float | None, game: Game, data: st.DataObject
) -> None:
    powers = data.draw(
        st.lists(st.integers(-9, 9), min_size=len(game.loss), max_size=len(game.loss))
    )
    scale = 10.0 ** np.asarray(powers)[:, None, None]
    learner, ledger = make(loss_range), Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game._replace(loss=game.loss * scale)):
        ledger = ledger.add(play, loss)
        slack = learner.certificate(state) - ledger.regret
        assert np.all(slack[state.alive] >= -1e-9 * max(1, scale.max()))


@pytest.mark.parametrize("make", [experts.ml_poly, experts.ml_prod, experts.boa])
@pytest.mark.parametrize("loss_range", [0.0, -1.0, float("nan"), float("inf")])
def test_a_range_that_is_none_is_refused(make: Any, loss_range: float) -> None:
    with pytest.raises(ValueError, match="loss_range"):
        make(loss_range)


def test_bandit_feedback_is_refused() -> None:
    learner = experts.ml_poly()
    state = learner.init(np.zeros(2))
    seen = np.asarray([True, False])
    with pytest.raises(ValueError, match="full information"):
        learner.update(state, learner.predict(state), Feedback(np.zeros(2), seen, seen * 0.5))
