"""Hedge from a prior: its bound against every expert, and wipe-outs by the weights."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import Feedback, Ledger, bounds, wipeout
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds

ETAS = st.floats(0.02, 3)
STRENGTHS = st.floats(0, 12)
"""Nats that a prior may prefer one expert by."""


def drawn_prior(shape: tuple[int, ...], strength: float, seed: int) -> np.ndarray:
    """Distributions on the last axis, up to `strength` nats away from the uniform ones."""
    weight = np.exp(strength * np.random.default_rng(seed).random(shape))
    return np.asarray(weight / weight.sum(-1, keepdims=True))


def price(prior: np.ndarray, done: int, eta: float, loss_range: float = 1.0) -> np.ndarray:
    """The bound against every expert."""
    price_of = np.vectorize(lambda p: bounds.hedge_prior(p, done, eta, loss_range))
    return np.asarray(price_of(prior))


@pytest.mark.parametrize("opponent", OPPONENTS)
@given(game=games(), eta=ETAS, strength=STRENGTHS, seed=st.integers(0, 99))
def test_regret_to_every_expert_costs_what_its_prior_says(
    opponent: Opponent, game: Game, eta: float, strength: float, seed: int
) -> None:
    """R(k) <= certificate(k) <= ln(1 / prior_k) / eta + eta T B**2 / 8 after every round."""
    prior = drawn_prior(game.loss.shape[1:], strength, seed)
    game = game._replace(dead=np.zeros_like(game.dead))
    learner, ledger = experts.hedge(eta), Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent, prior=prior):
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        assert np.all(ledger.regret <= certificate + 1e-9)
        assert np.all(certificate <= price(prior, ledger.rounds, eta) + 1e-9)


def test_the_price_is_paid() -> None:
    """An expert that starts with e**-30 and is always right costs nearly 30 / eta."""
    prior, eta = np.asarray([1 - math.exp(-30), math.exp(-30)]), 0.5
    learner = experts.hedge(eta)
    state, ledger = learner.init(np.zeros(2), prior=prior), Ledger.open(np.zeros(2))
    for _ in range(200):
        play, loss = learner.predict(state), np.asarray([1.0, 0.0])
        ledger, state = ledger.add(play, loss), learner.update(state, play, Feedback(loss))
    assert 59 < ledger.regret[1] <= bounds.hedge_prior(prior[1], 200, eta)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_the_uniform_prior_is_hedge(k: int) -> None:
    assert bounds.hedge_prior(1 / k, 40, 0.3, 2.0) == pytest.approx(bounds.hedge(k, 40, 0.3, 2.0))
    assert bounds.hedge_prior(1.0, 0, 0.3) == 0


@given(game=games(most_rounds=12), eta=ETAS, left=st.integers(0, 12))
def test_with_the_uniform_prior_the_rule_on_weights_is_the_rule_on_losses(
    game: Game, eta: float, left: int
) -> None:
    """To the last bit: the last expert lies exactly on the threshold."""
    loss, alive = game.loss.sum(0), ~game.dead[0]
    loss[..., -1] = loss.min(-1) + left
    for count in (1, loss.shape[-1]):  # not normalised: a constant does not matter
        prior = np.full(loss.shape, 1 / count)
        dead = wipeout.outweighed(loss, prior, alive, eta, 1.0, left)
        np.testing.assert_array_equal(dead, wipeout.hopeless(loss, alive, 1.0, left))


def outcomes(count: int, left: int) -> np.ndarray:
    """Every way in which `count` experts can lose in `left` rounds with losses in {0, 1}."""
    return np.asarray(list(itertools.product(range(left + 1), repeat=count)), dtype=float)


@given(
    game=games(most_rounds=8),
    left=st.integers(0, 3),
    eta=ETAS,
    strength=STRENGTHS,
    seed=st.integers(0, 99),
)
def test_a_dropped_expert_cannot_become_the_most_probable_and_a_kept_one_can(
    game: Game, left: int, eta: float, strength: float, seed: int
) -> None:
    """Over every outcome of the rounds left; within 1e-9 of the threshold both will do."""
    total = game.loss[:, 0].sum(0)
    if len(total) == 1:
        return
    prior = drawn_prior(total.shape, strength, seed)
    dead = wipeout.outweighed(total, prior, np.ones(len(total), dtype=bool), eta, 1.0, left)
    weight = np.log(prior) - eta * (total + outcomes(len(total), left))  # (outcomes, K)
    for expert in range(len(total)):
        lead = (weight[:, expert] - np.delete(weight, expert, axis=1).max(1)).max()
        assert dead[expert] or lead > -1e-9
        assert not dead[expert] or lead < 1e-9
    assert not dead.all()


@pytest.mark.parametrize("opponent", OPPONENTS)
@given(game=games(), eta=ETAS, strength=STRENGTHS, seed=st.integers(0, 99))
def test_with_wipe_outs_by_weights_the_bound_holds_for_the_dropped_too(
    opponent: Opponent, game: Game, eta: float, strength: float, seed: int
) -> None:
    prior = drawn_prior(game.loss.shape[1:], strength, seed)
    check_every_expert(game.loss, opponent, prior, eta)


@pytest.mark.parametrize("eta", [0.05, 0.3, 1.5])
def test_long_games_with_many_wipe_outs(eta: float) -> None:
    """Means that differ by experts: in these games nearly everyone is dropped, in chains."""
    generator = np.random.default_rng(1)
    gone = 0
    for opponent, seed in itertools.product(OPPONENTS, range(3)):
        mean = generator.random(6)
        loss = (generator.random((80, 4, 6)) < mean).astype(float)
        gone += check_every_expert(loss, opponent, drawn_prior((4, 6), 8.0, seed), eta)
    assert gone > 100, "hardly anything was dropped: the test shows nothing"


def check_every_expert(
    losses: np.ndarray, opponent: Opponent, prior: np.ndarray, eta: float
) -> int:
    """Play (T, B, K) with the rule; check every expert's bound after every round; the dropped."""
    learner, horizon = experts.hedge(eta), len(losses)
    state = learner.init(losses[0], prior=prior)
    regret = np.zeros(losses.shape[1:])
    for done, drawn in enumerate(losses, 1):
        play = learner.predict(state)
        loss = opponent(drawn, play)
        regret += (play * loss).sum(-1, keepdims=True) - loss
        state = learner.update(state, play, Feedback(loss))
        assert np.all(regret <= price(prior, done, eta) + 1e-9)
        dead = wipeout.outweighed(state.loss, prior, state.alive, eta, 1.0, horizon - done)
        state = experts.wipe(state, dead)
    return int((~state.alive).sum())


def turned(rule: Any, eta: float = 0.1, half: int = 400) -> tuple[float, float]:
    """Regret to an expert with nearly all of the prior in a game that `rule` plays, and its bound.

    It loses 1 in the first half, the other one 1 in the second half, less a round.
    """
    prior, horizon = np.asarray([1 - math.exp(-100), math.exp(-100)]), 2 * half
    learner = experts.hedge(eta)
    state, regret = learner.init(np.zeros(2), prior=prior), 0.0
    for done in range(1, horizon + 1):
        play = learner.predict(state)
        loss = np.asarray([1.0, 0.0] if done <= half + 1 else [0.0, 1.0])
        regret += float(play @ loss) - loss[0]
        state = learner.update(state, play, Feedback(loss))
        state = experts.wipe(state, rule(state, prior, eta, horizon - done))
    return regret, bounds.hedge_prior(prior[0], horizon, eta)


def test_the_rule_on_losses_breaks_the_prior_s_bound_and_the_rule_on_weights_keeps_it() -> None:
    regret, bound = turned(lambda s, p, eta, left: wipeout.hopeless(s.loss, s.alive, 1.0, left))
    assert bound < 11
    assert regret > 390
    regret, bound = turned(
        lambda s, p, eta, left: wipeout.outweighed(s.loss, p, s.alive, eta, 1.0, left)
    )
    assert regret <= bound


def test_experts_without_a_place_and_rates_of_their_own() -> None:
    """Prior 0 is for those that take no part; eta may differ from problem to problem."""
    prior = np.asarray([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
    alive = prior > 0
    loss = np.asarray([[0.0, 3.0, -50.0], [0.0, 3.0, -50.0]])
    eta = np.asarray([[0.1], [10.0]])
    dead = wipeout.outweighed(loss, prior, alive, eta, 1.0, 2)
    assert dead.tolist() == [[False, True, False]] * 2
    skewed = np.asarray([[0.1, 0.9, 0.0]] * 2)
    dead = wipeout.outweighed(loss, skewed, alive, eta, 1.0, 2)
    assert dead.tolist() == [[True, False, False], [False, True, False]]
