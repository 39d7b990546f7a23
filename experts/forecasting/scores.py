"""`score_table`: how good every forecaster was, and what of it may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experts.forecasting.fitted import Fitted
from experts.forecasting.history import History
from experts.forecasting.hull import CONE, mean_forecast
from experts.forecasting.intervals import mean_interval
from experts.forecasting.losses import Loss, loss_of
from experts.types import Array

OURS = "combined"
UNIFORM = "uniform mean"
HINDSIGHT = "best fixed mixture (hindsight)"
REACHABLE = "best fixed combination (hindsight)"
COLUMNS = ("forecaster", "rows", "score", "reference", "difference", "low", "high", "verdict")

_MEASURES = {"squared": "RMSE", "absolute": "MAE", "brier": "Brier score", "log": "log loss"}


class ScoreTable(list[dict[str, Any]]):
    """One record for each forecaster, best first; prints as a table, `pandas.DataFrame` takes it.

    ================ ===============================================================================
    forecaster       its name
    measure          "RMSE", "MAE", "pinball:0.9", ...: what the scores are; less is better
    rows             how many observations it is scored on: those that it has a forecast for
    first, last      the first and the last of these rows, from 0
    score            of its forecasts
    reference        of the forecaster that all are compared with, ours, on the same rows
    difference       score - reference
    low, high        95 % confidence interval of the difference; None in fewer than 10 rows
    verdict          "worse than combined" or "better than combined" if 0 is not in the interval,
                     and else "not clear"
    ================ ===============================================================================
    """

    def __str__(self) -> str:
        measure = self[0]["measure"] if self else "score"
        lines = [[measure if name == "score" else name for name in COLUMNS]]
        lines += [[shown(record[name]) for name in COLUMNS] for record in self]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = len(COLUMNS) - 1
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i in (0, text) else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    __repr__ = __str__


def shown(value: Any) -> str:
    """A cell for readers."""
    if isinstance(value, float):
        return f"{value:.5g}" if abs(value) < 1e5 else f"{value:.0f}"
    return "" if value is None else str(value)


def score_table(
    forecasts: Mapping[str, Any],
    observed: Any,
    loss: Any = "squared",
    *,
    against: str = OURS,
    levels: Sequence[float] | None = None,
    time: Any = None,
) -> ScoreTable:
    """Scores of forecasters, and intervals for what each loses to one of them.

    Two forecasters are compared on the rows where both have a forecast. The interval is that of a
    Diebold-Mariano test, see `intervals`; for the squared loss it is the one of the difference of
    mean squares, divided by the sum of the two roots. It is meant for forecasters that are fixed
    beforehand: one that was chosen for its score on these rows, such as the best mixture in
    hindsight, looks better than it is.

    Parameters
    ----------
    forecasts
        By name: (n,), (n, S) for S series, with levels (..., Q); nan where missing.
    observed : (n,) or (n, S)
        nan where missing.
    loss, levels
        As in `OnlineAggregator`.
    against
        The name of the one that the others are compared with.
    time : (n,)
        Rows of the same time, and series, count as one in the interval, as they err together.
        None: all rows are of different times.

    Raises
    ------
    ValueError
        For forecasts of another shape than the observations', or an unknown `against`.

    Examples
    --------
    >>> import numpy as np
    >>> observed = np.sin(np.arange(200.0))
    >>> forecasts = {"a": observed + 0.1, "b": observed - 0.3 * np.cos(np.arange(200.0))}
    >>> print(score_table(forecasts, observed, against="a"))
    forecaster  rows     RMSE  reference  difference      low    high  verdict
    a            200      0.1        0.1           0        0       0
    b            200  0.21239        0.1     0.11239  0.11129  0.1135  worse than a
    """
    kind = loss_of(loss, levels)
    y = np.asarray(observed, dtype=np.float64)
    if against not in forecasts:
        raise ValueError(f"against must be one of {', '.join(forecasts)}; got {against!r}")
    losses = {name: losses_of(name, given, y, kind) for name, given in forecasts.items()}
    return compared(losses, kind, against, np.arange(len(y)) if time is None else time)


def compared(losses: Mapping[str, Array], kind: Loss, against: str, time: Array) -> ScoreTable:
    """`score_table` of forecasters whose losses (n, S) are known, see `losses_of`."""
    points = np.unique(time, return_inverse=True)[1]
    records = [
        {"forecaster": name, "measure": measure(kind)}
        | _compared(losses[name], losses[against], points, kind)
        for name in losses
    ]
    for record in records:
        record["verdict"] = _verdict(record, against)
    return ScoreTable(sorted(records, key=lambda r: (r["score"] is None, r["score"] or 0.0)))


def forecasters(fitted: Fitted, history: History, names: Sequence[str]) -> dict[str, Array]:
    """The forecasts of all that are compared, (n, S, Q); an expert "combined" becomes "combined'".

    The best mixture in hindsight is one for each group, series and level that has weights of its
    own. Where forecasts are missing it is the one of `best_mixture`, which shares their weights.
    """
    own = (OURS, UNIFORM, HINDSIGHT, REACHABLE)
    table = {name + "'" * (name in own): history.forecasts[:, :, k] for k, name in enumerate(names)}
    table[UNIFORM] = mean_forecast(history.forecasts)
    table[HINDSIGHT] = _hindsight(fitted, history, history.forecasts)
    if fitted.hull.kind not in ("convex", CONE):
        table[REACHABLE] = _hindsight(fitted, history, fitted.hull.features(history.forecasts))
    return table | {OURS: history.combined}


def _hindsight(fitted: Fitted, history: History, corners: Array) -> Array:
    """What the best fixed mixtures of the corners (n, S, C, Q) would have forecast, (n, S, Q)."""
    found = np.full(history.combined.shape, np.nan)
    for track in np.unique(history.track):
        rows = np.flatnonzero(history.track == track)
        for s in range(fitted.setup.series):
            for part, best in fitted.best_mixtures(history, corners, rows, s):
                x, ours = corners[rows, s][..., part], history.combined[rows, s][:, part]
                if not np.isfinite(ours + history.observed[rows, s, None]).any():
                    continue
                awake = np.isfinite(x).all(axis=-1)
                share = awake * best.weights
                weight = share.sum(axis=1)[:, None]
                mixed = np.einsum("nk,nkq->nq", share, np.where(awake[..., None], x, 0.0))
                found[rows, s, part] = np.where(
                    weight > 0, mixed / np.where(weight > 0, weight, 1.0), np.nan
                )
    return found


def losses_of(name: str, given: Any, y: Array, kind: Loss) -> Array:
    """Losses (n, S), nan where there is no forecast or no observation."""
    f = np.asarray(given, dtype=np.float64)
    if f.shape[: y.ndim] != y.shape:
        raise ValueError(
            f"forecasts of {name!r} have the shape {f.shape}, the observations {y.shape}"
        )
    f = f.reshape(*y.shape, -1)
    known = np.isfinite(f).all(axis=-1) & np.isfinite(y)
    safe_y = np.where(known, y, 0.0)[..., None]
    values = kind.value(np.where(known[..., None], f, safe_y), safe_y).mean(axis=-1)
    return np.where(known, values, np.nan).reshape(len(y), -1)


def _compared(losses: Array, other: Array, points: Array, kind: Loss) -> dict[str, Any]:
    """Scores on the rows (n, S) that both have, and the interval of their difference."""
    both = ~np.isnan(losses) & ~np.isnan(other)
    rows = np.flatnonzero(both.any(axis=1))
    if not len(rows):
        return {"rows": 0} | dict.fromkeys(("first", "last", *COLUMNS[2:]))
    mean, reference = float(losses[both].mean()), float(other[both].mean())
    difference, low, high = mean - reference, np.nan, np.nan
    if np.isfinite(mean + reference):
        apart = np.where(both, losses - other, 0.0).sum(axis=1)
        length = int(points.max()) + 1
        total = np.bincount(points, apart, length)
        difference, low, high = mean_interval(total, np.bincount(points, both.sum(axis=1), length))
    unit = 1.0
    if kind.name == "squared":
        mean, reference = float(np.sqrt(mean)), float(np.sqrt(reference))
        unit = mean + reference or 1.0
    return {
        "rows": int(both.sum()),
        "first": int(rows[0]),
        "last": int(rows[-1]),
        "score": mean,
        "reference": reference,
        "difference": float(difference / unit),
        "low": float(low / unit) if np.isfinite(low) else None,
        "high": float(high / unit) if np.isfinite(high) else None,
    }


def _verdict(record: dict[str, Any], against: str) -> str | None:
    if record["forecaster"] == against or record["low"] is None:
        return None
    if record["low"] > 0:
        return f"worse than {against}"
    return f"better than {against}" if record["high"] < 0 else "not clear"


def measure(kind: Loss) -> str:
    """What the mean of a loss is called; for the squared loss, its root."""
    return _MEASURES.get(kind.name, kind.name)
