"""Distributions as options, and conditions that explain when a parameter is suggested."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from experts.optuna.dimensions import MOST_OPTIONS, Point, conditions, options

GRIDS: list[tuple[BaseDistribution, list[Any]]] = [
    (CategoricalDistribution(("b", None, 1, 0.5)), ["b", None, 1, 0.5]),
    (CategoricalDistribution((False, True)), [False, True]),
    (IntDistribution(-2, 1), [-2, -1, 0, 1]),
    (IntDistribution(3, 9, step=3), [3, 6, 9]),
    (IntDistribution(1, 4, log=True), [1, 2, 3, 4]),
    (FloatDistribution(-0.1, 0.3, step=0.2), [-0.1, 0.1, 0.3]),
    (FloatDistribution(0.0, 1.0, step=0.1), [i / 10 for i in range(11)]),
    (IntDistribution(1, MOST_OPTIONS), list(range(1, MOST_OPTIONS + 1))),
]

LEFT_OUT = [
    FloatDistribution(0.0, 1.0),
    FloatDistribution(1e-5, 1.0, log=True),
    IntDistribution(0, MOST_OPTIONS),
    IntDistribution(5, 5),
    CategoricalDistribution(("only",)),
    CategoricalDistribution((1, True)),
    CategoricalDistribution((0.0, math.nan)),
]


@pytest.mark.parametrize(("distribution", "expected"), GRIDS, ids=str)
def test_options(distribution: BaseDistribution, expected: list[Any]) -> None:
    found = options(distribution)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))
    assert all(distribution._contains(distribution.to_internal_repr(value)) for value in found)


@pytest.mark.parametrize("distribution", LEFT_OUT, ids=str)
def test_no_options(distribution: BaseDistribution) -> None:
    assert options(distribution) == []


def test_a_parameter_of_every_point_has_no_condition() -> None:
    assert conditions([{"a": 1, "b": 2}, {"b": 3, "a": 1}]) == {"a": {}, "b": {}}
    assert conditions([]) == {}


def test_one_branch_of_several() -> None:
    points: list[Point] = [
        {"model": "svc", "size": 1, "gamma": 1},
        {"model": "svc", "size": 2, "gamma": 2},
        {"model": "tree", "size": 3, "depth": 1},
        {"model": "tree", "size": 2, "depth": 2},
        {"model": "linear", "size": 1},
    ]
    when = conditions(points)
    assert when["gamma"] == {"model": ["svc"]}
    assert when["depth"] == {"model": ["tree"]}


def test_loops() -> None:
    points = [
        {"layers": layers, **{f"units{i}": units for i in range(layers)}}
        for layers, units in itertools.product((1, 2, 3), (8, 16))
    ]
    assert conditions(points) == {
        "layers": {},
        "units0": {},
        "units1": {"layers": [2, 3]},
        "units2": {"layers": [3]},
    }


def test_nested_conditions() -> None:
    points: list[Point] = [
        {"model": "linear"},
        {"model": "net", "layers": 1},
        {"model": "net", "layers": 2, "dropout": 0.1},
        {"model": "net", "layers": 3, "dropout": 0.1},
    ]
    when = conditions(points)
    assert when["layers"] == {"model": ["net"]}
    assert when["dropout"].pop("layers") == [2, 3]


def test_both_of_two_conditions() -> None:
    points = [
        {"a": a, "b": b, **({"c": 0} if a and b else {})}
        for a, b in itertools.product((False, True), repeat=2)
    ]
    assert conditions(points)["c"] == {"a": [True], "b": [True]}


def test_what_cannot_be_explained_is_left_out_with_what_hangs_on_it() -> None:
    points: list[Point] = [{"a": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 2, "c": 1}]
    assert conditions(points) == {"a": {}}


def test_what_a_partial_point_lacks_may_be_active() -> None:
    whole: list[Point] = [{"a": 1, "b": 1}, {"a": 2, "b": 2}]
    assert conditions(whole, [{"a": 3}]) == {"a": {}, "b": {}}
    assert conditions(whole, [{"a": 3, "c": 1}])["c"] == {"a": [3]}
