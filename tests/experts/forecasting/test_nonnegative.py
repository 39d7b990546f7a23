"""Nonnegative least squares, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls

from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import TABLES, allowance, walk


def model(**changes: Any) -> OnlineAggregator:
    return OnlineAggregator("nnls", combine="nonnegative", **changes)


def test_it_is_nonnegative_least_squares_of_what_came() -> None:
    forecasts, observed = walk()
    ours = model().fit(forecasts, observed)
    ridge = np.sqrt(np.mean(forecasts[0] ** 2))
    wide = np.concatenate([forecasts, ridge * np.eye(3)])
    expected, _ = nnls(wide, np.append(observed, np.full(3, ridge / 3)))
    np.testing.assert_allclose(ours.weights_, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.combined_[0], forecasts[0].mean())


@pytest.mark.parametrize("delay", [0, 4])
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_regret_to_every_nonnegative_combination(table: Any, delay: int) -> None:
    """lambda ||u - u_1||**2 for its value at single forecasts; gaps are the row's mean."""
    forecasts, observed = table()
    ours = model(delay=delay).fit(forecasts, observed)
    assert (ours.regret_ <= ours.certificate_ + allowance(ours)).all()
    known = slice(len(observed) - delay)
    x, y, f = forecasts[known], observed[known], ours.combined_[known]
    counts = np.isfinite(y) & np.isfinite(f)
    x, y, f = x[counts], y[counts], f[counts]
    x = np.where(np.isnan(x), np.nanmean(x, axis=1, keepdims=True), x)
    ridge = np.mean(x[0] ** 2)
    gaps = ours.certificate_[0] - ridge * (1 - 1 / 3)
    rng = np.random.default_rng(0)
    for u in (*rng.exponential(1.0, size=(100, 3)), np.zeros(3), nnls(x, y)[0]):
        regret = np.sum((f - y) ** 2 - (x @ u - y) ** 2)
        bound = gaps + ridge * np.sum((u - 1 / 3) ** 2)
        assert regret <= bound + 1e-9 * (1 + abs(bound))


def test_any_multiple_is_reached() -> None:
    """10 where 70 is right, soon."""
    ours = model().fit(np.full((50, 2), 10.0), np.full(50, 70.0))
    np.testing.assert_allclose(ours.combined_[-1], 70.0, rtol=0.02)


def test_forecasts_that_begin_very_small() -> None:
    """As those of the sun at night: the ridge is lost among the squares that follow."""
    _, observed = walk()
    forecasts = np.stack([observed, observed], axis=1) / 2
    forecasts[:5] *= 1e-12
    ours = model().fit(forecasts, observed)
    np.testing.assert_allclose(ours.combined_[-20:], observed[-20:], rtol=1e-6)
    assert (ours.regret_ <= ours.certificate_ + allowance(ours)).all()


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="squared is infinite"):
        model().fit([[1e200, 1.0]], [1.0])
    forecasts, observed = walk()
    with pytest.raises(ValueError, match="goes with combine='nonnegative'"):
        OnlineAggregator("nnls").fit(forecasts, observed)
    with pytest.raises(ValueError, match="and loss='squared', got"):
        model(loss="absolute").fit(forecasts, observed)
    frame = pd.DataFrame(forecasts, columns=list("abc"))
    with pytest.raises(ValueError, match="takes no new columns"):
        model().fit(frame[["a", "b"]], observed).partial_fit(frame, observed)
