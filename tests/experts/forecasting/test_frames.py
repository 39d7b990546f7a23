"""Frames in, and the same kind out."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import gappy

FORECASTS, OBSERVED = gappy()
DATES = pd.date_range("2026-01-01", periods=60, freq="D", tz="Europe/Paris")


def pandas_frame() -> Any:
    return pd.DataFrame(FORECASTS, columns=["a", "b", "c"], index=DATES)


def test_pandas_keeps_the_index() -> None:
    combined = OnlineAggregator().fit_predict(pandas_frame(), pd.Series(OBSERVED, DATES))
    expected = OnlineAggregator().fit_predict(FORECASTS, OBSERVED)
    pd.testing.assert_series_equal(combined, pd.Series(expected, DATES, name="combined"))


def test_an_index_of_dates_is_the_time() -> None:
    with pytest.raises(ValueError, match="time must not go back, but does after row 0"):
        OnlineAggregator().fit(pandas_frame()[::-1], OBSERVED)
    model = OnlineAggregator().fit(pandas_frame(), OBSERVED)
    moments = pd.to_datetime(model.history_.time, utc=True)
    assert (moments == DATES).all()


def test_polars_keeps_the_dates() -> None:
    columns = dict(zip("abc", FORECASTS.T, strict=True))
    frame = pl.DataFrame(
        {"date": DATES.to_pydatetime().tolist(), "place": ["north"] * 60} | columns
    )
    combined = OnlineAggregator(time="date", group="place").fit_predict(frame, pl.Series(OBSERVED))
    expected = OnlineAggregator().fit_predict(FORECASTS, OBSERVED)
    assert combined.columns == ["date", "place", "combined"]
    np.testing.assert_array_equal(combined["combined"].to_numpy(), expected)
    assert combined["date"].equals(frame["date"])
    model = OnlineAggregator(time="date", group="place").fit(frame, OBSERVED)
    plain = OnlineAggregator().fit(FORECASTS, OBSERVED)
    assert model.score(frame, OBSERVED) == plain.score(FORECASTS, OBSERVED)
    series = OnlineAggregator().fit_predict(frame.select("a", "b", "c"), OBSERVED)
    assert isinstance(series, pl.Series)
    np.testing.assert_array_equal(series.to_numpy(), expected)


def test_null_is_a_gap() -> None:
    """In frames of either library, in columns of whole numbers too."""
    whole = np.where(np.isnan(FORECASTS), np.nan, np.round(FORECASTS))
    expected = OnlineAggregator().fit_predict(whole, OBSERVED)
    lists = [[None if np.isnan(x) else int(x) for x in column] for column in whole.T]
    columns = dict(zip("abc", lists, strict=True))
    for frame in (pd.DataFrame(columns, dtype="Int64"), pl.DataFrame(columns)):
        np.testing.assert_array_equal(
            np.asarray(OnlineAggregator().fit_predict(frame, OBSERVED)), expected
        )


def test_columns_go_by_name() -> None:
    frame = pandas_frame()
    model = OnlineAggregator().fit(frame, OBSERVED)
    after = pd.date_range("2026-03-02", periods=60, freq="D", tz="Europe/Paris")
    later = frame.set_axis(after)
    turned, some = model.predict(later[["c", "a", "b"]]), model.predict(later[["c", "a"]])
    pd.testing.assert_series_equal(turned, model.predict(later))
    pd.testing.assert_series_equal(some, model.predict(later.assign(b=np.nan)))


def test_a_column_that_comes_late_and_one_that_goes() -> None:
    """Five lines: gaps, a late column, a new expert in the middle, one that is dropped."""
    frame = pandas_frame()
    model = OnlineAggregator("boa").fit(frame[:20][["a", "b"]], OBSERVED[:20])
    model.partial_fit(frame[20:40], OBSERVED[20:40])
    model.partial_fit(frame[40:][["a", "c"]], OBSERVED[40:])
    assert model.experts_ == ["a", "b", "c"]
    assert (model.regret_ <= model.certificate_).all()
    np.testing.assert_array_equal(model.history_.weights[40:, 1], 0.0)
    np.testing.assert_array_equal(model.history_.weights[:20, 2], 0.0)


def test_dates_of_availability() -> None:
    """A day late is a row late on a table of days."""
    frame = pandas_frame().assign(known=DATES + pd.Timedelta(days=2))
    dated = OnlineAggregator("boa", available_at="known").fit_predict(frame, OBSERVED)
    late = OnlineAggregator("boa", delay=1).fit_predict(FORECASTS, OBSERVED)
    np.testing.assert_array_equal(dated, late)


def test_when_the_next_observations_come_need_not_be_known() -> None:
    frame = pandas_frame().assign(known=DATES + pd.Timedelta(days=2))
    model = OnlineAggregator("adahedge", available_at="known").fit(frame[:40], OBSERVED[:40])
    later = frame[40:]
    pd.testing.assert_series_equal(model.predict(later.drop(columns="known")), model.predict(later))
    assert model.score(later.drop(columns="known"), OBSERVED[40:]) < 0
    with pytest.raises(ValueError, match="available_at='known': there is no such column"):
        model.partial_fit(later.drop(columns="known"), OBSERVED[40:])


def test_neither_library_is_needed() -> None:
    """Nor scikit-learn: none is imported with the package, or by a fit."""
    code = (
        "import sys\n"
        "for name in ('pandas', 'polars', 'sklearn', 'narwhals', 'numba'):\n"
        "    sys.modules[name] = None\n"
        "from experts.forecasting import OnlineAggregator\n"
        "model = OnlineAggregator().fit([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0])\n"
        "print(model, model.predict([[3.0, 6.0]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "OnlineAggregator() [3.]\n"
