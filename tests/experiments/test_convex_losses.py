"""Convex losses: the problems keep what they promise, and the command."""

from __future__ import annotations

from pathlib import Path

import convex_losses
import numpy as np
import pytest

from tests.experiments.programs import check_refused, smoke


@pytest.mark.parametrize("name", convex_losses.PROBLEMS)
def test_gradients_are_those_of_the_losses(name: str) -> None:
    """Central differences; and the regret's point is the best one: its mean gradient is 0."""
    problem, rng = convex_losses.PROBLEMS[name], np.random.default_rng(0)
    games, size = 4000, convex_losses.SIZE
    drawn, point = problem.draw(rng, games), rng.uniform(-0.4, 0.4, (games, size))
    gradient = problem.loss(point, drawn)[1]
    for i in range(size):
        step = 1e-6 * np.eye(size)[i]
        rise = problem.loss(point + step, drawn)[0] - problem.loss(point - step, drawn)[0]
        assert np.mean(np.abs(rise / 2e-6 - gradient[:, i]) > 1e-6) < 1e-3  # but for the kinks
    slopes = problem.loss(np.broadcast_to(problem.point, (games, size)), drawn)[1]
    assert np.all(np.abs(slopes.mean(axis=0)) < 5 * slopes.std(axis=0) / games**0.5)


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("convex_losses", tmp_path / "out", {"convex.png"})
    assert {row["problem"] for row in rows} == set(convex_losses.PROBLEMS)
    assert not any(row["violations"] for row in rows)


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused("convex_losses", "--games 1", "--games must be at least 2", tmp_path, capsys)
