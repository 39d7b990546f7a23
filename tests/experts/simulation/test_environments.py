"""Environments: losses in their interval, reproducible for each seed, and arguments checked."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import bounds
from experts.environments import (
    AgainstOneFavourite,
    AgainstTheBound,
    AgainstTheFavourite,
    AgainstTheWeights,
    Alternating,
    Bernoulli,
    Corrupted,
    Gaussian,
    Given,
    OneGood,
    Scaled,
    SideBySide,
    Switching,
    from_csv,
    random_signs,
    scaled_gap,
)

ROUNDS = 12
OBLIVIOUS = [
    Given(np.linspace(0, 1, ROUNDS * 3).reshape(ROUNDS, 3), (0.0, 1.0)),
    Alternating(3),
    Bernoulli(np.linspace(0.3, 0.7, 3)),
    Bernoulli(np.full((2, 3), 0.5)),
    Gaussian(np.linspace(0.0, 0.7, 3), 0.3),
    OneGood(3, 0.5),
    scaled_gap(3, ROUNDS),
    Switching(3, ROUNDS, switches=4),
    random_signs(3, 2.0),
    Corrupted(Bernoulli([0.1, 0.5, 0.9]), rounds=5),
    Corrupted(Gaussian([0.1, 0.5, 0.9]), rounds=5),
    Scaled(Alternating(3), -0.3, 0.1),
    SideBySide((OneGood(3), Switching(3, ROUNDS, 1), random_signs(3))),
]
ADAPTIVE = [
    AgainstTheFavourite(3),
    AgainstOneFavourite(3),
    AgainstTheWeights(3),
    AgainstTheBound(3, ROUNDS),
    Scaled(AgainstTheWeights(3), -2.0, 1.0),
]


def losses(environment: Any, seeds: list[int], portions: list[int]) -> np.ndarray:
    """(T, S, ..., K) of an oblivious environment, asked for in portions."""
    course = environment.start([np.random.default_rng(seed) for seed in seeds])
    return np.concatenate([course(portion) for portion in portions])


@pytest.mark.parametrize("environment", OBLIVIOUS, ids=repr)
@given(cut=st.integers(1, ROUNDS - 1), seed=st.integers(0, 99))
def test_losses_are_the_seed_s_own_and_in_range(environment: Any, cut: int, seed: int) -> None:
    whole = losses(environment, [seed, seed + 1], [ROUNDS])
    assert whole.shape == (ROUNDS, 2, *environment.shape)
    low, high = environment.loss_interval
    assert whole.min() >= low
    assert whole.max() <= high
    in_parts = losses(environment, [seed], [cut, ROUNDS - cut])
    np.testing.assert_array_equal(in_parts[:, 0], whole[:, 0])


@pytest.mark.parametrize("environment", ADAPTIVE, ids=repr)
@given(data=st.data())
def test_adaptive_losses_are_in_range_and_each_problem_s_own(
    environment: Any, data: st.DataObject
) -> None:
    weights = st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any)
    plays = [np.asarray(data.draw(st.tuples(weights, weights)), float) for _ in range(ROUNDS)]
    plays = [play / play.sum(-1, keepdims=True) for play in plays]
    generators = [np.random.default_rng(seed) for seed in range(2)]
    both, alone = environment.start(generators), environment.start(generators[:1])
    for play in plays:
        loss = both(play)
        assert loss.shape == (2, 3)
        assert loss.min() >= environment.loss_interval[0]
        assert loss.max() <= environment.loss_interval[1]
        np.testing.assert_array_equal(alone(play[:1]), loss[:1])


def test_alternating_ruins_the_leader() -> None:
    """Follow the leader loses T - 1 or more, either expert T / 2."""
    greedy = experts.play(experts.hedge(1e6), Alternating(2), rounds=1000)
    assert greedy.loss[-1, 0] >= 998
    assert greedy.best_loss[-1, 0] == pytest.approx(499.5)


def test_gaussian_has_its_means_and_deviation() -> None:
    drawn = losses(Gaussian([0.4, 0.6], 0.1), [0], [20_000])[:, 0]
    np.testing.assert_allclose(drawn.mean(0), [0.4, 0.6], atol=5 * 0.1 / 20_000**0.5)
    np.testing.assert_allclose(drawn.std(0), 0.1, rtol=0.03)


def test_one_good_expert_is_another_one_for_other_seeds() -> None:
    drawn = losses(OneGood(4, 0.5), list(range(50)), [100])
    assert np.all((drawn.sum(0) == 0).sum(-1) == 1)
    assert set(drawn.sum(0).argmin(-1)) == {0, 1, 2, 3}


def test_the_scaled_gap_is_that_of_the_literature() -> None:
    assert scaled_gap(4, 100).gap == pytest.approx(0.05)
    assert scaled_gap(100, 4).gap == 0.25


def test_switching_comparators_switch_as_often_as_said() -> None:
    """Losses of the good expert are 0, so the best sequence with S switches loses nothing."""
    drawn = losses(Switching(5, 200, switches=4, gap=0.5), list(range(20)), [200])
    books = experts.TrackingLedger.open(drawn[0], switches=4)
    for loss in drawn:
        books = books.add(np.full_like(loss, 0.2), loss)
    suffered = drawn.mean(-1).sum(0)
    np.testing.assert_allclose(books.worst()[..., 4], suffered)
    assert np.all(books.worst()[..., 3] < suffered - 1)


def test_corruption_turns_the_first_rounds_upside_down() -> None:
    coins = Bernoulli([0.1, 0.9])
    honest, corrupted = (losses(e, [7], [30]) for e in (coins, Corrupted(coins, 10)))
    np.testing.assert_array_equal(corrupted[:10], 1 - honest[:10])
    np.testing.assert_array_equal(corrupted[10:], honest[10:])
    assert np.abs(corrupted - honest).max(-1).sum() == 10


def test_side_by_side_is_what_each_is_alone() -> None:
    """The parts without randomness give the same game as alone."""
    parts: Any = (
        AgainstTheWeights(3),
        Alternating(3),
        AgainstTheBound(3, 40),
        Bernoulli([0.1, 0.5, 1]),
    )
    learner = experts.hedge(0.4)
    together = experts.play(learner, SideBySide(parts), rounds=40, seeds=2)
    assert together.regret.shape == (40, 2, 4)
    for e, part in enumerate(parts[:3]):
        alone = experts.play(learner, part, rounds=40, engine="plain")
        np.testing.assert_array_equal(together.loss[:, 1, e], alone.loss[:, 0])
        np.testing.assert_array_equal(together.total[1, e], alone.total[0])
    assert together.total[0, 3, 0] < together.total[0, 3, 2] == 40


def test_one_favourite_breaks_ties() -> None:
    answer = AgainstOneFavourite(3).start([np.random.default_rng(0)])
    np.testing.assert_array_equal(answer(np.asarray([[0.4, 0.4, 0.2]])), [[1, 0, 0]])
    answer = AgainstTheWeights(3).start([np.random.default_rng(0)])
    np.testing.assert_array_equal(answer(np.asarray([[0.5, 0.25, 0.25]])), [[1, 0.5, 0.5]])


@pytest.mark.parametrize(("k", "rounds", "ratio"), [(2, 1000, 0.9749), (10, 1000, 0.985)])
def test_the_bound_is_nearly_reached(k: int, rounds: int, ratio: float) -> None:
    opponent = AgainstTheBound(k, rounds)
    trace = experts.play(experts.hedge(horizon=rounds), opponent)
    bound = bounds.hedge_tuned(k, rounds)
    assert ratio * bound <= trace.regret[-1, 0] <= bound


def written(path: Path, text: str) -> Path:
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_table_becomes_losses(tmp_path: Path, name: str) -> None:
    bare = written(tmp_path / name, "1,2,3\n\n4,5,6\n")
    np.testing.assert_array_equal(from_csv(bare).losses, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(from_csv(bare, columns=[2, "0"]).losses, [[3, 1], [6, 4]])
    named = written(tmp_path / name, "a, b\n1,2\n3,4\n")
    np.testing.assert_array_equal(from_csv(named, columns=["b"]).losses, [[2], [4]])
    assert from_csv(named).losses.shape == (2, 2)
    numbers = written(tmp_path / name, "2020,2021\n1,2\n")
    np.testing.assert_array_equal(from_csv(numbers, header=True, columns=["2021"]).losses, [[2]])
    text_elsewhere = written(tmp_path / name, "day,a\nmonday,1\ntuesday,2\n")
    np.testing.assert_array_equal(from_csv(text_elsewhere, columns=["a"]).losses, [[1], [2]])


def test_price_relatives_become_log_losses(tmp_path: Path) -> None:
    """The order of the experts, and differences up to one factor, are those of -ln x."""
    prices = np.asarray([[1.1, 0.9], [1.0, 1.02], [0.8, 1.3]])
    text = "\n".join(",".join(map(str, row)) for row in prices)
    table = from_csv(written(tmp_path / "p.csv", text), kind="relatives")
    assert (table.losses.min(), table.losses.max()) == (0, 1)
    wanted, got = (-np.diff(np.log(prices)), np.diff(table.losses))
    np.testing.assert_allclose(got, wanted / np.log(1.3 / 0.8))


def test_predictions_become_squared_errors(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv", "y,good,bad\n1,1,3\n2,1,2\n")
    table = from_csv(path, kind="predictions", target="y")
    np.testing.assert_array_equal(table.losses, [[0, 1], [0.25, 0]])
    assert from_csv(path, kind="predictions", target=0, columns=["bad"]).shape == (1,)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "has no rows of numbers"),
        ("a,b\n", {}, "has no rows of numbers"),
        ("1,2\n3\n", {}, "line 2: 1 cells, expected 2"),
        ("a,b\n1,2\n3,x\n", {}, "line 3, column b: got 'x', expected a finite number"),
        ("1,2\n3,nan\n", {}, "line 2, column 1: got 'nan', expected a finite number"),
        ("1,2\n3,\n", {}, "line 2, column 1: got '', expected a finite number"),
        ("1,2\n3,0\n", {"kind": "relatives"}, "got '0', expected a positive number"),
        ("a,b\n1,2\n", {"columns": ["c"]}, "has no column 'c', only a, b"),
        ("1,2\n", {"columns": [2]}, "has no column 2, only 0, 1"),
        ("1,2\n", {"columns": []}, "columns must name at least one expert"),
        ("1,2\n", {"kind": "prices"}, "kind must be one of losses, relatives, predictions"),
        ("1,2\n", {"kind": "predictions"}, "target goes with kind 'predictions'"),
        ("1,2\n", {"target": 0}, "target goes with kind 'predictions'"),
    ],
)
def test_bad_tables_are_refused(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        from_csv(written(tmp_path / "bad.csv", text), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Alternating(0), "experts must be a whole number of at least 1, got 0"),
        (lambda: Gaussian([0.5, 2.0]), r"means must be numbers in \[0, 1\]"),
        (lambda: Gaussian([0.5], -1), r"deviation must be a number in \[0, 1e\+06\], got -1"),
        (lambda: OneGood(3, 0.6), r"gap must be a number in \[0, 0.5\], got 0.6"),
        (lambda: Switching(1, 10, 2), "experts must be a whole number of at least 2, got 1"),
        (lambda: Switching(2, 3, 3), "rounds must be a whole number of at least 4, got 3"),
        (lambda: Switching(2, 3, -1), "switches must be a whole number of at least 0, got -1"),
        (lambda: Corrupted(Given(np.zeros((2, 2))), 1), "base must have a loss_interval"),
        (lambda: Corrupted(AgainstTheWeights(2), 1), "base must be oblivious"),
        (lambda: Scaled(Alternating(2), 1.0, 1.0), "low must be below high, got low=1.0, high=1.0"),
        (
            lambda: SideBySide((Alternating(2), Alternating(3))),
            r"one shape, got \[\(2,\), \(3,\)\]",
        ),
        (lambda: SideBySide(()), r"one shape, got \[\]"),
        (lambda: AgainstTheBound(2, 5, -1), "closing must be a whole number of at least 0, got -1"),
    ],
)
def test_settings_are_checked(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
