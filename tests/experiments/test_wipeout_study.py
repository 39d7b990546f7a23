"""The wipe-out study: what the command writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.programs import check_refused, smoke


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("wipeout_study", tmp_path / "out", {"when.png", "wipeout_bounds.png", "risk.png"})
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--reward-bounds 0.5", "--reward-bounds must be numbers of at least 1"),
        ("--delta 1", "--delta must lie in (0, 1)"),
    ],
)
def test_bad_arguments(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_refused("wipeout_study", arguments, message, tmp_path, capsys)
