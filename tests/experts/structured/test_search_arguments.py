"""What `Search` refuses, naming it, and what it takes as its own kind."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from experts.structured import Choice, Search, Settings

NAN = float("nan")


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (["x"], "space must be a mapping"),
        (None, "space must be a mapping"),
        ({"x": np.asarray(3)}, "'x' must be a Choice or a list"),
        ({"x": b"ab"}, "'x' must be a Choice or a list"),
        ({"x": Choice("ab")}, "'x' must be a Choice or a list"),
        ({"x": Choice(3)}, "'x' must be a Choice or a list"),  # type: ignore[arg-type]
        ({"x": [(1, [2])]}, r"hashable and not nan, got \(1, \[2\]\)"),
        ({"x": [(NAN, 1)]}, "hashable and not nan"),
        ({"x": Choice([1, 2], prior="ab")}, "prior of 'x' must be 2"),  # type: ignore[arg-type]
        ({"x": Choice([1, 2], prior={1: 2})}, "prior of 'x'"),  # type: ignore[arg-type]
        ({"x": Choice([1, 2], prior=[10**400, 1])}, "prior of 'x'"),
        ({"x": Choice([1, 2], prior=[NAN, 1])}, "prior of 'x'"),
        ({"x": Choice([1], when=None)}, "when of 'x' must be a mapping"),  # type: ignore[arg-type]
        ({"x": Choice([1], when=["y"])}, "when of 'x'"),  # type: ignore[arg-type]
        ({"x": Choice([1], ordered="yes")}, "ordered of 'x' must be True"),  # type: ignore[arg-type]
    ],
    ids=range(15),
)
def test_a_space_of_the_wrong_kind(space: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Search(space)


@pytest.mark.parametrize("name", ["maximize", "noisy"])
@pytest.mark.parametrize("value", ["minimize", "False", 1, None])
def test_a_flag_is_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be True or False, got"):
        Search({"x": [1, 2]}, **{name: value})
    given: Any = {name: np.False_}
    assert getattr(Search({"x": [1, 2]}, **given), name) is False


@pytest.mark.parametrize("seed", [None, -1, 1.5, "2", True, [1], NAN])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, got"):
        Search({"x": [1, 2]}, seed=seed)
    given: Any = np.int64(3)
    assert Search({"x": range(9)}, seed=given).ask() == Search({"x": range(9)}, seed=3).ask()


@pytest.mark.parametrize("count", [1.5, "2", True, NAN, float("inf"), [1], np.asarray([2])])
def test_a_count_is_a_whole_number(count: Any) -> None:
    with pytest.raises(ValueError, match="count must be a whole number of at least 0, got"):
        Search({"x": range(9)}).ask(count)
    assert len(Search({"x": range(9)}).ask(np.float64(2))) == 2  # type: ignore[call-overload]


def test_a_batch_that_is_too_large_asks_for_nothing() -> None:
    search = Search({"x": range(5)})
    first = search.ask(2)
    with pytest.raises(ValueError, match="count must be at most 3, got 4"):
        search.ask(4)
    assert first + search.ask(3) == Search({"x": range(5)}).ask(5)


@pytest.mark.parametrize(
    ("point", "told", "message"),
    [
        (None, {"value": 1}, "point must be a mapping"),
        ("x", {"value": 1}, "point must be a mapping"),
        ({"x": (1, [2])}, {"value": 1}, "'x' has no option"),
        ({"x": 1}, {"value": "1"}, "value must be a finite number, got '1'"),
        ({"x": 1}, {"value": [1]}, "value must be a finite number"),
        ({"x": 1}, {"value": 1j}, "value must be a finite number"),
        ({"x": 1}, {"value": 10**400}, "value must be a finite number"),
        ({"x": 1}, {"failed": "no"}, "failed must be True or False"),
        ({"x": 1}, {"value": 1, "failed": None}, "failed must be True or False"),
    ],
    ids=range(9),
)
def test_a_tell_of_the_wrong_kind(point: Any, told: Any, message: str) -> None:
    search = Search({"x": [1, 2]})
    with pytest.raises(ValueError, match=message):
        search.tell(point, **told)
    assert sorted(each["x"] for each in search.ask(2)) == [1, 2]


@pytest.mark.parametrize("value", [np.float32(2), np.asarray(2.0), Decimal(2), np.True_ + 1])
def test_numbers_of_every_kind_are_values(value: Any) -> None:
    space: Any = {"x": np.asarray(["a", "b"])}
    search = Search(space)
    search.tell({"x": np.str_("a")}, value)
    assert search.best == ({"x": "a"}, 2.0)
    assert type(search.best[0]["x"]) is str


def test_the_largest_weights_are_weights() -> None:
    assert Search({"x": Choice([1, 2], prior=[1.7e308, 1.7e308])}).space.prior.tolist() == [
        [0.5, 0.5]
    ]


def test_numpy_numbers_are_in_order_too() -> None:
    assert Choice(np.asarray([1, 2, 3])).is_ordered  # type: ignore[arg-type]


@dataclass(frozen=True)
class Layer:
    width: int


@pytest.mark.parametrize("option", [int, Layer(3), 1j, frozenset([1])])
def test_options_that_cannot_be_saved_can_be_searched(option: Any) -> None:
    search = Search({"x": [option, None]})
    search.tell({"x": option}, 1.0)
    assert search.best[0]["x"] is option
    with pytest.raises(ValueError, match="only numbers, strings, None and tuples can be saved"):
        search.state_dict()


def test_nothing_is_expected_of_no_points() -> None:
    search = Search({"x": [1, 2]})
    assert search.predict([]).shape == (0,)
    with pytest.raises(ValueError, match="point must be a mapping"):
        search.predict({"x": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["start", "crowd"])
def test_settings_are_at_least_one(name: str) -> None:
    given: Any = {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, got 0"):
        Settings(**given)


def test_a_noisy_search_begins_though_some_options_are_never_told() -> None:
    """Its start ends after so many values, not so many points."""
    arms = Choice(list("abcde"), prior=[1, 1, 1, 1, 0])
    search, asked = Search({"arm": arms}, noisy=True), []
    for _ in range(40):
        asked.append(search.ask()["arm"])
        search.tell({"arm": asked[-1]}, float(asked[-1] == "c"))
    assert asked[10:].count("c") > 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maximize": "False"}, "maximize must be True or False, got 'False'"),
        ({"asked": -5}, "asked must be a whole number of at least 0, got -5"),
        ({"codes": [[9]]}, "saved is not what state_dict"),
        ({"values": [1.0, 2.0]}, "codes, values and failed must be of one length"),
        ({"state": None}, "saved is not what state_dict"),
    ],
)
def test_a_damaged_search_is_refused(change: dict[str, Any], message: str) -> None:
    search = Search({"a": [1, 2, 3]})
    search.tell(search.ask(), 1.0)
    saved = search.state_dict()
    saved["state"] |= {name: value for name, value in change.items() if name in saved["state"]}
    with pytest.raises(ValueError, match=message):
        Search.from_state_dict(saved | {n: v for n, v in change.items() if n in saved})


def test_what_a_search_is_told_of_asks_and_settings_is_checked() -> None:
    with pytest.raises(ValueError, match="asked must be a whole number of at least 0"):
        Search({"a": [1, 2]}).expect([], asked=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="settings must be Settings, got None"):
        Search({"a": [1, 2]}, settings=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="saved is not what state_dict"):
        Search.from_state_dict({})
