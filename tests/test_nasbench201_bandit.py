"""Searches on NAS-Bench-201's table: reading it, the protocol, the methods, the command."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nasbench201_bandit as bandit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasbench201_experts import code, normal_scores, one_hot
from nasbench201_references import NEIGHBOURS, Evolution, OneByOne, local_search
from nasbench201_table import ARCHITECTURES, SIZE, SPACE, Table, columns, read, write_synthetic

from nas_adapter.errors import UserError

SHORT = 25
"""queries of a search whose law is tested; enough for every method to repeat itself or not"""
PAID_ONCE = tuple(
    name
    for name in bandit.METHODS
    if (name.startswith("experts") and name != "experts-repeating")
    or name in {"random", "evolution-once", "local-search"}
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("table") / "synthetic.csv"
    write_synthetic(found)
    return found


@pytest.fixture(scope="module")
def table(path: Path) -> Table:
    return read(str(path), "synthetic")


@pytest.fixture(scope="module")
def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def searched(table: Table, name: str, queries: int, seeds: range, power: float = 1.0) -> Any:
    loss = (1 - table.valid / 100) ** power
    generators = [np.random.default_rng([5, seed]) for seed in seeds]
    return bandit.METHODS[name](lambda asked: loss[asked], queries, generators)


def test_the_synthetic_table_is_whole_and_read_as_written(
    table: Table, rows: list[list[str]]
) -> None:
    assert len(rows) == 1 + SIZE
    assert len({row[1] for row in rows}) == 1 + SIZE
    for index in (0, 1, 7000, SIZE - 1):
        row = rows[1 + index]
        at = int(code(one_hot(np.asarray(0)) * 0 + np.eye(5)[list(SPACE.parse(row[1]))]))
        assert (table.row[at], table.valid[at], table.test[at]) == (
            index, float(row[2]), float(row[3]),
        )  # fmt: skip


def test_a_compressed_table_is_the_same(path: Path, table: Table, tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    found = read(str(tmp_path / "t.csv.gz"), "synthetic")
    np.testing.assert_array_equal(found.valid, table.valid)
    swapped = read(str(path), "synthetic", columns("synthetic")[::-1])
    np.testing.assert_array_equal(swapped.valid, table.test)


def test_codes_are_the_digits_of_architectures() -> None:
    every = np.arange(SIZE)
    np.testing.assert_array_equal(code(one_hot(every)), every)
    np.testing.assert_array_equal(np.argmax(one_hot(every), -1), ARCHITECTURES)
    different = np.sum(ARCHITECTURES[NEIGHBOURS] != ARCHITECTURES[:, None], axis=-1)
    assert np.all(different == 1)
    assert all(len(set(around)) == 24 for around in NEIGHBOURS[:50].tolist())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rows: rows[0].__setitem__(2, "val"), "no column synthetic_val_12ep; it has index"),
        (lambda rows: rows.pop(7), r"1 of 15625 architectures are missing, first \|"),
        (lambda rows: rows.append(rows[3]), r"row 15626: .* is in row 3 already"),
        (lambda rows: rows[4].__setitem__(1, rows[4][1][:-1]), "row 4: not a NAS-Bench-201 arch"),
        (lambda rows: rows[4].__setitem__(1, ""), "row 4: not a NAS-Bench-201 arch"),
        (lambda rows: rows[9].__setitem__(2, "n/a"), r"row 9, synthetic_val_12ep: .* got 'n/a'"),
        (lambda rows: rows[9].__setitem__(3, "nan"), r"row 9, synthetic_test_200ep: .*'nan'"),
        (lambda rows: rows[9].__setitem__(2, "101"), "an accuracy in % is needed, got '101'"),
        (lambda rows: rows[9].__delitem__(slice(2, 4)), "row 9, synthetic_val_12ep: .* got None"),
        (lambda rows: rows.clear(), "no column arch, synthetic_val_12ep, .* it has none"),
    ],
)
def test_bad_tables_are_refused(
    rows: list[list[str]], tmp_path: Path, damage: Any, message: str
) -> None:
    damaged = [list(row) for row in rows]
    damage(damaged)
    with (tmp_path / "bad.csv").open("w", newline="") as file:
        csv.writer(file).writerows(damaged)
    with pytest.raises(UserError, match=message):
        read(str(tmp_path / "bad.csv"), "synthetic")


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read(str(tmp_path / "none.csv"), "cifar10")
    (tmp_path / "not.gz").write_text("index,arch\n")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\xff")
    for name in ("not.gz", "bytes.csv"):
        with pytest.raises(UserError, match="not a readable CSV file"):
            read(str(tmp_path / name), "cifar10")


class Official:
    """What this program uses of nats_bench's interface."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.order = np.argsort(table.row)

    def __len__(self) -> int:
        return len(self.order)

    def arch(self, index: int) -> str:
        return str(SPACE.genotype(tuple(ARCHITECTURES[self.order[index]])))

    def get_more_info(self, index: int, data: str, *, hp: str, is_random: bool) -> dict[str, float]:
        at = self.order[index]
        assert not is_random
        if (data, hp) == ("cifar10-valid", "12"):
            return {"valid-accuracy": self.table.valid[at]}
        if (data, hp) == ("cifar10", "200"):
            return {"test-accuracy": self.table.test[at]}
        raise KeyError(data)


def test_the_official_files_give_the_same_table(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nats_bench", None)
    with pytest.raises(UserError, match="pip install nats_bench"):
        read("nats:/files", "cifar10")
    fake = SimpleNamespace(create=lambda path, space, *, fast_mode, verbose: Official(table))
    monkeypatch.setitem(sys.modules, "nats_bench", fake)
    found = read("nats:/files", "cifar10")
    for name in ("valid", "test", "row"):
        np.testing.assert_array_equal(getattr(found, name), getattr(table, name))
    with pytest.raises(UserError, match="nothing on architecture 0, cifar100"):
        read("nats:/files", "cifar100")


@given(seed=st.integers(0, 2**32 - 1))
def test_a_score_is_the_test_accuracy_of_the_best_validation_so_far(seed: int) -> None:
    rng = np.random.default_rng(seed)
    valid, test = rng.integers(0, 4, SIZE) * 1.0, rng.random(SIZE) * 100  # many ties
    small = Table("made up", valid, test, rng.permutation(SIZE))
    queries = rng.integers(SIZE, size=(2, 12))
    scores = small.score(queries)
    for run, t in np.ndindex(2, 12):
        seen = queries[run, : t + 1]
        best = max(seen, key=lambda at: (valid[at], small.row[at]))
        assert scores[run, t] == test[best]


@pytest.mark.parametrize("name", bandit.METHODS)
def test_a_method_pays_for_what_it_sees_and_is_the_same_in_any_company(
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
    paid = np.sort(np.concatenate(asked))
    np.testing.assert_array_equal(paid, np.sort(codes.ravel()), "asked for more than was paid")
    np.testing.assert_array_equal(codes[1:2], searched(table, name, SHORT, range(1, 2)))
    assert len(np.unique(codes[:, :3], axis=0)) == 3, "seeds give different searches"
    if name in PAID_ONCE:
        assert all(len(set(run)) == SHORT for run in codes.tolist())


def test_the_experts_know_neither_the_budget_nor_the_scale_of_losses(table: Table) -> None:
    """One setting: a search begins as a longer one does; only the order of losses counts."""
    longer = searched(table, "experts", 2 * SHORT, range(2))
    np.testing.assert_array_equal(longer[:, :SHORT], searched(table, "experts", SHORT, range(2)))
    np.testing.assert_array_equal(longer, searched(table, "experts", 2 * SHORT, range(2), power=3))


def test_a_search_whose_plays_were_all_seen_takes_one_that_was_not() -> None:
    seen = np.ones(SIZE, dtype=bool)
    seen[777] = False
    plays = np.repeat(one_hot(np.asarray([3])), 4, axis=0)
    generator = np.random.default_rng(0)
    assert bandit.EXPERTS._pick(plays, seen, generator) == 777
    seen[3] = False
    assert bandit.EXPERTS._pick(plays, seen, generator) == 3


@given(losses=st.lists(st.floats(0, 1), max_size=30, unique=True))
def test_normal_scores_keep_the_order_and_are_centred(losses: list[float]) -> None:
    scores = normal_scores(np.asarray(losses, dtype=float))
    np.testing.assert_array_equal(np.argsort(scores), np.argsort(losses))
    np.testing.assert_allclose(scores.sum(), 0, atol=1e-9)


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
    assert mean["local-search"] < mean["experts"] <= table.valid.max()


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
        ("synthetic", "experts", 40, 4), ("synthetic", "random", 40, 4),
    ]  # fmt: skip
    ours, other = records
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
