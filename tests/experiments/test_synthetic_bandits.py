"""Synthetic bandits: the problems, the compiled references, and the command."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from studies.synthetic_bandits import problems

from experts import policies
from experts.testing.policies import Pulling, pulled
from tests.experiments.programs import check_refused, smoke


def test_ucb1_pulls_the_arms_that_the_policy_does() -> None:
    """The package's own, where ties go to the first arm: its uniform is the largest."""
    losses = np.random.default_rng(0).integers(0, 2, (2000, 3, 4)).astype(float)
    uniforms = np.broadcast_to([0.9, 0.6, 0.3, 0.0], losses.shape)
    arms, _ = pulled(policies.ucb1(), Pulling(losses, uniforms))
    np.testing.assert_array_equal(problems.ucb1(losses), arms.argmax(-1))


@pytest.mark.parametrize(("loss", "stays"), [(0.0, 2 / 3), (1.0, 1 / 3)])
def test_thompson_samples_the_posterior(loss: float, stays: float) -> None:
    """Beta(2, 1) beats Beta(1, 1) with probability 2/3, Beta(1, 2) with 1/3."""
    games = 20_000
    losses = np.full((2, games, 2), loss)
    first, second = problems.thompson(losses, np.random.default_rng(0))
    for share, expected in ((first.mean(), 0.5), ((first == second).mean(), stays)):
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / games)


@pytest.mark.parametrize("name", problems.PROBLEMS)
def test_problems_are_probabilities_with_the_gap_that_they_say(name: str) -> None:
    means = problems.PROBLEMS[name](1000, 4, 0.2)
    assert means.shape == (1000, 4)
    assert means.min() >= 0 and means.max() <= 1
    gaps = np.sort(means, axis=1)[:, 1] - means.min(axis=1)
    assert gaps.max() == pytest.approx(0.2)
    assert name == "shrinking" or gaps.min() == pytest.approx(0.2)


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("synthetic_bandits", tmp_path / "out", {"bandits.png", "bandits_growth.png"})
    assert len(rows) == 4 * 6
    assert all(r["violated"] is False for r in rows if r["bound"] is not None)
    for row in rows:
        assert row["realised_regret"] >= row["pseudo_regret"]
        assert row["sequence_regret"] >= row["pseudo_regret"] or row["problem"] != "switching"


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused("synthetic_bandits", "--gap 0.6", "--gap must lie in (0, 1/2]", tmp_path, capsys)
