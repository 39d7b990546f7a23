"""Online to batch: the populations against definitions, and the command."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from studies.online_to_batch import populations

from tests.experiments.programs import check_refused, smoke


@given(errors=hnp.arrays(np.int64, (6, 3), elements=st.integers(-4, 4)).filter(np.any))
def test_the_least_risk_is_the_least(errors: np.ndarray) -> None:
    """No point of a grid on the simplex is better, and the gradient says so: Frank-Wolfe's gap."""
    squared = populations.scaled(errors.astype(float))
    best = squared.best
    assert best.sum() == pytest.approx(1)
    assert best.min() >= 0
    slope = squared.gradient(best, squared.errors).mean(axis=0)
    assert best @ slope - slope.min() <= 1e-9
    grid = np.asarray([p for p in itertools.product(range(11), repeat=3) if sum(p) == 10]) / 10
    assert squared.least <= squared.risk(grid).min() + 1e-12


def test_the_range_of_a_gradient_is_what_it_says() -> None:
    squared = populations.synthetic(np.random.default_rng(0), rows=200, count=4)
    rng = np.random.default_rng(1)
    plays = np.concatenate([np.eye(4), rng.dirichlet(np.ones(4), size=50)])
    slopes = squared.gradient(plays[:, None], squared.errors[None])
    assert np.ptp(slopes, axis=-1).max() == pytest.approx(squared.loss_range)


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("online_to_batch", tmp_path / "out", {"online_to_batch.png"})
    assert {r["case"] for r in rows} == {"linear", "squared"}
    promised = [r for r in rows if r["promised"]]
    assert {r["decision"] for r in promised} == {"average", "anytime", "random"}
    assert not any(r["violated"] for r in promised)
    assert all(r["excess_risk"] >= 0 for r in rows)
    average = [r for r in rows if r["decision"] == "average"]
    assert all(max(r["risk_missed"], r["excess_missed"]) <= 0.05 for r in average)
    assert all(r["regret_over_t"] <= r["bound_over_t"] for r in rows)


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused("online_to_batch", "--games 1", "--games must be at least 2", tmp_path, capsys)
