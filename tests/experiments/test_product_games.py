"""Product games: architectures and edges play alike, and the command."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from studies.product_games import joint

import experts
from experts.environments import Given
from tests.experiments.programs import check_refused, smoke


def test_architectures_are_in_the_order_of_nested_loops() -> None:
    losses = np.random.default_rng(0).random((5, 2, 3, 4))  # (T, S, E, K)
    environment = joint.Architectures(losses)
    generators = [np.random.default_rng(seed) for seed in range(2)]
    found = environment.start(generators)(5)
    for index, chosen in enumerate(itertools.product(range(4), repeat=3)):
        mean = losses[:, :, np.arange(3), chosen].mean(axis=-1)
        np.testing.assert_allclose(found[..., index], mean, rtol=1e-14)


@given(losses=hnp.arrays(np.float64, (6, 2, 3), elements=st.floats(0, 1)), eta=st.floats(0.01, 3))
def test_joint_and_per_edge_plays_are_the_same(losses: np.ndarray, eta: float) -> None:
    absolute, relative = joint.differences(experts.hedge(eta), losses)
    assert absolute <= 1e-14
    assert relative <= 1e-12


def test_one_number_fed_to_every_edge() -> None:
    """With one edge it is the bandit game; the architectures drawn lose what they are told to."""
    losses = np.random.default_rng(0).integers(0, 2, (300, 400, 1, 2)) * np.asarray([0.2, 1.0])
    rng = np.random.default_rng(1)
    suffered = joint.fed_the_total(experts.exp3(), losses, rng).sum(axis=0)
    bandit = experts.play(experts.exp3(), Given(losses), seeds=1, feedback="bandit")
    other = bandit.loss[-1, 0, :, 0]
    error = math.hypot(suffered.std(), other.std()) / math.sqrt(400)
    assert abs(suffered.mean() - other.mean()) < 4 * error
    same = np.broadcast_to(np.asarray([0.25, 0.5, 0.75])[:, None], (20, 5, 3, 2))
    np.testing.assert_array_equal(joint.fed_the_total(experts.exp3(), same, rng), 1.5)


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("product_games", tmp_path / "out", {"product_regret.png", "product_cost.png"})
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--operations 1", "--operations must be at least 2"),
        ("--most-edges 20", "must be at most 10**6 architectures"),
    ],
)
def test_bad_arguments(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_refused("product_games", arguments, message, tmp_path, capsys)
