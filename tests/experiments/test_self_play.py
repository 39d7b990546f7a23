"""Learners against each other: the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.programs import check_refused, smoke


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("self_play", tmp_path / "out", {"self_play.png"})
    assert {r["case"] for r in rows} == {"matrices", "Kuhn poker"}
    assert all(0 <= r["gap"] <= r["certificate"] for r in rows)
    assert not any(r["violations"] for r in rows)


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused("self_play", "--rounds 0", "--rounds must be at least 1", tmp_path, capsys)
