"""Checks of the programs as commands: a tiny run, and mistakes in the arguments."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
Rows = list[dict[str, Any]]


def run(name: str, *arguments: str | Path) -> str:
    """Run a program as a process; what it printed."""
    command = [sys.executable, EXPERIMENTS / f"{name}.py", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)  # noqa: PLW1510
    assert done.returncode == 0, done.stderr
    return done.stdout


def smoke(name: str, out: Path, pictures: set[str], *extra: str | Path) -> Rows:
    """Do a tiny run, check its table and the files it writes; its records."""
    shown = run(name, "--smoke", "--out", out, *extra)
    rows: Rows = json.loads((out / "result.json").read_text())
    assert shown.count("\n") >= 5  # the table
    assert {path.name for path in out.iterdir()} == {"result.json"} | pictures
    assert all((out / p).read_bytes().startswith(b"\x89PNG") for p in pictures)
    return rows


def check_refused(
    name: str, arguments: str, message: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check that wrong arguments are explained by `message`, and nothing is written."""
    command = importlib.import_module(name).command
    assert command([*arguments.split(), "--out", str(out)]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert message in shown
    assert list(out.iterdir()) == []
