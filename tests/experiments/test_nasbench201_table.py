"""NAS-Bench-201's table: what is read, what is refused, and how a search on it is scored."""

from __future__ import annotations

import csv
import gzip
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies.nasbench201.references import NEIGHBOURS
from studies.nasbench201.table import (
    ARCHITECTURES,
    SIZE,
    SPACE,
    Table,
    columns,
    encode,
    read,
    write_synthetic,
)

from nas_adapter.errors import UserError


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


def test_the_synthetic_table_is_whole_and_read_as_written(
    table: Table, rows: list[list[str]]
) -> None:
    assert len(rows) == 1 + SIZE
    assert len({row[1] for row in rows}) == 1 + SIZE
    for index in (0, 1, 7000, SIZE - 1):
        row = rows[1 + index]
        at = int(encode(SPACE.parse(row[1])))
        assert (table.row[at], table.valid[at], table.test[at]) == (
            index, float(row[2]), float(row[3]),
        )  # fmt: skip


def test_a_compressed_table_is_the_same(path: Path, table: Table, tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    found = read(str(tmp_path / "t.csv.gz"), "synthetic")
    np.testing.assert_array_equal(found.valid, table.valid)
    swapped = read(str(path), "synthetic", columns("synthetic")[::-1])
    np.testing.assert_array_equal(swapped.valid, table.test)


def test_neighbours_differ_on_one_edge() -> None:
    nested = list(itertools.product(range(5), repeat=6))
    np.testing.assert_array_equal(ARCHITECTURES, nested)
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
