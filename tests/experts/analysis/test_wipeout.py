"""Wipe-out with confidence: the exact probability that it drops the best expert."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts import wipeout


def probability_of_losing(up: float, down: float, horizon: int, delta: float) -> float:
    """Probability that expert 0 of two is ever dropped, by dynamic programming.

    In a round its lag grows by 1 with probability `up` and shrinks by 1 with `down`. The state is
    the lag; mass that the rule drops is counted and removed.
    """
    trail = np.arange(-horizon, horizon + 1)
    loss = np.stack([np.maximum(trail, 0), np.maximum(-trail, 0)], axis=-1).astype(float)
    chance = (trail == 0).astype(float)
    lost = 0.0
    for done in range(1, horizon + 1):
        chance = (1 - up - down) * chance + up * np.roll(chance, 1) + down * np.roll(chance, -1)
        dead = wipeout.unlikely(loss, np.ones(loss.shape, dtype=bool), 1.0, done, horizon, delta)
        lost += chance[dead[:, 0]].sum()
        chance = np.where(dead[:, 0], 0.0, chance)
    return lost


@pytest.mark.parametrize("horizon", [1, 10, 100])
@given(up=st.floats(0, 0.5), better=st.floats(0, 0.2), delta=st.floats(1e-3, 0.999))
def test_the_best_in_the_mean_survives_with_probability_1_minus_delta(
    horizon: int, up: float, better: float, delta: float
) -> None:
    assert probability_of_losing(up, min(1 - up, up + better), horizon, delta) <= delta


@pytest.mark.parametrize("delta", [0.9, 0.1, 0.001])
def test_the_most_unlucky_case(delta: float) -> None:
    """Losses 0 and 1 by a fair coin: the guarantee holds, but experts are dropped."""
    assert 1e-4 * delta < probability_of_losing(0.5, 0.5, 200, delta) <= delta


def test_an_expert_that_is_worse_is_gone_when_its_mean_lead_says_so() -> None:
    """gap t > B sqrt(2 t ln(K T / delta)) from t = 2 ln(K T / delta) (B / gap)**2 on."""
    horizon, gap = 1000, 0.5
    first = 2 * math.log(2 * horizon / 0.05) / gap**2
    for done in (math.floor(first), math.floor(first) + 1):
        loss = np.asarray([0.0, gap * done])
        dead = wipeout.unlikely(loss, np.ones(2, dtype=bool), 1.0, done, horizon, 0.05)
        assert dead.tolist() == [False, done > first]


def test_what_is_refused() -> None:
    loss, alive = np.zeros(2), np.ones(2, dtype=bool)
    with pytest.raises(ValueError, match=r"rounds must lie in \[1, horizon = 5\], got 6"):
        wipeout.unlikely(loss, alive, 1.0, 6, 5, 0.1)
    with pytest.raises(ValueError, match=r"delta must lie in \(0, 1\), got 1"):
        wipeout.unlikely(loss, alive, 1.0, 1, 5, 1)
