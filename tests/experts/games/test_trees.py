"""Trees against plain recursion: payoffs, best responses, and CFR's certificate."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import experts
from experts import predictive_regret_matching, regret_matching, regret_matching_plus
from experts.games import Chance, Match, Move, ZeroSum, kuhn, leduc, self_play, tree_game
from experts.testing.games import as_numpy
from tests.experts.games.trees import pure, trees, worth

MANY = 200
"""The most pure strategies that are tried."""


def drawn(game: ZeroSum, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Distributions at all information sets of both players; some are pure."""
    rng = np.random.default_rng(seed)
    found = []
    for side in (game.first, game.second):
        weight = side.possible * rng.integers(0, 3, side.possible.shape)
        weight = np.where(weight.sum(-1, keepdims=True) > 0, weight, side.possible)
        found.append(weight / weight.sum(-1, keepdims=True))
    return found[0], found[1]


@given(root=trees(), seed=st.integers(0, 99))
def test_payoffs_and_best_responses_are_those_of_the_tree(root: Move, seed: int) -> None:
    game = tree_game(root)
    plays = drawn(game, seed)
    x, y = game.first.plan(plays[0]), game.second.plan(plays[1])
    first = dict(zip(game.first.sees, plays[0], strict=True))
    second = dict(zip(game.second.sees, plays[1], strict=True))
    np.testing.assert_allclose(x @ game.payoffs @ y, worth(root, first, second), atol=1e-12)
    strategies = [list(pure(root, player)) for player in (0, 1)]
    assume(max(map(len, strategies)) <= MANY)
    low, high = game.interval(x, y)
    np.testing.assert_allclose(high, max(worth(root, s, second) for s in strategies[0]), atol=1e-12)
    np.testing.assert_allclose(low, min(worth(root, first, s) for s in strategies[1]), atol=1e-12)


@given(root=trees(), seed=st.integers(0, 99))
def test_a_plan_is_worth_what_it_changes_at_each_information_set(root: Move, seed: int) -> None:
    game = tree_game(root)
    side, (old, _), (new, _) = game.first, drawn(game, seed), drawn(game, seed + 100)
    gain = np.random.default_rng(seed).normal(size=game.payoffs.shape[0])
    x, y = side.plan(old), side.plan(new)
    local = ((new - old) * side.values(old, gain)).sum(-1)
    np.testing.assert_allclose(gain @ (y - x), y[side.parent] @ local, atol=1e-12)
    np.testing.assert_allclose(side.behaviour(y)[y[side.parent] > 0], new[y[side.parent] > 0])


OPTIONS = {
    "together": {},
    "alternating": {"alternating": True},
    "linear": {"linear": True},
    "alternating-linear": {"alternating": True, "linear": True},
}
LEARNERS = {
    "regret_matching": regret_matching(),
    "regret_matching_plus": regret_matching_plus(),
    "predictive_regret_matching": predictive_regret_matching(),
    "adahedge": experts.adahedge(),
}
CASES = [
    pytest.param(learner, options, id=f"{name}-{how}")
    for name, learner in LEARNERS.items()
    for how, options in OPTIONS.items()
    if getattr(learner, "plus", False) or not options.get("linear")
]


@pytest.mark.parametrize(("learner", "options"), CASES)
@given(root=trees(depth=3))
def test_the_gap_is_at_most_the_certificate(learner: Any, options: Any, root: Move) -> None:
    game = tree_game(root)
    match = Match.open(learner, learner, game, **options)
    for _ in range(6):
        match = match.step()
        low, high = match.interval
        assert -1e-12 <= match.gap <= match.certificate + 1e-9
        assert match.gap == high - low


@pytest.mark.parametrize(("learner", "options"), CASES)
@pytest.mark.parametrize(("root", "value"), [(kuhn(), -1 / 18), (leduc(), -0.0856064)])
def test_poker(root: Any, value: float, learner: Any, options: Any) -> None:
    game = tree_game(root)
    match = self_play(learner, learner, game, 100, **options)
    low, high = match.interval
    assert low - 1e-7 <= value <= high + 1e-7
    assert match.gap <= match.certificate
    for side in (match.first, match.second):
        whole = side.learner.certificate(side.state).max(
            -1, where=side.decisions.possible, initial=0
        )
        assert side.certificate() <= whole.sum() + 1e-9  # Zinkevich et al. 2007, Theorem 3


def test_cfr_plus_solves_kuhn() -> None:
    learner, game = regret_matching_plus(), tree_game(kuhn())
    match = self_play(learner, learner, game, 1000, alternating=True, linear=True)
    assert match.gap < 1e-3
    assert -1 / 18 - 1e-3 < match.interval[0] <= -1 / 18 <= match.interval[1]


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
def test_every_array_library_gives_the_same(xp: Any) -> None:
    learner, root = predictive_regret_matching(), kuhn()
    ours, theirs = (
        self_play(learner, learner, tree_game(root, like), 20, alternating=True)
        for like in (None, xp.zeros((), dtype=xp.float64))
    )
    for name in ("gap", "certificate", "drift"):
        found = as_numpy(getattr(theirs, name))
        np.testing.assert_allclose(found, getattr(ours, name), rtol=1e-7, atol=1e-12)


def test_a_step_leaves_the_match_as_it_was() -> None:
    learner = regret_matching_plus()
    match = self_play(learner, learner, tree_game(kuhn()), 3, alternating=True, linear=True)
    gap, certificate = match.gap, match.certificate
    once, again = match.step(), match.step()
    assert (once.gap, once.certificate) == (again.gap, again.certificate)
    assert (match.rounds, match.gap, match.certificate) == (3, gap, certificate)


def test_games_of_one_tree_are_a_batch() -> None:
    """The same tree with other payoffs, one after the other."""
    game, learner = tree_game(kuhn()), experts.adahedge()
    noise = np.random.default_rng(0).normal(size=(3, *game.payoffs.shape))
    payoffs = game.payoffs * (1 + noise)
    batch = self_play(learner, learner, game._replace(payoffs=payoffs), 20, alternating=True)
    for k in range(3):
        alone = self_play(learner, learner, game._replace(payoffs=payoffs[k]), 20, alternating=True)
        np.testing.assert_allclose(batch.gap[k], alone.gap, rtol=1e-9)
        np.testing.assert_allclose(batch.certificate[k], alone.certificate, rtol=1e-9)


def pennies(**second: Any) -> Move:
    after = {"head": Move(1, "start", {"head": 1.0, "tail": -1.0})}
    return Move(0, "start", after | {"tail": second.get("tail", 0.0)})


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (pennies(tail=Move(1, "start", {"head": 1.0})), "must be the same everywhere"),
        (pennies(tail=Move(0, "start", {"head": 1.0, "tail": 0.0})), "must have done the same"),
        (pennies(tail=Move(2, "other", {"head": 1.0})), "player must be 0 or 1, got 2"),
        (pennies(tail=Move(1, "other", {})), "must be a dict and hold at least one action"),
        (pennies(tail=float("nan")), "must end in finite numbers, got nan"),
        (pennies(tail="lost"), "must end in finite numbers, got 'lost'"),
        (Chance([(0.5, 1.0), (0.4, 0.0)]), "chances >= 0 that sum to 1, got 0.9"),
        (Chance([(1.5, 1.0), (-0.5, 0.0)]), "chances >= 0 that sum to 1, got 1"),
        (Chance([("1", 1.0)]), "outcomes must be pairs of a chance"),  # type: ignore[list-item]
        (Chance([1.0]), "outcomes must be pairs of a chance"),  # type: ignore[list-item]
        (Move(1.0, "", {"head": 1.0}), "player must be 0 or 1, got 1.0"),  # type: ignore[arg-type]
        (Move(0, [0], {"head": 1.0}), "sees must be hashable, .*, got"),  # type: ignore[arg-type]
        (Move(0, "start", [1.0]), "actions of 'start' must be a dict"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_game_is_refused(root: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tree_game(root)


@pytest.mark.parametrize(
    ("like", "message"),
    [
        ([0.0], "like must be an array, got list"),
        (np.zeros(1, dtype=int), "like must be of a floating point type"),
        (np.zeros(1, dtype=np.float32), r"payoffs must not exceed 3e\+26 in float32"),
    ],
)
def test_what_cannot_hold_the_payoffs_is_refused(like: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tree_game(pennies(tail=1e30), like)
