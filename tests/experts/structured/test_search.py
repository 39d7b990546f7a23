"""`Search`: what it asks for, what it takes, what it remembers."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts.structured import Choice, Search

SPACE: dict[str, Any] = {
    "layers": [1, 2, 3],
    "act": ["relu", "tanh"],
    "only": [None],
    "dropout": Choice([0, 0.1, 0.3], when={"layers": [2, 3]}, prior=[1, 2, 0]),
    "rate": Choice([0.1, 0.01], when={"dropout": [0.1], "act": ["relu"]}),
}
POINTS = 2 + 2 * (1 + 2) + 2 * 2
"""one layer; more with relu, where the rate hangs on the dropout; more with tanh"""


def value(point: dict[str, Any]) -> float:
    return float(point["layers"] + 3 * point.get("dropout", 0) - (point["act"] == "tanh"))


def played(seed: int, asks: int, **options: Any) -> tuple[Search, list[dict[str, Any]]]:
    search = Search(SPACE, seed=seed, **options)
    points = []
    for _ in range(asks):
        points.append(search.ask())
        search.tell(points[-1], value(points[-1]))
    return search, points


def is_right(point: dict[str, Any]) -> bool:
    """In range, and with exactly the dimensions that are active."""
    active = {"layers", "act", "only"}
    active |= {"dropout"} if point["layers"] > 1 else set()
    active |= {"rate"} if point.get("dropout") == 0.1 and point["act"] == "relu" else set()
    offered = {n: c.options if isinstance(c, Choice) else c for n, c in SPACE.items()}
    return set(point) == active and all(point[name] in offered[name] for name in point)


@given(
    seed=st.integers(0, 2**32 - 1),
    script=st.lists(st.sampled_from(["ask", "ask", "tell", "fail"]), max_size=40),
)
def test_every_point_once_where_its_conditions_hold(seed: int, script: list[str]) -> None:
    search, asked, open_points = Search(SPACE, seed=seed), [], []
    for move in script:
        if move == "ask" and not search.exhausted:
            asked.append(search.ask())
            open_points.append(asked[-1])
        elif move != "ask" and open_points:
            point = open_points.pop()
            told = {"failed": True} if move == "fail" else {"value": value(point)}
            search.tell(point, **told)
    while not search.exhausted:
        asked.append(search.ask())
    assert len(asked) == POINTS == len({tuple(point.items()) for point in asked})
    assert all(is_right(point) and point.get("dropout") != 0.3 for point in asked)
    with pytest.raises(ValueError, match="exhausted"):
        search.ask()


def test_the_same_seed_asks_the_same() -> None:
    assert played(3, 8)[1] == played(3, 8)[1]
    assert played(3, 8)[1] != played(4, 8)[1]


@given(asks=st.integers(0, 6), outstanding=st.integers(0, 3), noisy=st.booleans())
def test_a_restored_search_goes_on_the_same(asks: int, outstanding: int, noisy: bool) -> None:
    search, _ = played(5, asks, noisy=noisy)
    points = search.ask(outstanding)
    text = json.dumps(search.state_dict(), default=lambda array: array.tolist())
    for saved in (search.state_dict(), json.loads(text)):
        restored, original = Search.from_state_dict(saved), Search.from_state_dict(saved)
        for one in (restored, original):
            for point in points:
                one.tell(point, value(point))
        assert restored.ask(2) == original.ask(2)
    same = Search.from_state_dict(json.loads(text))
    assert same.ask(2) == search.ask(2)
    if points:
        same.tell(points[0], failed=True)
        search.tell(points[0], failed=True)
    assert same.ask(1) == search.ask(1)


def test_tuples_and_numpy_numbers_come_back() -> None:
    space: dict[str, Any] = {
        "kernel": [(1, 1), (3, (3, 1))],
        "width": np.asarray([8, 16]),
        "none": Choice([None, True], when={"kernel": [(3, (3, 1))]}, prior=[np.float64(1), 2]),
    }
    search = Search(space)
    search.tell({"kernel": (3, (3, 1)), "width": 16, "none": None}, 1)
    text = json.dumps(search.state_dict(), default=lambda array: array.tolist())
    again = Search.from_state_dict(json.loads(text))
    assert again.best == search.best
    assert again.ask(4) == search.ask(4)


@given(order=st.permutations(range(6)))
def test_the_order_of_tells_does_not_matter(order: list[int]) -> None:
    _, points = played(1, 6)
    asked = []
    for some in (range(6), order):
        search = Search(SPACE, seed=2)
        for index in some:
            search.tell(points[index], value(points[index]))
        asked.append(search.ask(2))
    assert asked[0] == asked[1]


def test_maximizing_is_minimizing_the_negative() -> None:
    up, down = Search(SPACE), Search(SPACE, maximize=False)
    for _ in range(8):
        point = up.ask()
        assert point == down.ask()
        up.tell(point, value(point))
        down.tell(point, -value(point))
    assert up.best == (down.best[0], -down.best[1])


def test_only_the_order_of_values_counts() -> None:
    """Also for the largest and the smallest numbers."""
    plain, extreme = Search(SPACE), Search(SPACE)
    values = np.asarray([-1e300, -1.0, -1e-300, 0.0, 5e-324, 1e-300, 1.0, 1.5, 1e300, 1.7e308])
    for place in (3, 9, 0, 8, 4, 2):
        point = plain.ask()
        assert point == extreme.ask()
        plain.tell(point, place)
        extreme.tell(point, values[place])


def test_equal_values_and_failures_alone_are_no_harm() -> None:
    for told in ({"value": 1.0}, {"failed": True}):
        search = Search(SPACE)
        for _ in range(POINTS):
            search.tell(search.ask(), **told)
        assert search.exhausted
    with pytest.raises(ValueError, match="best needs a value"):
        search.best  # noqa: B018


def test_a_failure_counts_as_bad() -> None:
    """The failing option is avoided, though its values, where told, are the best."""
    space = {str(edge): ["a", "b", "c"] for edge in range(4)}
    count = []
    for fails in (True, False):
        search, asked = Search(space, seed=0), []
        for _ in range(30):
            point = search.ask()
            asked.append(point)
            if point["0"] == "a" and fails:
                search.tell(point, failed=True)
            else:
                search.tell(point, 10 * (point["0"] == "a") + (point["1"] == "b"))
        count.append(sum(point["0"] == "a" for point in asked[9:]))
    assert count[0] < 5
    assert count[1] > 10


def test_points_that_were_never_asked_for_are_learned_from() -> None:
    space = {str(edge): ["a", "b", "c"] for edge in range(3)}
    search = Search(space, seed=0)
    for options in itertools.product("abc", repeat=3):
        if options != ("c", "c", "c"):
            search.tell(dict(zip("012", options, strict=True)), options.count("c"))
    assert search.ask() == {"0": "c", "1": "c", "2": "c"}
    assert search.exhausted


def test_a_noisy_search_repeats_and_averages() -> None:
    search = Search({"arm": ["a", "b"]}, noisy=True)
    generator, asked = np.random.default_rng(0), []
    for _ in range(60):
        asked.append(search.ask()["arm"])
        search.tell({"arm": asked[-1]}, (asked[-1] == "b") + generator.standard_normal())
    assert not search.exhausted
    assert set(asked) == {"a", "b"}
    rows = search.effects().rows
    assert rows[1].options == {"arm": "b"}
    assert rows[1].effect > rows[1].error > 0


def test_a_prior_says_where_to_begin() -> None:
    space = {str(edge): Choice(range(10), prior=[0.91] + [0.01] * 9) for edge in range(3)}
    first = [Search(space, seed=seed).ask(10) for seed in range(10)]
    share = np.mean([point[name] == 0 for points in first for point in points for name in point])
    assert share > 0.6
    only = Search({"x": Choice(["a", "b"], prior=[0, 1])})
    assert only.ask() == {"x": "b"}
    assert only.exhausted
    only.tell({"x": "a"}, 1.0)  # it may be told
    assert only.best == ({"x": "a"}, 1.0)


def test_large_and_degenerate_spaces() -> None:
    wide = Search({"x": range(64), "y": ["one"], **{f"bit{i}": [False, True] for i in range(30)}})
    for _ in range(70):
        point = wide.ask()
        wide.tell(point, point["x"] - sum(point[f"bit{i}"] for i in range(5)))
    assert wide.best[1] > 55
    line = Search({"x": range(64)})
    assert sorted(line.ask()["x"] for _ in range(64)) == list(range(64))
    assert Search({"x": [0]}).ask(1) == [{"x": 0}]


def test_many_outstanding_points_differ() -> None:
    search = Search({str(edge): list("abcde") for edge in range(6)})
    with pytest.raises(ValueError, match="count must be a whole number of at least 0, got -1"):
        search.ask(-1)
    assert search.ask(0) == []
    points = [tuple(point.values()) for _ in range(4) for point in search.ask(16)]
    assert len(set(points)) == 64


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "at least one dimension"),
        ({"x": []}, "'x' must offer at least one option"),
        ({"x": "abc"}, "'x' must be a Choice or a list"),
        ({"x": 3}, "'x' must be a Choice or a list"),
        ({"x": [1, 1.0]}, "must not offer equal options"),
        ({"x": [float("nan")]}, "not nan"),
        ({"x": [[1], [2]]}, "must be hashable"),
        ({"x": Choice([1, 2], prior=[1])}, "prior of 'x' must be 2 nonnegative"),
        ({"x": Choice([1, 2], prior=[0, 0])}, "prior of 'x'"),
        ({"x": Choice([1, 2], prior=[1, float("inf")])}, "prior of 'x'"),
        ({"x": Choice([1], when={"y": [1]})}, "names 'y'"),
        ({"x": Choice([1], when={"y": [3]}), "y": [1, 2]}, "'y' has no option 3"),
        ({"x": Choice([1], when={"y": []}), "y": [1, 2]}, "must list options of 'y'"),
        ({"x": Choice([1], when={"y": [1]}), "y": Choice([1], when={"x": [1]})}, "circle"),
        ({"x": Choice([1], when={"x": [1]})}, "circle"),
        ({"x": Choice([1], when={"y": "a"}), "y": ["a"]}, "must list options of 'y', got 'a'"),
        ({3: [1]}, "strings as names, got 3"),
        (
            {
                "x": Choice([1], when={"y": [1], "z": [1]}),
                "y": Choice([1], when={"z": [2]}),
                "z": [1, 2],
            },
            "can never hold",
        ),
    ],
    ids=range(18),
)
def test_a_wrong_space_is_refused(space: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Search(space)


@pytest.mark.parametrize(
    ("point", "told", "message"),
    [
        ({"layers": 1, "act": "relu"}, {"value": 1.0}, "lacks 'only'"),
        ({"layers": 1, "act": "relu", "only": None, "z": 1}, {"value": 1.0}, "no dimension 'z'"),
        ({"layers": 4, "act": "relu", "only": None}, {"value": 1.0}, "no option 4: it offers"),
        ({"layers": [1], "act": "relu", "only": None}, {"value": 1.0}, "no option"),
        ({"layers": 1, "act": "relu", "only": None, "dropout": 0}, {"value": 1.0}, "leave out"),
        ({"layers": 1, "act": "relu", "only": None}, {"value": float("nan")}, "failed=True"),
        ({"layers": 1, "act": "relu", "only": None}, {"value": float("inf")}, "failed=True"),
        ({"layers": 1, "act": "relu", "only": None}, {}, "either a value or failed"),
        ({"layers": 1, "act": "relu", "only": None}, {"value": 1.0, "failed": True}, "either"),
    ],
    ids=range(9),
)
def test_a_wrong_tell_is_refused_and_changes_nothing(point: Any, told: Any, message: str) -> None:
    search, other = played(0, 4)[0], played(0, 4)[0]
    with pytest.raises(ValueError, match=message):
        search.tell(point, **told)
    assert search.ask(2) == other.ask(2)


def test_another_value_for_the_same_point_needs_noisy() -> None:
    search = Search({"x": [1, 2]})
    search.tell({"x": 1}, 0.5)
    search.tell({"x": 1}, 0.5)
    for told in ({"value": 0.6}, {"failed": True}):
        with pytest.raises(ValueError, match=r"was told as 0\.5"):
            search.tell({"x": 1}, **told)
