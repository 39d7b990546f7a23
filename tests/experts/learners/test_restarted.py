"""Restarts: blocks are games of their own, and Rexp3's dynamic regret is at most its bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import bounds
from experts.environments import Switching
from experts.learners.restarted import restarted, rexp3
from experts.testing.games import Game, final, games


@given(game=games(), every=st.integers(1, 8))
def test_blocks_are_games_of_their_own(game: Game, every: int) -> None:
    game = game._replace(dead=np.zeros_like(game.dead))
    learner = experts.adahedge()
    whole, state = final(restarted(learner, every), game)
    starts = range(0, len(game.loss), every)
    parts = [Game(*(array[start : start + every] for array in game)) for start in starts]
    blocks = [final(learner, part) for part in parts]
    np.testing.assert_array_equal(whole, np.concatenate([plays for plays, _ in blocks]))
    certificates = sum(learner.certificate(end) for _, end in blocks)
    np.testing.assert_allclose(restarted(learner, every).certificate(state), certificates)


@given(game=games(), every=st.integers(1, 8))
def test_regret_to_the_best_expert_of_every_block_is_at_most_the_blocks_certificates(
    game: Game, every: int
) -> None:
    learner = experts.hedge(0.5)
    whole, _ = final(restarted(learner, every), game._replace(dead=np.zeros_like(game.dead)))
    for start in range(0, len(game.loss), every):
        block = slice(start, start + every)
        rounds = len(game.loss[block])
        suffered = np.sum(whole[block] * game.loss[block], axis=(0, -1))
        regret = suffered - game.loss[block].sum(0).min(-1)
        assert np.all(regret <= bounds.hedge(game.loss.shape[-1], rounds, 0.5) + 1e-9)


def test_rexp3_s_dynamic_regret_is_at_most_its_bound() -> None:
    """Over 100 games, up to four standard errors."""
    rounds, switches, arms, gap = 2000, 4, 3, 0.5
    variation = switches * gap
    every = bounds.rexp3_block(arms, rounds, variation)
    world = Switching(arms, rounds, switches, gap)
    trace = experts.play(rexp3(every), world, seeds=100, feedback="bandit")
    assert trace.sequence_regret is not None
    regret = trace.sequence_regret[-1]
    bound = bounds.rexp3(arms, rounds, every, variation)
    assert bound < 0.75 * rounds  # it says something
    assert regret.mean() - 4 * regret.std(ddof=1) / len(regret) ** 0.5 <= bound
    still = experts.play(experts.exp3(), world, seeds=100, feedback="bandit")
    assert still.sequence_regret is not None
    assert regret.mean() < still.sequence_regret[-1].mean()


@pytest.mark.parametrize("variation", [0.0, 0.1, 2.0, 4.04, 50.0, 1e4])
@pytest.mark.parametrize("rounds", [0, 1, 17, 200])
@pytest.mark.parametrize("arms", [1, 2, 4])
def test_the_block_that_is_advised_is_the_best(arms: int, rounds: int, variation: float) -> None:
    advised = bounds.rexp3_block(arms, rounds, variation)
    found = [bounds.rexp3(arms, rounds, every, variation) for every in range(1, rounds + 2)]
    assert bounds.rexp3(arms, rounds, advised, variation) == min(found)


def test_rexp3_names_the_argument_that_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"^every must be a whole number of at least 1, got 0"):
        rexp3(0)


def test_a_block_longer_than_the_learner_s_horizon_is_refused() -> None:
    with pytest.raises(ValueError, match=r"every = 20 exceeds the horizon of .*10"):
        restarted(experts.hedge(horizon=10), 20)
