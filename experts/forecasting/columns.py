"""Columns as arrays: numbers, times and groups, and what is wrong with them."""

from __future__ import annotations

import math
from datetime import UTC
from typing import Any

import numpy as np

from experts.types import Array


def numbers(name: str, data: Any) -> Array:
    """An array of floats; nan is allowed, infinity is not."""
    if data is None:
        raise ValueError(f"{name} must be given: this estimator requires y to be passed, but the "
            "target y is None")  # fmt: skip
    if hasattr(data, "toarray"):
        raise TypeError(f"{name} is a sparse matrix: pass dense data, {name}.toarray()")
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)
    array = _array(data)
    if array.ndim == 0 and not array.dtype.hasobject:
        raise ValueError(f"{name} must be an array, got {data!r}")
    if np.iscomplexobj(array):
        raise ValueError(f"Complex data not supported: {name} must be real")
    if array.dtype.kind in "mM":
        raise ValueError(f"{name} must hold numbers, got {array.dtype}")
    try:
        if array.dtype.hasobject and hasattr(data, "isna"):
            array = np.where(data.isna(), np.nan, array)  # pandas.NA is no float
        array = np.array(array, dtype=np.float64)  # a copy: the table's owner may write to it
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must hold numbers: {error}") from None
    bad = np.argwhere(np.isinf(array))
    if len(bad):
        raise ValueError(
            f"{name} contains infinity at index {tuple(int(i) for i in bad[0])}: use nan for a "
            "missing value"
        )
    return array


def clock(name: str, column: Any) -> tuple[Array, bool]:
    """Times as numbers, dates as nanoseconds; and whether they are dates."""
    values = _array(column)
    if values.ndim != 1:
        raise ValueError(f"{name} must be one column, got the shape {values.shape}")
    if values.dtype.kind in "iu":
        return values.astype(np.int64), False
    if values.dtype.kind != "f":
        try:
            values = _dates(column, values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold dates or numbers: {error}") from None
    dates = values.dtype.kind == "M"
    missing = np.isnat(values) if dates else np.isnan(values)
    if missing.any():
        raise ValueError(f"{name} is missing in row {int(np.argmax(missing))}")
    return (values.astype(np.int64), True) if dates else (values, False)


def keys(column: Any) -> Array:
    """The groups (n,); ValueError where one is missing, or if they have no order."""
    values = _array(column)
    if values.ndim != 1:
        raise ValueError(f"group must be one column, got the shape {values.shape}")
    if values.dtype.hasobject and hasattr(column, "isna"):
        missing = np.asarray(column.isna())
    else:
        tests: dict[str, Any] = {"f": np.isnan, "M": np.isnat, "O": _is_none}
        none = tests.get(values.dtype.kind)
        missing = np.zeros(len(values), dtype=bool) if none is None else none(values)
    if missing.any():
        raise ValueError(f"group is missing in row {int(np.argmax(missing))}")
    kinds = {type(each).__name__ for each in values} if values.dtype.hasobject else set()
    if len(kinds) > 1:
        raise ValueError(f"group must hold values of one kind, got {', '.join(sorted(kinds))}")
    return values


def _is_none(values: Array) -> Array:
    return np.asarray(
        [each is None or (isinstance(each, float) and math.isnan(each)) for each in values]
    )


def _array(column: Any) -> Array:
    return column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)


def _dates(column: Any, values: Array) -> Array:
    """A column as datetime64[ns], in UTC if it has a time zone; ValueError if it is no dates."""
    if hasattr(column, "to_numpy") and values.dtype.hasobject:
        return np.asarray(column.to_numpy(dtype="datetime64[ns]"))
    if values.dtype.hasobject:
        naive = [
            each.astimezone(UTC).replace(tzinfo=None) if getattr(each, "tzinfo", None) else each
            for each in values
        ]
        values = np.asarray(naive, dtype="datetime64[us]")
    found = np.asarray(values, dtype="datetime64[ns]")
    if values.dtype.kind == "M" and (found.astype(values.dtype) != values)[~np.isnat(values)].any():
        raise ValueError("dates must lie between the years 1678 and 2262")
    return found
