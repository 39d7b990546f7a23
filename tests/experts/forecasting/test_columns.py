"""Columns of every kind: read as what they are, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import gappy, walk

FORECASTS, OBSERVED = walk(rows=8)
FRAME = pd.DataFrame(FORECASTS, columns=["a", "b", "c"])
DAYS = pd.date_range("2026-01-01", periods=8, freq="D", tz="Europe/Paris")
NAIVE = DAYS.tz_localize(None)


@pytest.mark.parametrize(
    "gaps",
    [
        lambda there: FRAME.astype(object).where(there, pd.NA),
        lambda there: FRAME.astype(object).where(there, None),
        lambda there: FRAME.astype("Float64").where(there, pd.NA),
        lambda there: np.ma.masked_array(FORECASTS, ~there),
        lambda there: np.where(there, FORECASTS, None),
    ],
    ids=["objects-NA", "objects-None", "Float64", "masked", "array-None"],
)
def test_all_that_is_missing_is_a_gap(gaps: Any) -> None:
    there = ~np.isnan(gappy(rows=8)[0])
    expected = OnlineAggregator().fit_predict(np.where(there, FORECASTS, np.nan), OBSERVED)
    found = OnlineAggregator().fit_predict(gaps(there), OBSERVED)
    np.testing.assert_array_equal(np.asarray(found), expected)


@pytest.mark.parametrize(
    "time",
    [
        DAYS,
        list(DAYS.to_pydatetime()),
        list(NAIVE.to_pydatetime()),
        [day.date() for day in DAYS],
        NAIVE.to_period("D"),
        NAIVE.strftime("%Y-%m-%d"),
        pl.Series(DAYS.to_pydatetime().tolist()),
        range(8),
    ],
    ids=["zone", "list-zone", "list", "days", "periods", "texts", "polars", "range"],
)
def test_times_of_every_kind(time: Any) -> None:
    """They are told from times that go back."""
    OnlineAggregator().fit(FRAME, OBSERVED, time=time)
    with pytest.raises(ValueError, match="time must not go back, but does after row 0"):
        OnlineAggregator().fit(FRAME, OBSERVED, time=time[::-1])


def test_an_index_of_periods_is_the_time() -> None:
    frame = FRAME.set_axis(NAIVE.to_period("D"))
    with pytest.raises(ValueError, match="time must not go back"):
        OnlineAggregator().fit(frame[::-1], OBSERVED)


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"X": FRAME.set_axis([1, "1", 2], axis=1)}, "two columns called '1'"),
        ({"X": FRAME.assign(d=DAYS)}, "column 'd' holds dates: pass time='d'"),
        ({"X": FRAME.assign(d=[day.date() for day in DAYS])}, "column 'd' holds dates"),
        ({"X": FRAME.assign(d=NAIVE - NAIVE[0])}, "column 'd' must hold numbers, got timedelta64"),
        ({"X": pl.DataFrame({"a": [1.0]}).lazy()}, "lazy frame: pass .collect"),
        ({"y": NAIVE}, "y must hold numbers, got datetime64"),
        ({"y": 1.0}, "y must be an array, got 1.0"),
        ({"time": "a", "X": pd.concat([FRAME, FRAME[["a"]]], axis=1)}, "time must be one column"),
        ({"time": 3}, "time=3: there is no such column"),
        ({"time": np.array(["2999"] * 8, "M8[s]")}, "between the years 1678 and 2262"),
        ({"group": np.zeros((8, 2))}, "group must be one column"),
        ({"group": [1.0] * 7 + [np.nan]}, "group is missing in row 7"),
        ({"group": pl.Series(["n", None] * 4)}, "group is missing in row 1"),
        ({"group": pd.array(["n", None] * 4, dtype="string")}, "group is missing in row 1"),
        ({"group": np.array(["n", 1] * 4, dtype=object)}, "group must hold values of one kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises((ValueError, TypeError), match=problem):
        OnlineAggregator().fit(**({"X": FRAME, "y": OBSERVED} | change))


def test_a_column_may_be_called_by_a_number() -> None:
    frame = FRAME.assign(when=range(8)).set_axis([0, 1, 2, 3], axis=1)
    assert OnlineAggregator(time=3).fit(frame, OBSERVED).experts_ == ["0", "1", "2"]


def test_observations_of_other_rows_are_refused() -> None:
    """Rows go by their place: labels in another order, or other dates, would be a mistake."""
    y = pd.Series(OBSERVED)
    OnlineAggregator().fit(FRAME, y.set_axis(range(100, 108)))
    for frame, other in (
        (FRAME, y[::-1]),
        (FRAME.set_axis(DAYS), y.set_axis(DAYS + pd.Timedelta(days=1))),
    ):
        with pytest.raises(ValueError, match=r"bring y into X's order, y\.reindex\(X\.index\)"):
            OnlineAggregator().fit(frame, other)
