"""Losses of probabilities of C classes: y is the number of the class that happened.

Like quantiles, the probabilities are the last axis of forecasts, with the same weights for all of
them. A row's loss is the mean over this axis, so every class has C times its part of the loss.

Sources: Vovk 1998 (log loss); Vovk & Zhdanov 2009, Theorem 1 and Algorithm 1 (Brier loss).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.special import xlogy

from experts.forecasting.losses import Loss
from experts.types import Array


def class_loss(name: str, count: Any) -> Loss:
    """-ln f_y, "log", 1-mixable by <p, x>; or sum_c (f_c - 1[c = y])**2, "brier", 1-mixable."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 2:
        raise ValueError(f"classes must be a whole number of at least 2, got {count!r}")
    functions = {"log": (_log, _log_slope), "brier": (_brier, _brier_slope)}
    if not (isinstance(name, str) and name in functions):
        raise ValueError(f"classes go with loss 'log' or 'brier', got loss={name!r}")
    numbers = tuple(float(c) for c in range(int(count)))
    value, slope = (partial(f, np.asarray(numbers), int(count)) for f in functions[name])
    merge = {"merge": _brier_merge} if name == "brier" else {}
    return Loss(
        name,
        value,
        slope,
        mixability=1.0,
        interval=(0.0, 1.0),
        target=(0.0, count - 1.0),
        levels=numbers,
        classes=True,
        **merge,
    )


def _log(numbers: Array, count: int, f: Array, y: Array) -> Array:
    return -count * xlogy(np.where(y == numbers, 1.0, 0.0), f)


def _log_slope(numbers: Array, count: int, f: Array, y: Array) -> Array:
    happened = (y == numbers) & (f >= 0)
    return -np.divide(count, f, out=np.zeros(happened.shape), where=happened)


def _brier(numbers: Array, count: int, f: Array, y: Array) -> Array:
    return count * (f - np.where(y == numbers, 1.0, 0.0)) ** 2


def _brier_slope(numbers: Array, count: int, f: Array, y: Array) -> Array:
    return 2 * count * (f - np.where(y == numbers, 1.0, 0.0))


def _brier_merge(play: Array, forecasts: Array) -> Array:
    """(s - G(c))_+ / 2 with the s for which they add up to 1; G the generalised prediction.

    G(c) = -ln sum_k p_k exp(-loss of x_k if c happens): the loss in class c is then at most G(c).
    """
    square = np.sum(forecasts**2, axis=-1, keepdims=True)
    general = -np.log(np.einsum("bk,bkc->bc", play, np.exp(2 * forecasts - square - 1)))
    ordered = np.sort(general, axis=-1)
    levels = (2 + np.cumsum(ordered, axis=-1)) / np.arange(1, ordered.shape[-1] + 1)
    last = np.sum(levels > ordered, axis=-1, keepdims=True) - 1
    return np.maximum(np.take_along_axis(levels, last, axis=-1) - general, 0.0) / 2
