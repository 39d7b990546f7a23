"""Benchmarks run and write their records; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["checks", "experts", "forecasting", "import_time", "supernet"])
def test_smoke(name: str, tmp_path: Path) -> None:
    command = [sys.executable, f"benchmarks/{name}.py", "--out", str(tmp_path), "--smoke"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    table = json.loads((tmp_path / "result.json").read_text())
    assert all(row.keys() == {"case", "ours", "peer", "ratio"} for row in table)
    assert all(row["case"] in shown for row in table)
