"""The theorems that the docstrings state, as exact inequalities and by enumeration."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import (
    FTRL,
    Euclidean,
    Feedback,
    Fixed,
    Ledger,
    ProductDistribution,
    Tsallis,
    Weighted,
    bounds,
    wipeout,
)
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds

ROUNDS = 20


def parts(regularizer: Any, eta: float) -> FTRL:
    return FTRL(regularizer, Fixed(eta), Weighted())


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize(
    ("learner", "bound"),
    [
        (experts.hedge(0.7), lambda k, t: bounds.hedge(k, t, 0.7)),
        (experts.hedge(horizon=ROUNDS), lambda k, t: bounds.hedge_tuned(k, ROUNDS)),
        (
            experts.exponentiated_gradient(horizon=ROUNDS, bound=0.5),
            lambda k, t: bounds.exponentiated_gradient(k, ROUNDS, bound=0.5),
        ),
        (experts.anytime_hedge(), bounds.hedge_anytime),
        (experts.adahedge(), bounds.adahedge),
        (parts(Tsallis(0.3), 0.7), lambda k, t: bounds.tsallis(k, t, 0.7, 0.3)),
        (parts(Euclidean(), 0.7), lambda k, t: bounds.euclidean(k, t, 0.7)),
    ],
    ids=[
        "hedge",
        "hedge_tuned",
        "exponentiated_gradient",
        "hedge_anytime",
        "adahedge",
        "tsallis",
        "euclidean",
    ],
)
@given(game=games(most_rounds=ROUNDS))
def test_a_priori_bounds(learner: Any, bound: Any, opponent: Opponent, game: Game) -> None:
    """Regret <= certificate <= formula, for losses in [0, 1], at every round."""
    game = game._replace(dead=np.zeros_like(game.dead))
    k = game.loss.shape[-1]
    ledger = Ledger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent):
        ledger = ledger.add(play, loss)
        certificate = learner.certificate(state)
        assert np.all(ledger.regret <= certificate + 1e-9)
        assert np.all(certificate <= bound(k, ledger.rounds) + 1e-9)


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize(
    ("learner", "bound"),
    [
        (experts.hedge(0.7), lambda k, t: bounds.hedge(k, t, 0.7)),
        (experts.anytime_hedge(), bounds.hedge_anytime),
        (experts.adahedge(), bounds.adahedge),
    ],
    ids=["hedge", "hedge_anytime", "adahedge"],
)
def test_a_priori_bounds_of_long_games(learner: Any, bound: Any, opponent: Opponent) -> None:
    """A rate that does not move shows only over many rounds: the bounds grow as sqrt(T)."""
    for count in (2, 10):
        loss = np.random.default_rng(0).integers(0, 2, (1000, 2, count)).astype(float)
        ledger = Ledger.open(loss[0])
        game = Game(loss, np.zeros(loss.shape, dtype=bool))
        for play, met, state in rounds(learner, game, opponent):
            ledger = ledger.add(play, met)
            certificate = learner.certificate(state)
            assert np.all(ledger.regret <= certificate + 1e-9)
            assert np.all(certificate <= bound(count, ledger.rounds) + 1e-9)


@given(game=games(), eta=st.floats(1e-3, 5))
def test_product_of_edges_is_ftrl_over_all_architectures(game: Game, eta: float) -> None:
    """For additive losses, one weight an architecture = one entropic FTRL an edge, same eta."""
    loss = game.loss  # the batch axis is the edges: (T, E, K)
    edges, count = loss.shape[1:]
    architectures = np.asarray(list(itertools.product(range(count), repeat=edges)))  # (A, E)
    learner = experts.hedge(eta)
    per_edge, joint = learner.init(loss[0]), learner.init(np.zeros(len(architectures)))
    for row in loss:
        play = learner.predict(per_edge)
        product = ProductDistribution(play)
        joint_play = learner.predict(joint)
        np.testing.assert_allclose(
            joint_play, np.exp(product.log_probability(architectures)), rtol=1e-9, atol=1e-14
        )
        assert joint_play.max() == pytest.approx(
            np.exp(product.log_probability(product.mode())), rel=1e-9
        )
        total = row[np.arange(edges), architectures].sum(-1)  # (A,)
        per_edge = learner.update(per_edge, play, Feedback(row))
        joint = learner.update(joint, joint_play, Feedback(total))
    # and the joint certificate is the sum of the edges', at every architecture
    by_edge = learner.certificate(per_edge)[np.arange(edges), architectures].sum(-1)
    np.testing.assert_allclose(learner.certificate(joint), by_edge, rtol=1e-9)


@given(
    game=games(),
    eta=st.floats(1e-3, 5),
    ranges=st.lists(st.floats(0.01, 10), min_size=3, max_size=3),
)
def test_regret_over_a_product(game: Game, eta: float, ranges: list[float]) -> None:
    """Regret to the best architecture <= ln|A| / eta + (eta T / 8) sum_e B_e**2."""
    total_rounds, edges, count = game.loss.shape
    size, b = count**edges, math.hypot(*ranges[:edges])
    bound = bounds.hedge(size, total_rounds, eta, b)
    assert bound == pytest.approx(
        math.log(size) / eta + eta * total_rounds / 8 * sum(r**2 for r in ranges[:edges])
    )
    learner = experts.hedge(eta)
    ledger = Ledger.open(game.loss[0])
    state = learner.init(game.loss[0])
    for loss in game.loss * np.asarray(ranges[:edges])[:, None]:
        play = learner.predict(state)
        ledger = ledger.add(play, loss)
        state = learner.update(state, play, Feedback(loss))
    assert ledger.regret.max(axis=-1).sum() <= bound + 1e-9


@given(game=games(most_rounds=8), left=st.integers(0, 3))
def test_wipeout_is_sound_and_tight(game: Game, left: int) -> None:
    """Over every outcome of the rounds left: an expert is dropped if and only if none saves it.

    Sound: a dropped expert is not the best of all at T, whatever follows. Tight: a kept one ends
    at least as good as every other for some continuation. Losses are in {0, 1}, so every expert
    loses 0, 1, ... or `left` more, independently of the others.
    """
    total = game.loss[:, 0].sum(0)
    outcomes = np.asarray(list(itertools.product(range(left + 1), repeat=len(total))))
    final_loss = total + outcomes
    can_be_best = np.any(final_loss == final_loss.min(-1, keepdims=True), axis=0)
    dead = wipeout.hopeless(total, np.ones(len(total), dtype=bool), 1.0, left)
    np.testing.assert_array_equal(dead, ~can_be_best)


@given(game=games(), eta=st.floats(0.05, 2))
def test_regret_bound_with_wipeout(game: Game, eta: float) -> None:
    """R_T <= ln K / eta + eta T B**2 / 8 + (1 / eta) sum ln gamma <= the same without gamma."""
    total_rounds, _, count = game.loss.shape
    learner = experts.hedge(eta)
    state = learner.init(game.loss[0])
    ledger = Ledger.open(game.loss[0])
    log_kept = np.zeros((*game.loss.shape[1:-1], 1))
    for t, loss in enumerate(game.loss):
        play = learner.predict(state)
        state = learner.update(state, play, Feedback(loss))
        ledger = ledger.add(play, loss)
        dead = wipeout.hopeless(state.loss, state.alive, 1.0, total_rounds - t - 1)
        log_kept += wipeout.log_kept(learner.predict(state), dead)
        state = experts.wipe(state, dead)
    for problem in range(game.loss.shape[1]):
        # to the best of all experts, the removed ones included: the survivors hold the best
        regret = ledger.regret[problem].max()
        assert regret == ledger.regret[problem][state.alive[problem]].max()
        bound = bounds.hedge_wipeout(count, total_rounds, eta, float(log_kept[problem, 0]))
        assert regret <= bound + 1e-9
        assert bound <= bounds.hedge(count, total_rounds, eta)


def test_log_kept_at_the_edge_of_the_numbers() -> None:
    dead = np.asarray([False, True])
    assert wipeout.log_kept(np.asarray([1e-20, 1.0]), dead) == pytest.approx(math.log(1e-20))
    assert wipeout.log_kept(np.asarray([1.0, 1e-20]), dead) == pytest.approx(-1e-20, rel=1e-9)
    assert wipeout.log_kept(np.asarray([1.0, 0.0]), dead) == 0
    assert -800 < wipeout.log_kept(np.asarray([0.0, 1.0]), dead) < -700


def test_a_prior_is_normalised_to_the_last_bit() -> None:
    """At eta = 1e-6 a prior off by 1e-4 would put the certificate 90 below a regret of 0."""
    player = experts.Player(experts.hedge(1e-6), np.zeros(2), prior=np.asarray([1.00009, 0.0]))
    player.predict()
    player.update(np.asarray([0.0, 1.0]))
    assert player.certificate()[0] >= 0


def test_wipeout_happens_and_pays() -> None:
    """One expert is better by the whole range: it is alone at half time, and gamma < 1."""
    horizon, learner = 10, experts.hedge(0.3)
    state = learner.init(np.zeros(3))
    log_kept = np.zeros(1)
    for t in range(horizon):
        play = learner.predict(state)
        state = learner.update(state, play, Feedback(np.asarray([0.0, 1.0, 1.0])))
        dead = wipeout.hopeless(state.loss, state.alive, 1.0, horizon - t - 1)
        log_kept += wipeout.log_kept(learner.predict(state), dead)
        state = experts.wipe(state, dead)
        assert state.alive.tolist() == [True, *[t < 5] * 2]
    assert float(log_kept[0]) < math.log(0.9)


def test_xnas_units_are_hedge_units() -> None:
    """L sqrt(2 T ln K) with eta = sqrt(2 ln K / (T L**2)) is Hedge's bound at B = 2L."""
    for k, t, bound in itertools.product([2, 5, 8], [1, 50, 10**4], [0.1, 1.0, 3.0]):
        eta = math.sqrt(2 * math.log(k) / (t * bound**2))
        value = bounds.exponentiated_gradient(k, t, bound)
        assert value == pytest.approx(bound * math.sqrt(2 * t * math.log(k)))
        assert value == pytest.approx(bounds.hedge(k, t, eta, 2 * bound))
        state = experts.exponentiated_gradient(horizon=t, bound=bound).init(np.zeros(k))
        assert 1 / state.clock.scale[0] == pytest.approx(eta)
