"""Estimators of losses: unbiased, by enumeration of the arms drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import experts
from experts import Feedback, Player, Shifted, Weighted

weights = hnp.arrays(np.float64, st.integers(1, 8), elements=st.integers(1, 5))


@given(weights=weights, data=st.data())
def test_importance_weights_are_unbiased_by_enumeration(
    weights: np.ndarray, data: st.DataObject
) -> None:
    """E over the drawn arm of the estimate is the loss itself; with a bias it is below."""
    play = weights / weights.sum()
    loss = np.asarray(data.draw(st.lists(st.floats(0, 1), min_size=len(play), max_size=len(play))))
    one = np.ones(1)
    for bias in (0.0, 0.1):
        mean = np.zeros_like(loss)
        for arm, seen in enumerate(np.eye(len(play), dtype=bool)):
            revealed = np.where(seen, loss, np.nan)
            mean += play[arm] * Weighted(bias).estimate(Feedback(revealed, seen, play), one)
        np.testing.assert_allclose(mean, loss * play / (play + bias), atol=1e-12)


def test_importance_weights_are_divided_by_the_chance_of_what_was_seen() -> None:
    """Not by the largest probability, nor by another arm's, nor by the play of a later round."""
    play, loss = np.asarray([0.7, 0.2, 0.1]), np.asarray([0.5, 0.25, 1.0])
    for arm in range(3):
        seen = np.arange(3) == arm
        estimate = Weighted().estimate(Feedback(loss, seen, play), np.ones(1))
        assert estimate[arm] == loss[arm] / play[arm]
        assert np.all(estimate[~seen] == 0)
    # The chance is the round's own, even if the learner's distribution has changed since.
    player, later = (Player(experts.hedge(0.5), loss) for _ in range(2))
    chance = player.predict()
    later.predict()
    later.update(np.asarray([0.0, 1.0, 1.0]))
    for each in (player, later):
        before = np.log(each.predict())
        each.update(loss, seen=np.asarray([False, True, False]), chance=chance)
        change = np.log(each.predict()) - before
        assert change[0] - change[1] == pytest.approx(0.5 * 0.25 / (1 / 3))


def test_reduced_variance_estimates_are_unbiased() -> None:
    play, loss = np.asarray([0.7, 0.25, 0.05]), np.asarray([0.9, 0.2, 0.6])
    for scale in (0.1, 1.0, 3.0, 10.0):
        one = np.asarray([scale])
        mean = np.zeros(3)
        for arm, seen in enumerate(np.eye(3, dtype=bool)):
            feedback = Feedback(np.where(seen, loss, 0.0), seen, play)
            mean += play[arm] * Shifted().estimate(feedback, one)
        np.testing.assert_allclose(mean, loss, atol=1e-12)
