"""Pictures say what the arrays say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
from matplotlib.dates import date2num

from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import gappy, walk


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_three_pictures() -> None:
    """Weights stacked to 1, losses summed up to the regret, scores in the table's order."""
    forecasts, observed = walk()
    model = OnlineAggregator("boa").fit(forecasts, observed)
    above, middle, below = model.plot().axes
    stack = np.stack([part.get_paths()[0].vertices[:, 1].max() for part in above.collections])
    assert stack[-1] == pytest.approx(1)
    assert above.get_legend_handles_labels()[1] == ["x0", "x1", "x2"]
    ends = [lines(middle)[f"x{k}"].get_ydata()[-1] for k in range(3)]
    np.testing.assert_allclose(ends, -model.regret_)
    assert lines(middle)["best fixed mixture (hindsight)"].get_ydata()[-1] == pytest.approx(
        -model.mixture_regret_
    )
    labels = [label.get_text() for label in below.get_yticklabels()]
    assert labels == [record["forecaster"] for record in model.score_table_]


def test_dates_are_on_the_axis() -> None:
    forecasts, observed = walk()
    index = pandas.date_range("2024-03-01", periods=60, freq="D")
    frame = pandas.DataFrame(forecasts, index=index, columns=["a", "b", "c"])
    above, middle, _ = OnlineAggregator().fit(frame, observed).plot().axes
    assert above.get_xlabel() == middle.get_xlabel() == "date"
    np.testing.assert_array_equal(above.get_xlim(), date2num(index[[0, -1]]))  # type: ignore[no-untyped-call]
    assert OnlineAggregator().fit(forecasts, observed).plot().axes[0].get_xlabel() == "row"
    numbered = OnlineAggregator().fit(forecasts, observed, time=np.arange(60))
    assert numbered.plot().axes[0].get_xlabel() == "time"


def test_gaps_groups_many_experts_and_long_tables() -> None:
    """Every table has its picture; rows are counted where some are missing."""
    gaps = OnlineAggregator().fit(*gappy()).plot()
    labels = [label.get_text() for label in gaps.axes[2].get_yticklabels()]
    assert any(label.startswith("x2 (") and label.endswith(" rows)") for label in labels)
    forecasts, observed = walk(rows=1100, count=14)
    many = OnlineAggregator("boa", combine="bounded", intercept=1.0)
    places = np.repeat(["a", "b"], 550)
    above, middle, _ = many.fit(forecasts, observed, group=places).plot().axes
    assert "the other 5" in above.get_legend_handles_labels()[1]
    assert above.get_ylabel() == "coefficient"
    assert len(lines(middle)["uniform mean"].get_ydata()) == 550
    long = OnlineAggregator("boa").fit(forecasts, observed).plot().axes[1]
    assert len(lines(long)["uniform mean"].get_ydata()) == 1000


def test_one_row_and_no_observation() -> None:
    for observed in (np.ones(1), np.full(1, np.nan)):
        day = np.asarray(["2024-01-01"], dtype="datetime64[D]")
        figure = OnlineAggregator().fit(np.ones((1, 2)), observed, time=day).plot()
        assert len(figure.axes) == 3
        figure.savefig("/dev/null", format="png")
