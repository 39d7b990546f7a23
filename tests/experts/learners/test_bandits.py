"""Bandit learners suffer no more than their theorems say, on average over many seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import experts
from experts import Feedback, Ledger, bounds

ROUNDS, SEEDS, ARMS = 1500, 200, 4


def means(kind: str, t: int) -> np.ndarray:
    """Expected losses of the arms in round t."""
    if kind == "gaps":
        return np.asarray([0.3, 0.5, 0.6, 0.7])
    if kind == "switching":
        return np.where(np.arange(ARMS) == (0 if t < ROUNDS // 2 else 1), 0.2, 0.8)
    return np.full(ARMS, 0.5)


def regrets(learner: Any, kind: str) -> np.ndarray:
    """Regret of every seed to every arm, (SEEDS, ARMS), against Bernoulli losses."""
    rng = np.random.default_rng(0)
    state = learner.init(np.zeros((SEEDS, ARMS)))
    ledger = Ledger.open(np.zeros((SEEDS, ARMS)))
    for t in range(ROUNDS):
        play = learner.predict(state)
        arm = experts.draw(play, rng.random((SEEDS, 1)))
        loss = (rng.random((SEEDS, ARMS)) < means(kind, t)).astype(float)
        ledger = ledger.add(arm.astype(float), loss)
        revealed = np.where(arm, loss, np.nan)  # what is not seen cannot be used
        state = learner.update(state, play, Feedback(revealed, arm, play))
    return np.asarray(ledger.regret)


@pytest.mark.parametrize("kind", ["gaps", "switching", "coins"])
@pytest.mark.parametrize(
    ("learner", "bound"),
    [
        (experts.exp3(horizon=ROUNDS), bounds.exp3(ARMS, ROUNDS)),
        (experts.exp3(), bounds.exp3_anytime(ARMS, ROUNDS)),
        (experts.tsallis_inf(), bounds.tsallis_inf(ARMS, ROUNDS)),
        (experts.tsallis_inf("reduced"), bounds.tsallis_inf(ARMS, ROUNDS)),
    ],
    ids=["exp3", "exp3_anytime", "tsallis_inf", "tsallis_inf_reduced"],
)
def test_pseudo_regret(learner: Any, bound: float, kind: str) -> None:
    mean = regrets(learner, kind).mean(0)
    assert np.all(mean <= bound)
    if kind == "gaps":
        assert mean.max() > 0.02 * bound, "the learner seems to see what it should not"


def test_exp3_ix_holds_with_high_probability() -> None:
    delta = 0.05
    worst = regrets(experts.exp3_ix(horizon=ROUNDS), "switching").max(-1)
    assert np.mean(worst > bounds.exp3_ix(ARMS, ROUNDS, delta)) <= delta


def test_tsallis_inf_is_better_than_exp3_where_there_are_gaps() -> None:
    """Its regret is logarithmic there, Exp3's is not."""
    tsallis = regrets(experts.tsallis_inf("reduced"), "gaps")[:, 0].mean()
    assert tsallis < 0.5 * regrets(experts.exp3(horizon=ROUNDS), "gaps")[:, 0].mean()
