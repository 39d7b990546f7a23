"""Experiments run as commands, write what they promise, and what they claim holds in the JSON."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
Rows = list[dict[str, Any]]


def run(name: str, *arguments: str | Path) -> str:
    """As a process; what it printed."""
    command = [sys.executable, EXPERIMENTS / f"{name}.py", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)  # noqa: PLW1510
    assert done.returncode == 0, done.stderr
    return done.stdout


def product_games(rows: Rows) -> None:
    same = [r for r in rows if r["what"].endswith("joint against per edge")]
    assert len(same) == 3
    assert all(r["largest_relative_difference"] <= 1e-12 for r in same)
    assert all(r["largest_difference"] <= 1e-12 for r in same)
    played = [r for r in rows if "violations" in r]
    assert {r["what"] for r in played} == {
        "full information: noise", "full information: gap",
        "bandit: edges", "bandit: total", "bandit: joint",
    }  # fmt: skip
    assert all(r["violations"] == 0 for r in played)
    full = [r for r in played if r["what"].startswith("full")]
    assert all(r["worst_regret"] <= r["bound"] <= r["bound_naive"] for r in full)


def synthetic_bandits(rows: Rows) -> None:
    assert len(rows) == 4 * 6
    assert all(r["violated"] is False for r in rows if r["bound"] is not None)
    for row in rows:
        assert row["realised_regret"] >= row["pseudo_regret"]
        assert row["sequence_regret"] >= row["pseudo_regret"] or row["problem"] != "switching"


def wipeout_study(rows: Rows) -> None:
    *settings, total = rows
    ours = [r for r in settings if r["rule"] == "provable"]
    assert total["games"] == sum(r["games"] for r in ours) > 1000
    assert total["violations"] == 0 == total["regret_above_bound"]
    assert {r["game"] for r in ours} == {"iid", "comeback", "coins", "segments", "brink"}
    for row in ours:
        assert row["bound_gamma_mean"] <= row["bound_plain"] * (1 + 1e-12)
    assert any(r["bound_gamma_mean"] < 0.9 * r["bound_plain"] for r in ours)
    confident = [r for r in settings if r["rule"] == "confidence" and r["game"] == "iid"]
    # The promise holds with probability 1 - delta for each setting; it is far from tight.
    assert all(r["best_in_mean_removed"] == 0 for r in confident)


def online_to_batch(rows: Rows) -> None:
    assert {r["case"] for r in rows} == {"linear", "squared", "squared (table)"}
    promised = [r for r in rows if r["promised"]]
    assert {r["decision"] for r in promised} == {"average", "anytime", "random"}
    assert not any(r["violated"] for r in promised)
    assert all(r["excess_risk"] >= 0 for r in rows)
    assert all(r["regret_over_t"] <= r["bound_over_t"] for r in rows)


CHECKS: dict[str, tuple[Callable[[Rows], None], set[str]]] = {
    "product_games": (product_games, {"product_regret.png", "product_cost.png"}),
    "synthetic_bandits": (synthetic_bandits, {"bandits.png", "bandits_growth.png"}),
    "wipeout_study": (wipeout_study, {"when.png", "wipeout_bounds.png", "risk.png"}),
    "online_to_batch": (online_to_batch, {"online_to_batch.png"}),
}


def forecasts(folder: Path) -> Path:
    """A table with a target and two forecasts of it."""
    path = folder / "forecasts.csv"
    rows = [f"{i},{i % 7},{i % 7 + (i % 3 - 1)},{i % 7 + (i % 2) * 2 - 1}" for i in range(42)]
    path.write_text("\n".join(["week,load,first,second", *rows]) + "\n")
    return path


@pytest.mark.parametrize("name", CHECKS)
def test_smoke(name: str, tmp_path: Path) -> None:
    check, pictures = CHECKS[name]
    out = tmp_path / "out"
    extra: list[str | Path] = []
    if name == "online_to_batch":
        extra = ["--table", forecasts(tmp_path), "--target", "load"]
        extra += ["--forecasters", "first", "second"]
    shown = run(name, "--smoke", "--out", out, *extra)
    rows = json.loads((out / "result.json").read_text())
    assert shown.count("\n") >= 5  # the table
    assert {path.name for path in out.iterdir()} == {"result.json"} | pictures
    assert all((out / p).read_bytes().startswith(b"\x89PNG") for p in pictures)
    check(rows)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("product_games", "--operations 1", "--operations must be at least 2"),
        ("product_games", "--most-edges 20", "must be at most 10**6 architectures"),
        ("synthetic_bandits", "--gap 0.6", "--gap must lie in (0, 1/2]"),
        ("wipeout_study", "--reward-bounds 0.5", "--reward-bounds must be numbers of at least 1"),
        ("wipeout_study", "--delta 1", "--delta must lie in (0, 1)"),
        ("online_to_batch", "--table /does/not/exist", "/does/not/exist cannot be read: No such"),
    ],
)
def test_bad_arguments(
    name: str, arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = importlib.import_module(name).command
    assert command([*arguments.split(), "--out", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert message in shown
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_lacks_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = forecasts(tmp_path)
    command = importlib.import_module("online_to_batch").command
    assert command(["--table", str(table), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        f"error: --table {table} has no column 'target', only week, load, first, second\n"
    )
