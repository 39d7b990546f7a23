"""forecasting.py on small tables: what it writes, its rivals against what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import nnls
from studies.forecasting import rivals, tables

import experts
from experts.forecasting import OnlineAggregator
from tests.experiments.programs import check_refused, smoke


def written(path: Path, names: str, rows: np.ndarray) -> Path:
    np.savetxt(path, rows, delimiter=",", header=names, comments="", fmt="%.6g")
    return path


def weeks(rows: int) -> np.ndarray:
    """day, month, year of weeks from 1996 on."""
    dates = [str(day).split("-") for day in np.datetime64("1996-01-01") + 7 * np.arange(rows)]
    return np.asarray([[int(part) for part in reversed(date)] for date in dates])


@pytest.fixture
def electric(tmp_path: Path) -> Path:
    given = tables.made_up(40, 1)
    rows = np.column_stack([weeks(40), given.observed, given.forecasts])
    return written(tmp_path / "electric.csv", "day,month,year,target,gam,ar,gbm", rows)


@pytest.fixture
def load(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    week = 1 + np.arange(150) % 52
    y = 100 + 10 * np.cos(week / 52 * 2 * np.pi) + rng.normal(size=150)
    noise = rng.normal(size=(150, 4))
    rows = np.column_stack([np.arange(150), weeks(150), week / 53, y, np.r_[y[0], y[:-1]], noise])
    names = "Time,Day,Month,Year,NumWeek,Load,Load1,Temp,Temp1,IPI,IPI_CVS"
    return written(tmp_path / "load.csv", names, rows)


def test_smoke(electric: Path, tmp_path: Path) -> None:
    relatives = 1 + np.random.default_rng(0).normal(0, 0.02, size=(50, 3))
    np.savetxt(tmp_path / "stocks.csv", relatives, delimiter=",")
    given: list[str | Path] = [
        "--electric",
        electric,
        "--stocks",
        tmp_path / "stocks.csv",
    ]
    pictures = {"made_up.png", "electric.png"}
    rows = smoke("forecasting", tmp_path / "out", pictures, *given)
    for data in ("made up", "electric"):
        for loss in ("squared", "absolute", "pinball:0.9"):
            found = {r["combined_by"]: r for r in rows if (r["data"], r["loss"]) == (data, loss)}
            assert {"boa", "squint, nonnegative", "opera's MLpol", "uniform mean"} < set(found)
            best = found["best fixed mixture (hindsight)"]["score"]
            assert best <= found["best single forecaster (hindsight)"]["score"] + 1e-9
            assert all(r["low_95"] <= r["more_than_first"] <= r["high_95"] for r in found.values())
    wealth = {r["combined_by"]: r for r in rows if r["data"] == "stocks"}
    assert wealth["equal shares"]["wealth"] == pytest.approx(relatives.mean(axis=1).prod())
    for name in ("EG, eta = 0.05", "boa"):
        assert wealth[name]["regret"] <= wealth[name]["bound"]


def test_exponentiated_gradient_is_the_one_of_the_literature() -> None:
    """p_k <- p_k exp(eta x_k / <p, x>), normalised (Helmbold et al. 1998)."""
    relatives = 1 + np.random.default_rng(0).normal(0, 0.02, size=(50, 3))
    p, wealth = np.full(3, 1 / 3), 1.0
    for x in relatives:
        wealth *= p @ x
        p = p * np.exp(0.05 * x / (p @ x))
        p = p / p.sum()
    model = OnlineAggregator(experts.exponentiated_gradient(eta=0.05), "log")
    assert np.prod(model.fit_predict(relatives, np.ones(50))) == pytest.approx(wealth)


def test_forecasters_see_the_first_half_only(load: Path) -> None:
    """With another second half of the load the fitted models forecast the same."""
    before = tables.load(load, "squared")
    rows = np.loadtxt(load, delimiter=",", skiprows=1)
    rows[75:, 5] += 1000
    after = tables.load(written(load, load.read_text().splitlines()[0], rows), "squared")
    fitted = [before.names.index(n) for n in ("ridge", "splines", "boosting", "week of the year")]
    np.testing.assert_array_equal(before.forecasts[:, fitted], after.forecasts[:, fitted])
    assert before.time[0] == np.datetime64("1996-01-01") + 7 * 75
    assert len(before.observed) == 75
    assert tables.load(load, tables.QUANTILE).names == [*before.names, "linear 0.9", "boosting 0.9"]


@pytest.mark.parametrize("loss", ["squared", "absolute", "pinball:0.9"])
def test_no_rival_looks_ahead(loss: str) -> None:
    x, y = tables.made_up(60, 0)[1:3]
    changed = y.copy()
    changed[40:] += 100
    for combine in rivals.rivals(loss).values():
        np.testing.assert_array_equal(combine(x, y)[:41], combine(x, changed)[:41])


def test_ml_poly_is_operas_but_for_cut_regrets() -> None:
    """With the largest regret known from the start nothing is cut, and B is that from row 0 on."""
    x, y = tables.made_up(60, 0)[1:3]
    y[0] += 1000  # the first row has the largest regret
    regret = np.abs(2 * (x[0].mean() - y[0]) * (x[0].mean() - x[0])).max()
    ours = OnlineAggregator(experts.ml_poly(loss_range=regret)).fit_predict(x, y)
    np.testing.assert_allclose(ours, rivals.opera("squared", x, y))


def test_an_ensemble_is_called_as_sktime_calls_it() -> None:
    """With an algorithm of sktime's shape: nonnegative least squares of all rows before."""
    x, y = tables.made_up(30, 0)[1:3]

    class Squares:
        def __init__(self, count: int) -> None:
            self.weights = np.full(count, 1 / count)
            self.x, self.y = np.empty((count, 0)), np.empty(0)

        def update(self, y_pred: np.ndarray, y_true: np.ndarray) -> None:
            self.x, self.y = np.concatenate([self.x, y_pred], axis=1), np.append(self.y, y_true)
            self.weights = nnls(self.x.T, self.y)[0]

    combined = rivals.ensemble(Squares, x, y)
    assert combined[0] == pytest.approx(x[0].mean())
    assert combined[20] == pytest.approx(x[20] @ nnls(x[:20], y[:20])[0])


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused("forecasting", "--rows 3", "--rows must be at least 20", tmp_path, capsys)
    missing = f"--smoke --electric {tmp_path}/none.csv"
    check_refused("forecasting", missing, "none.csv", tmp_path, capsys)
