"""Checks of single arguments: a ValueError, or the value as Python has it."""

from __future__ import annotations

from typing import Any

import numpy as np


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int, if it is a whole number of at least `least`."""
    try:
        right = not isinstance(value, bool | np.bool_) and value == int(value) and value >= least
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """`value` as a bool, if it is one: a string or a number may mean the contrary of its truth."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def unmasked(name: str, value: Any) -> None:
    """Refuse a masked array: its mask would be ignored."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name} must be an array without a mask, got {type(value).__name__}")


def floats(name: str, value: Any) -> np.ndarray:
    """`value` as an array of float64, if it holds real numbers; nan where one is masked."""
    try:
        if isinstance(value, np.ma.MaskedArray):
            value = np.ma.filled(value.astype(np.float64), np.nan)
        array = np.asarray(value)
        if array.dtype.kind in "cmM":
            raise TypeError(f"they are of type {array.dtype}")
        return array.astype(np.float64, copy=False)
    except (TypeError, ValueError, RuntimeError) as error:  # the last of tensors
        raise ValueError(f"{name} must be an array of numbers: {error}") from None


def not_both(eta: Any, horizon: Any) -> None:
    """Refuse a rate beside a horizon, which sets the rate."""
    if eta is not None and horizon is not None:
        raise ValueError(f"give at most one of eta and horizon, got {eta!r} and {horizon!r}")
