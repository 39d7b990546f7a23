"""Scores against definitions, and intervals against the chance that they state."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas
import pytest
from scipy.signal import lfilter

from experts.forecasting import OnlineAggregator, best_mixture, score_table
from experts.forecasting.intervals import mean_interval
from experts.forecasting.losses import loss_of
from tests.experts.forecasting.tables import gappy, walk
from tests.test_readme import ROOT, python_blocks

GAMES = 600


def autocorrelated(rng: np.random.Generator, rows: int, memory: float) -> Any:
    """GAMES stationary series of mean 0, (GAMES, rows)."""
    noise = rng.normal(size=(GAMES, rows + 100))
    return lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 100:]


@pytest.mark.parametrize(("rows", "memory"), [(30, 0.0), (112, 0.0), (112, 0.5), (365, 0.5)])
def test_intervals_hold_the_mean_as_often_as_they_say(rows: int, memory: float) -> None:
    """95 % of the games, within 4 standard errors; for autocorrelated ones a point less."""
    series = autocorrelated(np.random.default_rng(0), rows, memory)
    ends = np.asarray([mean_interval(each, np.ones(rows))[1:] for each in series])
    covered = np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0))
    chance = 0.95 if memory == 0 else 0.94
    assert abs(covered - chance) <= 4 * np.sqrt(0.95 * 0.05 / GAMES)


def test_an_interval_that_knows_no_autocorrelation_would_not_do() -> None:
    """The games above are hard: intervals for independent rows hold the mean in 75 % of them."""
    series = autocorrelated(np.random.default_rng(0), 112, 0.5)
    half = 1.96 * series.std(axis=1, ddof=1) / np.sqrt(112)
    assert np.mean(np.abs(series.mean(axis=1)) <= half) < 0.85


def test_series_that_err_together_count_once() -> None:
    """Copies of a series tell nothing new, whether as series or as groups."""
    forecasts, observed = walk(rows=100)
    pair = {"combined": forecasts[:, 0], "other": forecasts[:, 1]}
    (alone,) = (r for r in score_table(pair, observed) if r["forecaster"] == "other")
    twice = {name: np.stack([each, each], axis=1) for name, each in pair.items()}
    (series,) = (
        r
        for r in score_table(twice, np.stack([observed, observed], axis=1))
        if r["forecaster"] == "other"
    )
    long = {name: np.tile(each, 2) for name, each in pair.items()}
    time = np.tile(np.arange(100), 2)
    (groups,) = (
        r for r in score_table(long, np.tile(observed, 2), time=time) if r["forecaster"] == "other"
    )
    for other in (series, groups):
        assert other["rows"] == 200
        assert (other["low"], other["high"]) == pytest.approx((alone["low"], alone["high"]))


@pytest.mark.parametrize("loss", ["squared", "absolute", "pinball:0.9"])
def test_scores_are_means_over_the_rows_that_are_there(loss: str) -> None:
    forecasts, observed = gappy()
    model = OnlineAggregator("boa", loss).fit(forecasts, observed)
    table = {record["forecaster"]: record for record in model.score_table_}
    value = loss_of(loss).value
    root = np.sqrt if loss == "squared" else np.asarray
    known = np.isfinite(observed)
    for k in range(3):
        rows = known & np.isfinite(forecasts[:, k])
        record = table[f"x{k}"]
        assert record["rows"] == rows.sum()
        assert [record["first"], record["last"]] == list(np.flatnonzero(rows)[[0, -1]])
        ours = np.asarray(model.combined_)
        for name, given in (("score", forecasts[:, k]), ("reference", ours)):
            expected = root(value(given[rows], observed[rows]).mean())
            assert record[name] == pytest.approx(expected)
        assert record["difference"] == pytest.approx(record["score"] - record["reference"])
        assert record["low"] <= record["difference"] <= record["high"]
    rows = known & np.isfinite(forecasts).any(axis=1)
    mean = np.nanmean(forecasts[rows], axis=1)
    uniform = root(value(mean, observed[rows]).mean())
    assert table["uniform mean"]["score"] == pytest.approx(uniform)
    scores = [record["score"] for record in model.score_table_]
    assert scores == sorted(scores)


def test_the_best_mixture_is_the_best() -> None:
    forecasts, observed = walk()
    model = OnlineAggregator().fit(forecasts, observed)
    table = {record["forecaster"]: record["score"] for record in model.score_table_}
    best = best_mixture(forecasts, observed)
    assert table["best fixed mixture (hindsight)"] == pytest.approx(np.sqrt(best.loss / 60))
    assert table["best fixed mixture (hindsight)"] <= min(table[f"x{k}"] for k in range(3))
    wide = OnlineAggregator(combine="bounded", intercept=1.0).fit(forecasts, observed)
    reached = {record["forecaster"]: record["score"] for record in wide.score_table_}
    assert reached["best fixed combination (hindsight)"] <= best.loss


def test_quantiles_series_and_groups() -> None:
    """Every shape has its table; the best mixture is one for each problem, so it wins."""
    forecasts, observed = walk()
    grid = np.stack([forecasts - 1, forecasts + 1], axis=-1)
    quantiles = OnlineAggregator(loss="crps", levels=[0.2, 0.8]).fit(grid, observed)
    assert quantiles.score_table_[0]["measure"] == "crps"
    both = np.stack([forecasts, forecasts[:, ::-1]], axis=1)
    series = OnlineAggregator().fit(both, np.stack([observed, observed], axis=1))
    places = OnlineAggregator().fit(
        np.concatenate([forecasts, forecasts[:, ::-1]]),
        np.tile(observed, 2),
        group=np.repeat(["a", "b"], 60),
    )
    best = np.sqrt(best_mixture(forecasts, observed).loss / 60)
    for model in (series, places):
        table = {record["forecaster"]: record for record in model.score_table_}
        assert table["combined"]["rows"] == 120
        assert table["best fixed mixture (hindsight)"]["score"] == pytest.approx(best)


def test_a_table_of_few_rows_or_none_has_no_intervals() -> None:
    forecasts, observed = walk(rows=5)
    forecasts[:, 2] = np.nan
    for record in OnlineAggregator().fit(forecasts, observed).score_table_:
        assert record["low"] is record["high"] is record["verdict"] is None
        assert record["rows"] == (0 if record["forecaster"] == "x2" else 5)
    nothing = OnlineAggregator().fit(forecasts, np.full(5, np.nan)).score_table_
    assert {record["score"] for record in nothing} == {None}


def test_an_impossible_event_costs_without_end() -> None:
    """A probability of 0 for what happened is an infinite log loss, not a missing one."""
    sure, half = np.r_[np.zeros(1), np.full(19, 0.9)], np.full(20, 0.5)
    table = score_table({"sure": sure, "half": half}, np.ones(20), "log", against="half")
    assert table[-1]["forecaster"] == "sure"
    assert table[-1]["score"] == table[-1]["difference"] == np.inf
    assert table[-1]["low"] is table[-1]["high"] is None


def test_the_table_prints_and_becomes_a_frame() -> None:
    forecasts, observed = walk()
    table = OnlineAggregator().fit(forecasts, observed).score_table_
    lines = str(table).splitlines()
    assert lines[0].split() == [
        *("forecaster", "rows", "RMSE", "reference", "difference", "low", "high", "verdict")
    ]
    assert [line.split("  ")[0] for line in lines[1:]] == [r["forecaster"] for r in table]
    frame = pandas.DataFrame(table)
    assert frame["score"].tolist() == [record["score"] for record in table]


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="against must be one of a; got 'b'"):
        score_table({"a": np.zeros(3)}, np.zeros(3), against="b")
    with pytest.raises(ValueError, match=r"forecasts of 'a' have the shape \(2,\)"):
        score_table({"a": np.zeros(2)}, np.zeros(3), against="a")
    blind = OnlineAggregator(keep_history=False).fit(*walk())
    with pytest.raises(AttributeError, match="keep_history=True"):
        _ = blind.score_table_


def test_the_table_in_the_tutorial_is_the_one_that_it_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = ROOT / "docs" / "forecasting.md"
    (shown,) = re.findall(r"```text\n(.*?)```", page.read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}
    for block in python_blocks(page)[:4]:
        capsys.readouterr()
        exec(block, names)
    assert capsys.readouterr().out == shown
