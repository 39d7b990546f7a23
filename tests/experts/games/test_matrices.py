"""Matrix games: averages, certificates, values, and optimistic Hedge's constant regret."""

from __future__ import annotations

import math
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog

import experts
from experts import REGISTRY, bounds, regret_matching, regret_matching_plus
from experts.games import Match, matrix_game, self_play
from experts.testing.games import as_numpy

LIMIT = 2 * (math.sqrt(2) - 1)
"""The largest eta of optimistic Hedge with itself, for payoffs of range 1."""


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Payoffs in [0, 1], two games at once."""
    shape = (2, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    return draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 8))) / 8


def value(payoffs: np.ndarray) -> float:
    """By linear programming: the largest v with x' A >= v for a distribution x."""
    rows, columns = payoffs.shape
    solved = linprog(
        [*np.zeros(rows), -1.0],
        A_ub=np.hstack([-payoffs.T, np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=[[*np.ones(rows), 0.0]],
        b_eq=[1.0],
        bounds=[(0, 1)] * rows + [(None, None)],
    )
    return float(-solved.fun)


@pytest.mark.parametrize("alternating", [False, True], ids=["together", "alternating"])
@pytest.mark.parametrize("name", REGISTRY)
def test_the_gap_is_at_most_the_certificate(name: str, alternating: bool) -> None:
    """For any two learners; the other one is AdaHedge."""
    entry, rng = REGISTRY[name], np.random.default_rng(0)
    payoffs = rng.integers(-8, 9, (20, 3, 4)) / 4
    learner = entry.make(**entry.examples[0])
    match = Match.open(learner, experts.adahedge(), matrix_game(payoffs), alternating=alternating)
    for _ in range(min(40, learner.horizon or 40)):
        match = match.step()
        x, y = (play[:, 0] for play in match.strategies)
        earned = np.einsum("gij,gj->gi", payoffs, y).max(-1)
        paid = np.einsum("gij,gi->gj", payoffs, x).min(-1)
        np.testing.assert_allclose(match.gap, earned - paid, atol=1e-12)
        assert np.all(match.gap <= match.certificate + 1e-9)


@pytest.mark.parametrize("linear", [False, True], ids=["even", "linear"])
@pytest.mark.parametrize("alternating", [False, True], ids=["together", "alternating"])
def test_the_certificate_is_the_one_of_the_proof(alternating: bool, linear: bool) -> None:
    """Both certificates in the weights of the rounds, less the drift; term by term."""
    payoffs, learner = np.random.default_rng(0).random((3, 4)), regret_matching_plus()
    options = {"alternating": alternating, "linear": linear}
    match, drift, rounds = Match.open(learner, learner, matrix_game(payoffs), **options), 0.0, 7
    for t in range(1, rounds + 1):
        before, match = match, match.step()
        x, y = before.first.play[0], before.second.play[0]
        drift += (t if linear else 1) * (match.first.play[0] - x) @ payoffs @ y
    sides = [side.learner.certificate(side.state).max() for side in (match.first, match.second)]
    most, weight = (rounds, rounds * (rounds + 1) / 2) if linear else (1, rounds)
    wanted = most * sum(sides) - (drift if alternating else 0)
    assert match.certificate * weight == pytest.approx(wanted, rel=1e-12)


@given(payoffs=matrices())
def test_the_value_is_in_the_interval(payoffs: np.ndarray) -> None:
    learner = regret_matching_plus()
    match = self_play(learner, learner, matrix_game(payoffs), 20, alternating=True, linear=True)
    for low, high, payoff in zip(*match.interval, payoffs, strict=True):
        assert low - 1e-8 <= value(payoff) <= high + 1e-8
    assert np.all(match.gap <= match.certificate + 1e-9)


@pytest.mark.parametrize("learner", [regret_matching(), regret_matching_plus(), experts.hedge(0.7)])
@given(payoffs=matrices())
def test_an_update_does_not_worsen_the_answer(learner: Any, payoffs: np.ndarray) -> None:
    """So alternating updates have a drift of at least 0."""
    match = Match.open(learner, learner, matrix_game(payoffs), alternating=True)
    for _ in range(10):
        before, match = match.drift, match.step()
        assert np.all(match.drift >= before - 1e-9)


@pytest.mark.parametrize("eta", [LIMIT, 0.1])
@given(payoffs=matrices())
def test_optimistic_hedge_has_constant_regret(eta: float, payoffs: np.ndarray) -> None:
    learner = experts.optimistic_hedge(eta)
    game, (rows, columns) = matrix_game(payoffs), payoffs.shape[1:]
    match, bound = (
        Match.open(learner, learner, game),
        bounds.optimistic_zero_sum(rows, columns, eta),
    )
    for _ in range(25):
        match = match.step()
        assert np.all(match.rounds * match.gap <= match.rounds * match.certificate + 1e-9)
        assert np.all(match.rounds * match.certificate <= bound + 1e-9)


def test_optimistic_hedge_is_faster() -> None:
    """After 500 rounds against Hedge with the best rate for them."""
    payoffs = np.random.default_rng(1).random((20, 5, 5))
    payoffs = payoffs - payoffs.min((1, 2), keepdims=True)
    game = matrix_game(payoffs / payoffs.max((1, 2), keepdims=True))
    slow, fast = experts.hedge(horizon=500), experts.optimistic_hedge(LIMIT)
    plain, quick = (self_play(each, each, game, 500) for each in (slow, fast))
    bound = bounds.optimistic_zero_sum(5, 5, LIMIT)
    assert bound == pytest.approx((1 + math.sqrt(2)) / 2 * math.log(25) + math.sqrt(2) / 4)
    assert np.all(quick.gap <= quick.certificate) and np.all(quick.certificate <= bound / 500)
    assert np.all(quick.certificate < plain.gap)


def test_optimistic_hedge_has_no_such_bound_for_larger_rates() -> None:
    with pytest.raises(ValueError, match=r"eta must be at most .* = 0.414214, got 0.5"):
        bounds.optimistic_zero_sum(2, 2, 0.5, loss_range=2.0)


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
def test_every_array_library_gives_the_same(xp: Any) -> None:
    payoffs = np.random.default_rng(0).random((3, 2, 4, 3))
    options = {"alternating": True, "linear": True}
    learner = regret_matching_plus()
    ours, theirs = (
        self_play(learner, learner, matrix_game(array), 30, **options)
        for array in (payoffs, xp.asarray(payoffs))
    )
    for name in ("gap", "certificate", "drift"):
        found = getattr(theirs, name)
        assert isinstance(found, type(xp.asarray(payoffs)))
        np.testing.assert_allclose(as_numpy(found), getattr(ours, name), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        ([[1.0]], "payoffs must be arrays of at least 2 axes, none empty, got list"),
        (np.zeros(3), r"payoffs must be arrays of at least 2 axes, none empty, got \(3,\)"),
        (np.zeros((2, 0)), "payoffs must be arrays of at least 2 axes, none empty"),
        (np.zeros((2, 2), dtype=int), "payoffs must be of a floating point type"),
        (np.full((2, 2), np.nan), "payoffs must be finite"),
        (np.full((2, 2), 1e300), r"payoffs must be finite, and not exceed 2e\+296 in float64"),
    ],
)
def test_what_is_no_matrix_is_refused(payoffs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        matrix_game(payoffs)


def test_what_cannot_be_played_is_refused() -> None:
    game, plus = matrix_game(np.eye(2)), regret_matching_plus()
    with pytest.raises(ValueError, match=r"linear needs learners .*; second is Regret"):
        self_play(plus, regret_matching(), game, 3, linear=True)
    with pytest.raises(ValueError, match="game must be made by matrix_game or tree_game, got nda"):
        self_play(plus, plus, np.eye(2), 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rounds = 3 exceeds the first's horizon of 2 rounds"):
        self_play(experts.hedge(horizon=2), plus, game, 3)
    with pytest.raises(ValueError, match="rounds must be a whole number of at least 1, got 0"):
        self_play(plus, plus, game, 0)
    with pytest.raises(ValueError, match="learner must be a learner, got hedge"):
        self_play(experts.hedge, plus, game, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="alternating must be True or False, got 'no'"):
        self_play(plus, plus, game, 3, alternating="no")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="linear must be True or False, got 1"):
        self_play(plus, plus, game, 3, linear=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gap", "certificate", "plans", "strategies", "interval"])
@pytest.mark.parametrize("linear", [False, True])
def test_there_are_no_averages_before_the_first_round(name: str, linear: bool) -> None:
    learner = regret_matching_plus()
    match = Match.open(learner, learner, matrix_game(np.eye(2)), linear=linear)
    with pytest.raises(ValueError, match="averages after its first round"):
        getattr(match, name)


@pytest.mark.parametrize("learner", [regret_matching(), regret_matching_plus()])
def test_a_drift_below_0_is_counted(learner: Any) -> None:
    """Row 0 is ahead by 1e-13, then theta grows to twice that of payoffs of 1: both alike."""
    game = matrix_game(np.asarray([[-1 + 1e-13, 0.0], [-3.0, 2.0]]))
    match = self_play(learner, learner, game, 2, alternating=True)
    assert match.drift == pytest.approx(-1)
    assert match.gap <= match.certificate
