"""The collapse study: what it records of a search, and with what table."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from pathlib import Path

import collapse
import numpy as np
import pytest
from studies.nasbench201.table import columns

from nas_adapter.spaces import NASBench201

SPACE = NASBench201()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made up: the accuracy is the number of 3x3 convolutions."""
    path = tmp_path_factory.mktemp("table") / "table.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("arch", *columns("cifar10")))
        for architecture in itertools.product(range(5), repeat=6):
            writer.writerow((SPACE.genotype(architecture), 0, architecture.count(3)))
    return path


def test_every_epoch_is_recorded_and_a_second_call_only_reads(table: Path, tmp_path: Path) -> None:
    arguments = ["--smoke", "--table", str(table), "--out", str(tmp_path)]
    arguments += ["--runs", "xnas, no none, warm-up, its L", "random"]
    assert collapse.command(arguments) == 0
    records = json.loads((tmp_path / "result.json").read_text())
    assert [(r["run"], r["epoch"]) for r in records] == [
        *[("xnas, no none, warm-up, its L", epoch) for epoch in (1, 2, 3)],
        ("random", 3),
    ]
    warming, *playing = records
    assert warming["skip_probability"] == pytest.approx(0.25)
    assert warming["none_probability"] == 0
    assert warming["entropy"] == pytest.approx(np.log(4))
    assert "reward_size" not in warming
    assert "architecture" not in warming, "nothing can be read off the uniform play"
    for record in playing:
        architecture = SPACE.parse(record["architecture"])
        assert record["skip_edges"] == architecture.count(collapse.SKIP)
        assert record["table_accuracy"] == architecture.count(3)
    assert records[1]["reward_size"] > 0
    assert records[2]["reward_bound"] > 0
    assert (tmp_path / "collapse.png").read_bytes().startswith(b"\x89PNG")
    finished = (tmp_path / "random-0" / "checkpoint.pt").stat().st_mtime_ns
    assert collapse.command(arguments) == 0
    assert json.loads((tmp_path / "result.json").read_text()) == records
    assert (tmp_path / "random-0" / "checkpoint.pt").stat().st_mtime_ns == finished


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert collapse.command(["--runs", "xnas2", *out]) == 2
    assert "error: unknown run 'xnas2': choose one of darts-first" in capsys.readouterr().err
    assert collapse.command(["--table", str(tmp_path / "none.csv"), *out]) == 2
    assert "none.csv: no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
