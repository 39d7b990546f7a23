"""ranking.py on a made-up table: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.image
import pytest
import ranking
from studies.nasbench201.table import columns, write_synthetic


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    write_synthetic(path)
    head, rest = path.read_text().split("\n", 1)
    for made_up, real in zip(columns("synthetic"), columns("cifar10"), strict=True):
        head = head.replace(made_up, real)
    path.write_text(f"{head}\n{rest}")
    return path


@pytest.mark.parametrize("weights", ["single-path", "mixture"])
def test_a_ranking_at_every_mark(table: Path, tmp_path: Path, weights: str) -> None:
    out = tmp_path / "out"
    arguments = [
        "--table",
        table,
        "--data",
        "digits",
        "--smoke",
        "--out",
        out,
        "--weights",
        weights,
    ]
    assert ranking.command([str(word) for word in arguments]) == 0
    (record,) = json.loads((out / "result.json").read_text())
    assert (record["seed"], record["step"]) == (0, 4)
    assert -1 <= record["spearman"] <= 1
    assert -1 <= record["spearman_top_half"] <= 1
    assert 10 <= record["accuracy_of_its_top_ten"] <= 94
    assert matplotlib.image.imread(out / "ranking.png").std() > 0.01


def test_bad_options(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ranking.command(["--table", str(table), "--weights", "none"]) == 2
    assert "choose one of mixture, single-path" in capsys.readouterr().err
    assert ranking.command(["--table", str(table), "--cells", "3"]) == 2
    assert "--cells must be at least 12" in capsys.readouterr().err
