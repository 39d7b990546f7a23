"""contextual_bandits.py: a tiny run keeps its bounds, mistakes are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.programs import check_refused, smoke


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("contextual_bandits", tmp_path / "out", {"contextual.png"})
    assert [row["policy"] for row in rows] == ["exp4", "linucb", "linear_thompson", "real_linexp3"]
    assert not any(row["violated"] for row in rows)
    assert all(0 < row["regret"] < row["bound"] for row in rows)


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = "--rounds must be at least 100"
    check_refused("contextual_bandits", "--rounds 99", message, tmp_path, capsys)
