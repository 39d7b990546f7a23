"""Tables of forecasts that are hard in different ways, shared by the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

import experts

LEARNERS: dict[str, Any] = {
    "ml_poly": "ml_poly",
    "ml_prod": "ml_prod",
    "boa": "boa",
    "squint": "squint",
    "normal_hedge": "normal_hedge",
    "adahedge": "adahedge",
    "anytime_hedge": "anytime_hedge",
    "hedge": experts.hedge(eta=0.2),
    "fixed_share": experts.fixed_share(eta=0.1, alpha=0.05),
    "optimistic_hedge": experts.optimistic_hedge(eta=0.1),
}


def walk(rows: int = 60, count: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """Forecasts (rows, count) of a random walk, each with its own bias and noise."""
    rng = np.random.default_rng(seed)
    observed = np.cumsum(rng.normal(size=rows))
    noise = rng.normal(size=(rows, count)) * np.linspace(0.5, 2, count)
    return observed[:, None] + noise + rng.normal(size=count), observed


def gappy(rows: int = 60, count: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """A fifth of everything is missing, one row has no forecast, a column begins late."""
    rng = np.random.default_rng(seed + 1)
    forecasts, observed = walk(rows, count, seed)
    forecasts[rng.random(forecasts.shape) < 0.2] = np.nan
    observed[rng.random(rows) < 0.2] = np.nan
    forecasts[7] = np.nan
    forecasts[: rows // 2, -1] = np.nan
    return forecasts, observed


def adversarial(rows: int = 60, count: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """Observations at one or the other end, by turns of growing length and size."""
    turn = np.log2(np.arange(1, rows + 1)).astype(int) % 2
    forecasts = np.tile(np.linspace(-1, 1, count), (rows, 1))
    return forecasts * 2.0 ** (np.arange(rows) // 8)[:, None], (2.0 * turn - 1) * 4


TABLES = {"walk": walk, "gappy": gappy, "adversarial": adversarial}


def allowance(model: Any) -> Any:
    """For rounding: a share of the certificate, and of the regrets that it is compared with."""
    return 1e-9 * (1 + np.abs(model.certificate_) + np.abs(model.regret_))
