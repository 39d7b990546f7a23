"""Strongly adaptive: the regret over every interval against its certificate and its bound."""

from __future__ import annotations

import numpy as np
import pytest

import experts
from experts import Feedback, IntervalLedger, bounds
from experts.learners.strongly_adaptive import StronglyAdaptive, covering
from experts.testing.games import OPPONENTS, Opponent


def play(
    learner: StronglyAdaptive, losses: np.ndarray, opponent: Opponent
) -> tuple[IntervalLedger, np.ndarray]:
    """The ledger of a game, and the copies' certificates after each round (T, J, K)."""
    state, plays, met, certificates = learner.init(losses[0]), [], [], []
    for loss in losses:
        plays.append(learner.predict(state))
        met.append(opponent(loss, plays[-1]))
        state = learner.update(state, plays[-1], Feedback(met[-1]))
        certificates.append(learner.interval_certificate(state))
    return IntervalLedger.of(np.stack(plays), np.stack(met)), np.stack(certificates)


@pytest.mark.parametrize("opponent", OPPONENTS)
@pytest.mark.parametrize("loss_range", [1.0, 0.25])
def test_every_interval_of_short_games(opponent: Opponent, loss_range: float) -> None:
    """Certificates hold for any losses, the bound for those of range `loss_range` = 1."""
    rounds = 21
    for seed in range(3):
        losses = np.random.default_rng(seed).integers(0, 2, (rounds, 3)).astype(float)
        learner = experts.REGISTRY["strongly_adaptive"].make(rounds, loss_range)
        ledger, certificates = play(learner, losses, opponent)
        for start in range(rounds):
            for stop in range(start + 1, rounds + 1):
                blocks = covering(start, stop)
                summed = sum(certificates[(i + 1) * 2**j - 1, j] for j, i in blocks)
                regret = ledger.between(start, stop)
                assert np.all(regret <= summed + 1e-9)
                if loss_range == 1:
                    bound = bounds.strongly_adaptive(3, rounds, stop - start)
                    assert regret.max() <= bound + 1e-9


def test_every_length_in_a_long_changing_game() -> None:
    """The bound means something: below n for long intervals, where Hedge's regret is not."""
    rounds, stretch = 1024, 256
    good = np.arange(rounds) // stretch % 2
    losses = (np.arange(2) != good[:, None]).astype(float)
    learner = experts.REGISTRY["strongly_adaptive"].make(rounds)
    ledger, _ = play(learner, losses, OPPONENTS[0])
    hedge = experts.hedge(horizon=rounds)
    state, plays = hedge.init(losses[0]), []
    for loss in losses:
        plays.append(hedge.predict(state))
        state = hedge.update(state, plays[-1], Feedback(loss))
    static = IntervalLedger.of(np.stack(plays), losses)
    for length in (1, 7, 64, 333, stretch, rounds):
        assert ledger.worst(length) <= bounds.strongly_adaptive(2, rounds, length)
    assert bounds.strongly_adaptive(2, rounds, rounds) < rounds / 4
    assert ledger.worst(stretch) < 50
    assert static.worst(stretch) > 0.9 * stretch


def test_the_covering_is_the_interval_and_short() -> None:
    for start in range(40):
        for stop in range(start + 1, 40):
            blocks = covering(start, stop)
            rounds = [t for j, i in blocks for t in range(i * 2**j, (i + 1) * 2**j)]
            assert rounds == list(range(start, stop))
            lengths = [j for j, _ in blocks]
            assert max(lengths.count(j) for j in lengths) <= 2


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="horizon must be a whole number"):
        experts.REGISTRY["strongly_adaptive"].make(0)
    with pytest.raises(ValueError, match="interval must be at most rounds = 4, got 5"):
        bounds.strongly_adaptive(2, 4, 5)


@pytest.mark.parametrize("start", [1, 2, 3, 1000, 2048])
def test_the_bound_covers_every_union_of_blocks(start: int) -> None:
    """Whatever blocks an interval is made of, the bounds on them add up to no more."""
    k, rounds = 4, 2**14
    total = sum(2**j * -(-rounds // 2**j) for j in range(15))

    def block(m: int) -> float:
        return min(m, bounds.hedge_anytime(k, m) + bounds.squint_uniform(m / total, m))

    for stop in (rounds - 1, rounds - start, rounds - 1000, rounds // 2 + 1):
        blocks = [2**j for j, _ in covering(start, stop)]
        summed = sum(block(m) for m in blocks)
        assert summed <= bounds.strongly_adaptive(k, rounds, stop - start) * (1 + 1e-12)
