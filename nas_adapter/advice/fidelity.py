"""How far a search can be believed: does what it says of cells go with how well they train?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

LEAST = 12
"""Cells below which nothing is said."""
RESAMPLES = 2000
LEVEL = 0.95


def fidelity(believed: Sequence[float], losses: Sequence[float], seed: int) -> dict[str, Any]:
    """Spearman correlation of belief and trained quality over random cells, with an interval.

    Parameters
    ----------
    believed : (n,)
        What an advisor says of n >= 12 cells that were drawn at random; larger is better. -inf is a
        belief too.
    losses : (n,)
        Held-out losses of the trained cells; smaller is better, and nan, as of a network that has
        blown up, is worst.
    seed
        Of the bootstrap.

    Returns
    -------
    "spearman"; "low" and "high", the bootstrap's 95 % percentile interval over the cells; "cells";
    and "sentence", which says from the lower end what that means. A belief that is the same for all
    cells has correlation 0.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", Section 13.3.
    """
    if len(believed) != len(losses) or len(losses) < LEAST:
        raise ValueError(
            f"believed and losses must be of one length, at least {LEAST}; got {len(believed)} and "
            f"{len(losses)}"
        )
    quality = [-math.inf if math.isnan(loss) else -loss for loss in losses]
    ranks = stats.rankdata(believed), stats.rankdata(quality)
    interval = stats.bootstrap(
        ranks, _correlation, paired=True, vectorized=True, n_resamples=RESAMPLES,
        confidence_level=LEVEL, method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    low, high = float(interval.low), float(interval.high)
    return {
        "spearman": float(_correlation(*ranks)),
        "low": low,
        "high": high,
        "cells": len(losses),
        "sentence": sentence(low, high),
    }


def sentence(low: float, high: float) -> str:
    """What an interval of the rank correlation means for somebody who has to choose a cell."""
    if high < 0:
        return "it ranks cells backwards: believe the random cell"
    if low <= 0:
        return "no better than chance: believe the random cell"
    if low < 0.5:
        return f"better than chance, by {low:.2f} at least: believe it with care"
    return f"it ranks cells well, by {low:.2f} at least"


def _correlation(one: Any, other: Any, axis: int = -1) -> Any:
    """Spearman's along an axis; 0 where one of the two does not vary."""
    middle = (one.shape[axis] + 1) / 2
    one, other = (stats.rankdata(values, axis=axis) - middle for values in (one, other))
    product = (one * other).sum(axis)
    size = np.sqrt((one**2).sum(axis) * (other**2).sum(axis))
    return np.divide(product, size, out=np.zeros_like(size), where=size > 0)
