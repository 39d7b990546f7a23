"""Searches on NAS-Bench-201's table: what they query, what they know, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nasbench201_bandit as bandit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studies.nasbench201.references import NEIGHBOURS, Evolution, OneByOne, local_search
from studies.nasbench201.table import ARCHITECTURES, Table, read, write_synthetic

SHORT = 25
"""Queries of a tested search; enough for every method that repeats itself to do so."""
NEVER_REPEATS = tuple(
    name
    for name in bandit.METHODS
    if (name.startswith("experts") and name != "experts-repeating")
    or name in {"random", "evolution-once", "local-search"}
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("table") / "synthetic.csv"
    write_synthetic(path)
    return read(str(path), "synthetic")


def searched(table: Table, name: str, queries: int, seeds: range, power: float = 1.0) -> Any:
    loss = (1 - table.valid / 100) ** power
    generators = [np.random.default_rng([5, seed]) for seed in seeds]
    return bandit.METHODS[name](lambda asked: loss[asked], queries, generators)


@pytest.mark.parametrize("name", bandit.METHODS)
def test_a_method_knows_only_its_queries_and_no_search_depends_on_those_beside_it(
    table: Table, name: str
) -> None:
    asked: list[np.ndarray] = []
    loss = 1 - table.valid / 100

    def ask(at: np.ndarray) -> Any:
        asked.append(at)
        return loss[at]

    generators = [np.random.default_rng([5, seed]) for seed in range(3)]
    codes = bandit.METHODS[name](ask, SHORT, generators)
    assert codes.shape == (3, SHORT)
    every = np.sort(np.concatenate(asked))
    np.testing.assert_array_equal(every, np.sort(codes.ravel()), "asked for more than it reports")
    np.testing.assert_array_equal(codes[1:2], searched(table, name, SHORT, range(1, 2)))
    assert len(np.unique(codes[:, :3], axis=0)) == 3, "seeds give different searches"
    if name in NEVER_REPEATS:
        assert all(len(set(run)) == SHORT for run in codes.tolist())


def test_the_experts_know_neither_the_budget_nor_the_scale_of_losses(table: Table) -> None:
    """One setting: a search begins as a longer one does; only the order of losses counts."""
    longer = searched(table, "experts", 2 * SHORT, range(2))
    np.testing.assert_array_equal(longer[:, :SHORT], searched(table, "experts", SHORT, range(2)))
    np.testing.assert_array_equal(longer, searched(table, "experts", 2 * SHORT, range(2), power=3))


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_local_search_goes_to_local_optima(table: Table, seed: int) -> None:
    """It leaves an architecture only for a better neighbour, or once all neighbours are known."""
    loss = 1 - table.valid / 100
    generator = np.random.default_rng(seed)
    codes = OneByOne(local_search)(lambda at: loss[at], 120, [generator])[0]
    at, known = int(codes[0]), set()
    for asked in codes.tolist():
        known.add(asked)
        if asked in NEIGHBOURS[at] and loss[asked] < loss[at]:
            at = asked
        elif asked not in NEIGHBOURS[at] and asked != at:
            around = set(NEIGHBOURS[at].tolist())
            assert around <= known, "a restart before all neighbours were known"
            assert loss[at] <= loss[list(around)].min()
            break


def test_children_of_an_evolution_differ_on_at_most_one_edge(table: Table) -> None:
    loss = 1 - table.valid / 100
    for once, fewest in ((False, 0), (True, 1)):
        codes = OneByOne(Evolution(once))(lambda at: loss[at], 60, [np.random.default_rng(0)])[0]
        seen = ARCHITECTURES[codes]
        for t in range(10, 60):
            apart = np.sum(seen[:t] != seen[t], axis=-1).min()
            assert fewest <= apart <= 1 or once


def test_the_searches_stand_in_the_order_that_they_are_known_for(table: Table) -> None:
    """On the synthetic table, 12 runs of 120 queries; mean of the best validation seen."""
    mean = {
        name: table.valid[searched(table, name, 120, range(12))].max(-1).mean()
        for name in ("random", "reinforce-slow", "evolution", "local-search", "experts")
    }
    assert mean["random"] < mean["evolution"] < mean["experts"]
    assert mean["random"] < mean["reinforce-slow"]
    assert mean["local-search"] < mean["experts"]


def test_regret_is_the_sum_of_losses_less_the_best(table: Table) -> None:
    codes = np.asarray([[3, 3, 9]])
    error, best = 1 - table.valid / 100, 1 - table.valid.max() / 100
    expected = [error[3] - best, 2 * (error[3] - best), 2 * error[3] + error[9] - 3 * best]
    np.testing.assert_allclose(bandit.regret(table, codes)[0], expected)


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--smoke", "--out", str(tmp_path), "--jobs", "1", "--method"]
    assert bandit.command([*arguments, "experts,random"]) == 0
    records = json.loads((tmp_path / "result.json").read_text())
    assert [(r["dataset"], r["method"], r["queries"], r["runs"]) for r in records] == [
        ("synthetic", name, queries, 4)
        for name in ("experts", "random") for queries in (10, 20, 40)
    ]  # fmt: skip
    ours, other = records[2::3]
    assert other["experts_ahead"] == pytest.approx(ours["mean"] - other["mean"])
    table = read(str(tmp_path / "synthetic.csv"), "synthetic")
    codes = bandit.searches(table, "experts", 0, 4, bandit.Config(queries=40))[-1]
    scores = table.score(codes)[:, -1]
    assert (ours["mean"], ours["std"]) == (scores.mean(), scores.std())
    assert {path.name for path in tmp_path.iterdir()} == {
        "result.json", "search.png", "regret.png", "synthetic.csv",
    }  # fmt: skip
    assert "experts_ahead" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--table is needed"),
        (["--table", "none.csv"], "--table none.csv: no such file"),
        (["--smoke", "--method", "magic"], "unknown method 'magic': choose one of experts, "),
        (["--smoke", "--queries", "20000"], "--queries must be at most 15625"),
        (["--smoke", "--runs", "0"], "--runs must be at least 1"),
        (["--smoke", "--columns", "a"], "--columns must be QUERY,SCORE"),
    ],
)
def test_mistakes_at_the_terminal(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert bandit.command([*arguments, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
