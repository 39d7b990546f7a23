"""Swap regret: its ledger, Blum and Mansour's learner, and stationary distributions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experts import Feedback, adahedge, blum_mansour, bounds, regret_matching_plus
from experts.games import SwapLedger
from experts.learners.swap import Swap
from experts.numerics.stationary import stationary
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds


@given(game=games(most_rounds=5))
def test_swap_regret_is_that_to_the_best_of_all_maps(game: Game) -> None:
    loss = game.loss[:, 0, :4]
    count = loss.shape[-1]
    plays = np.random.default_rng(0).dirichlet(np.ones(count), len(loss))
    ledger = SwapLedger.open(loss[0])
    for play, row in zip(plays, loss, strict=True):
        ledger = ledger.add(play, row)
    paid = (plays * loss).sum()
    maps = {
        chosen: paid - (plays * loss[:, chosen]).sum()
        for chosen in itertools.product(range(count), repeat=count)
    }
    assert ledger.swap == pytest.approx(max(maps.values()))
    one = [gain for chosen, gain in maps.items() if sum(np.arange(count) != chosen) <= 1]
    assert ledger.internal == pytest.approx(max(one))


COPIES = [adahedge(), regret_matching_plus()]


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize("copy", COPIES, ids=["adahedge", "rm_plus"])
@given(game=games(most_rounds=10))
def test_swap_regret_is_at_most_the_certificate(copy: Any, opponent: Opponent, game: Game) -> None:
    learner = Swap(copy)
    game = game._replace(dead=np.zeros_like(game.dead))
    ledger = SwapLedger.open(game.loss[0])
    for play, loss, state in rounds(learner, game, opponent):
        ledger = ledger.add(play, loss)
        assert np.all(ledger.swap <= learner.swap_certificate(state) + 1e-9)


def test_the_a_priori_bound_is_reached_by_copies_that_take_turns() -> None:
    """Each of K copies alone in its share of the rounds."""
    k, share, loss_range, eta = 5, 30, 2.0, 0.3
    adaptive, fixed = bounds.adahedge(k, share, loss_range), bounds.hedge(k, share, eta, loss_range)
    assert bounds.blum_mansour(k, k * share, loss_range) == pytest.approx(k * adaptive)
    assert bounds.blum_mansour_fixed(k, k * share, eta, loss_range) == pytest.approx(k * fixed)


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize("eta", [None, 0.3])
def test_the_a_priori_bound(opponent: Opponent, eta: float | None) -> None:
    """Swap regret <= certificate <= formula, for losses of range 2."""
    learner = blum_mansour(eta)
    for count in (2, 5):
        loss = np.random.default_rng(0).integers(0, 2, (200, 2, count)) * 2.0
        ledger = SwapLedger.open(loss[0])
        for play, met, state in rounds(learner, Game(loss, loss < 0), opponent):
            ledger = ledger.add(play, met)
            certificate = learner.swap_certificate(state)
            if eta is None:
                bound = bounds.blum_mansour(count, ledger.rounds, 2.0)
            else:
                bound = bounds.blum_mansour_fixed(count, ledger.rounds, eta, 2.0)
            assert np.all(ledger.swap <= certificate + 1e-9)
            assert np.all(certificate <= bound + 1e-9)


def test_a_sweep_of_rates_is_one_for_each_problem() -> None:
    """As many problems as experts: the rates are not those of the copies."""
    rng, rates = np.random.default_rng(0), (0.1, 5.0)
    sweep = blum_mansour(np.asarray(rates)[:, None])
    state, alone = sweep.init(np.zeros((2, 2))), [blum_mansour(eta) for eta in rates]
    each = [learner.init(np.zeros(2)) for learner in alone]
    for _ in range(5):
        play, loss = sweep.predict(state), rng.random((2, 2))
        wanted = [learner.predict(one) for learner, one in zip(alone, each, strict=True)]
        np.testing.assert_allclose(play, wanted, rtol=1e-12)
        state = sweep.update(state, play, Feedback(loss))
        each = [
            learner.update(one, p, Feedback(row))
            for learner, one, p, row in zip(alone, each, wanted, loss, strict=True)
        ]


def test_experts_that_never_take_part_owe_nothing() -> None:
    learner = blum_mansour(eta=0.5)
    state = learner.init(np.zeros(3), prior=np.asarray([0.5, 0.5, 0.0]))
    state = learner.update(state, learner.predict(state), Feedback(np.zeros(3)))
    np.testing.assert_allclose(learner.swap_certificate(state), 2 * np.log(2) / 0.5)


@st.composite
def chains(draw: st.DrawFn) -> np.ndarray:
    """Chains with many zeros and entries that are tiny: some states are left for good."""
    count = draw(st.integers(1, 6))
    powers = draw(hnp.arrays(np.int64, (3, count, count), elements=st.integers(0, 8)))
    weight = np.where(powers < 3, 0.0, 10.0 ** (-20.0 * (powers - 3)))
    weight = np.where(weight.sum(-1, keepdims=True) > 0, weight, np.eye(count))
    return np.asarray(weight / weight.sum(-1, keepdims=True))


@given(chain=chains())
def test_a_stationary_distribution_stays(chain: np.ndarray) -> None:
    found = stationary(chain)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-14)
    assert np.all(found >= 0)
    np.testing.assert_allclose((found[..., None] * chain).sum(-2), found, rtol=1e-12, atol=1e-300)


def test_small_entries_are_exact() -> None:
    """A birth-and-death chain, whose stationary distribution is known."""
    up, down = 1e-60, 0.5
    chain = np.asarray([[1 - up, up, 0], [down, 1 - up - down, up], [0, down, 1 - down]])
    ratio = up / down
    np.testing.assert_allclose(stationary(chain), [1, ratio, ratio**2], rtol=1e-14)
