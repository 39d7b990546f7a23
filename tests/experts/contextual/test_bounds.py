"""A-priori bounds of the policies: how they relate, and their edges."""

from __future__ import annotations

import math

import pytest

from experts import bounds


def test_tuned_rates_are_the_best_fixed_ones() -> None:
    n, k, rounds, delta = 7, 4, 500, 0.05
    eta = math.sqrt(2 * math.log(n) / (rounds * min(n, k)))
    tuned = bounds.exp4(n, k, rounds)
    assert tuned == pytest.approx(bounds.exp4_fixed(n, eta, rounds * min(n, k)))
    assert bounds.exp4(3, 9, rounds) == pytest.approx(math.sqrt(2 * rounds * 3 * math.log(3)))
    eta = math.sqrt(2 * math.log(n) / (rounds * k))
    fixed = bounds.exp4_ix_fixed(n, k, rounds, eta, delta)
    assert bounds.exp4_ix(n, k, rounds, delta) == pytest.approx(fixed)


def test_one_expert_and_one_arm() -> None:
    assert bounds.exp4(1, 5, 100) == 0
    assert 0 < bounds.exp4_ix(1, 5, 100, 0.1) < math.inf
    assert 0 < bounds.exp4_ix_anytime(1, 5, 100, 0.1) < math.inf
    assert bounds.linear_thompson(3, 1, 100) == 0
    assert bounds.real_linexp3(3, 1, 100, 3.0) == 0
    assert bounds.linucb(3, 0, 0.1) == 0
