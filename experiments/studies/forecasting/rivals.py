"""Other ways to combine forecasts: a ridge regression, opera's MLpol, sktime's ensembles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experts.forecasting.losses import loss_of

Array = Any
Combine = Callable[[Array, Array], Array]
"""forecasts (T, K), observed (T,) -> combined (T,), each before its row was observed"""

WINDOW = 52
"""Rows of the rolling ridge regression."""


def rivals(loss: str) -> dict[str, Combine]:
    """By name; sktime's only where it is installed."""
    found: dict[str, Combine] = {
        f"ridge, last {WINDOW} rows": rolling_ridge,
        "opera's MLpol": partial(opera, loss),
    }
    try:
        from sktime.forecasting import online_learning  # noqa: PLC0415  (optional)
    except ImportError:
        return found
    name, _, level = loss.partition(":")
    metric = {
        "squared": mean_squared_error,
        "absolute": mean_absolute_error,
        "pinball": partial(mean_pinball_loss, alpha=float(level or 0.5)),
    }[name]
    ensembles = {
        "sktime NNLS": online_learning.NNLSEnsemble,
        "sktime NormalHedge": partial(online_learning.NormalHedgeEnsemble, loss_func=metric),
    }
    return found | {name: partial(ensemble, make) for name, make in ensembles.items()}


def opera(loss: str, forecasts: Array, observed: Array) -> Array:
    """MLpol of the R package opera 1.2.1 (file MLpol.R) with its gradient trick, rewritten.

    Weights are proportional to eta_k (R_k)_+, and 1 / eta_k = B**2 + sum of the squared regrets to
    k, with B the largest regret so far. Other than in `experts.ml_poly` a regret that is larger
    than all before it is counted whole.
    """
    slope = loss_of(loss).slope
    count = forecasts.shape[1]
    total, squares, largest = np.zeros(count), np.zeros(count), 0.0
    combined = np.empty(len(observed))
    for t, (x, y) in enumerate(zip(forecasts, observed, strict=True)):
        ahead = np.maximum(total, 0.0) / (largest + squares + (largest == 0))
        weights = ahead / ahead.sum() if ahead.any() else np.full(count, 1 / count)
        combined[t] = weights @ x
        regret = slope(combined[t], y) * (combined[t] - x)
        total, squares = total + regret, squares + regret**2
        largest = max(largest, float((regret**2).max()))
    return combined


def ensemble(make: Callable[[int], Any], forecasts: Array, observed: Array) -> Array:
    """An ensemble algorithm of sktime's OnlineEnsembleForecaster, called as that does."""
    algorithm = make(forecasts.shape[1])
    combined = np.empty(len(observed))
    for t, (x, y) in enumerate(zip(forecasts, observed, strict=True)):
        combined[t] = x @ algorithm.weights
        algorithm.update(x[:, None], np.asarray([y]))
    return combined


def rolling_ridge(forecasts: Array, observed: Array) -> Array:
    """scikit-learn's Ridge with its default penalty, on scaled forecasts; at first their mean."""
    combined = forecasts.mean(axis=1)
    for t in range(forecasts.shape[1] + 2, len(observed)):
        rows = slice(max(0, t - WINDOW), t)
        model = make_pipeline(StandardScaler(), Ridge())
        model.fit(forecasts[rows], observed[rows])
        combined[t] = model.predict(forecasts[t : t + 1])[0]
    return combined
