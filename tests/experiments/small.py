"""Runs of seconds, in the small space of the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import run_xnas

SMALL = ["--preset", "published", "--epochs", "2", "--channels", "2", "--batch-size", "240"]
SMALL += ["--retrain-epochs", "1", "--baselines", "1", "--reward-bound", "0.01"]
CELL = "identity conv_3x3 none"
OTHER = "identity identity conv_3x3"


def resumed(out: Path, *arguments: str) -> dict[str, Any]:
    assert run_xnas.command(["--out", str(out), "--resume", *arguments]) == 0
    found: dict[str, Any] = json.loads((out / "result.json").read_text())
    return found
