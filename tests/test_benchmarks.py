"""Benchmarks run and write their records; no time is asserted."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
Row = tuple[tuple[str, str], ...]


def rows(path: Path) -> set[Row]:
    with gzip.open(path, "rt", newline="") as file:
        return {tuple(row.items()) for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    "name",
    [
        "checks",
        "contextual",
        "experts",
        "forecasting",
        "games",
        "import_time",
        "samplers",
        "supernet",
    ],
)
def test_smoke(name: str, tmp_path: Path) -> None:
    command = [sys.executable, f"benchmarks/{name}.py", "--out", str(tmp_path), "--smoke"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    table = json.loads((tmp_path / "result.json").read_text())
    assert all(row.keys() == {"case", "ours", "peer", "ratio"} for row in table)
    assert all(row["case"] in shown for row in table)


def test_the_table_of_pipelines_is_what_its_script_makes(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/pipelines.py", "--out", str(tmp_path), "--smoke"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made = rows(tmp_path / "pipelines.csv.gz")
    assert len(made) == 4
    assert made <= rows(ROOT / "benchmarks" / "pipelines.csv.gz")


def test_time_of_an_ask(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/search_time.py", "--out", str(tmp_path), "--smoke"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    table = json.loads((tmp_path / "result.json").read_text())
    assert len(table) == 4
    assert all(row["seconds"] > 0 and row["case"] in shown for row in table)
