"""The examples run, and show what they say."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str) -> dict[str, Any]:
    """What an example defines."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_plain_loop() -> None:
    edges, accuracy = example("digits")["main"](epochs=12)
    assert edges.wiped, "no operation was removed: that this works is not shown"
    assert edges.regret() <= edges.certificate() <= edges.bound()
    assert accuracy > 0.3, "ten classes"


def test_code_of_the_published_shape() -> None:
    edges = example("published_darts")["main"](epochs=1)
    p = edges.distribution()
    assert {name: tuple(table.shape) for name, table in p.items()} == {
        "normal": (14, 8),
        "reduce": (14, 8),
    }
    assert not torch.allclose(p["normal"], torch.full((14, 8), 1 / 8))
    assert edges.regret() <= edges.certificate() <= edges.bound()
    assert edges.clipped_share() < 0.9, "the scale was not taken off"


def test_two_ranks_hold_the_same_distributions() -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    shown = subprocess.run(
        [*launch, EXAMPLES / "two_ranks.py"], check=True, capture_output=True, text=True
    ).stdout
    plays = dict(re.findall(r"rank (\d): (\[[^]]*\])", shown))
    assert plays.keys() == {"0", "1"}
    assert plays["0"] == plays["1"]
    assert len(set(ast.literal_eval(plays["0"]))) > 4, "nothing was learned"


def test_adaboost_ends_without_an_error_and_with_a_margin() -> None:
    """Its bounds are asserted in the example, after every round."""
    table, margins = example("adaboost")["main"](rounds=120)
    assert len(table) == 120
    assert table[0, 1] > 0 == table[-1, 1]
    assert table[-1, 2] < 0.01, "the bound does not fall"
    assert margins[1][0] == pytest.approx(-1)
    assert margins[120][0] > 0.05


def test_self_play_finds_the_value() -> None:
    table, value = example("minimax")["main"](rounds=1000)
    gaps = [upper - lower for _, lower, upper, _ in table]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.1 * gaps[0]
    assert 0.5 < value < 1


def test_the_perceptron_stops_making_mistakes() -> None:
    found = example("perceptron")["main"]()
    assert {name for _, _, name in found} == {"perceptron", "winnow"}
    for mistakes, bound, ended in found.values():
        assert 0 < mistakes <= bound
        assert ended


def test_a_portfolio_pays_its_costs() -> None:
    portfolio = example("portfolio")
    prices = portfolio["made_up"](days=200)
    free, dear = (portfolio["main"](prices, cost) for cost in (0.0, 0.02))
    assert free["EG"] == pytest.approx(free["EG before costs"])
    assert free["best fund"] == pytest.approx(free["best fund before costs"])
    for name in ("EG", "best fund", "mixture of funds"):
        assert dear[name] < free[name]
    assert dear["EG before costs"] == free["EG before costs"]


def test_what_rebalancing_leaves() -> None:
    """From all in the first of two to halves at cost c: 1 - c f / 2 = f, f = 1 / (1 + c / 2)."""
    kept = example("portfolio")["kept"]
    halves = np.asarray([0.5, 0.5])
    assert kept(np.asarray([1.0, 0.0]), halves, 0.1) == pytest.approx(1 / 1.05, rel=1e-14)
    assert kept(halves, halves, 0.1) == 1
