"""Tables of forecasts: made up, opera's, and of forecasters that are fitted to opera's load."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import QuantileRegressor, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from experts.numerics.cells import Table

Array = Any

QUANTILE = "pinball:0.9"


class Forecasts(NamedTuple):
    """Forecasts of a target, and what came."""

    names: list[str]
    """of the forecasters"""
    forecasts: Array
    """(T, K)"""
    observed: Array
    """(T,)"""
    time: Array
    """(T,): dates"""


def made_up(rows: int, seed: int) -> Forecasts:
    """Daily forecasts of a wave, made up: one is too low, one errs more and more, one less."""
    rng = np.random.default_rng(seed)
    days = np.arange(rows)
    observed = 100 + 20 * np.sin(days / 20) + 5 * rng.normal(size=rows)
    spread = np.stack([4 + 0 * days, 2 + 10 * days / rows, 12 - 10 * days / rows], axis=1)
    forecasts = observed[:, None] + spread * rng.normal(size=(rows, 3)) - [6, 0, 0]
    time = np.datetime64("2024-01-01") + days
    return Forecasts(["too low", "worsening", "improving"], forecasts, observed, time)


def electric(path: Path) -> Forecasts:
    """opera's three forecasters of a weekly load: the columns target, gam, ar, gbm."""
    table = Table.guessed(path)
    names = ["gam", "ar", "gbm"]
    target, *forecasts = (table.numbers(table.find(name)) for name in ("target", *names))
    return Forecasts(names, np.stack(forecasts, axis=1), target, _dates(table))


def load(path: Path, loss: str) -> Forecasts:
    """Forecasters fitted to the first half of opera's load, and the second half.

    A forecaster knows the week's temperature and industrial production, as opera's do, and the
    load of the weeks before. For the loss `QUANTILE` there are two of that quantile more.
    """
    table = Table.guessed(path)
    column = {name: table.numbers(i) for i, name in enumerate(table.names)}
    y = column["Load"]
    half = len(y) // 2
    year = 2 * np.pi * np.outer(column["NumWeek"], [1, 2, 3])
    season = np.concatenate([np.sin(year), np.cos(year)], axis=1)
    covariates = ("Time", "Load1", "Temp", "Temp1", "IPI", "IPI_CVS")
    known = np.stack([column[name] for name in covariates], axis=1)
    features = np.concatenate([known, season], axis=1)
    past = np.r_[np.full(52, np.nan), y[:-52]]
    found = {"last week": column["Load1"], "last year": past}
    found["week of the year"] = _climate(column["NumWeek"], y, half)
    for name, model in _models(loss).items():
        found[name] = model.fit(features[:half], y[:half]).predict(features)
    forecasts = np.stack(list(found.values()), axis=1)
    return Forecasts(list(found), forecasts[half:], y[half:], _dates(table)[half:])


def _models(loss: str) -> dict[str, Any]:
    """With scikit-learn's default settings; the penalties by cross-validation in the first half."""
    penalties = np.logspace(-3, 3, 13)
    models = {
        "ridge": make_pipeline(StandardScaler(), RidgeCV(penalties)),
        "splines": make_pipeline(StandardScaler(), SplineTransformer(), RidgeCV(penalties)),
        "boosting": GradientBoostingRegressor(random_state=0),
        "forest": RandomForestRegressor(random_state=0),
    }
    if loss != QUANTILE:
        return models
    level = float(QUANTILE.split(":")[1])
    linear = make_pipeline(StandardScaler(), QuantileRegressor(quantile=level, alpha=0.0))
    boosted = GradientBoostingRegressor(loss="quantile", alpha=level, random_state=0)
    return models | {"linear 0.9": linear, "boosting 0.9": boosted}


def _climate(week: Array, y: Array, half: int) -> Array:
    """The mean load of the same week of the year in the first half."""
    number = np.rint(week * 53).astype(int)
    total, count = (np.bincount(number[:half], w, 54) for w in (y[:half], None))
    return np.where(count > 0, total / np.maximum(count, 1), y[:half].mean())[number]


def stocks(path: Path) -> Array:
    """Daily price relatives (T, stocks), from a file without names."""
    table = Table.read(path, False, None, ".")
    return np.stack([table.numbers(i, positive=True) for i in range(len(table.names))], axis=1)


def _dates(table: Table) -> Array:
    """From the columns day, month and year."""
    names = [name.casefold() for name in table.names]
    day, month, year = (table.numbers(names.index(name)) for name in ("day", "month", "year"))
    months = (12 * (year - 1970) + month - 1).astype(int).astype("datetime64[M]")
    return months.astype("datetime64[D]") + (day.astype(int) - 1)
