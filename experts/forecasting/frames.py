"""Tables in, and the same kind out: pandas, polars, or arrays. Neither library is imported.

Both kinds of frame have `columns`, and columns have `to_numpy`; that is all that is asked of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from experts.types import Array


class Table(NamedTuple):
    """n rows of forecasts, and what belongs to them."""

    forecasts: Array
    """(n, S, K, Q) floats; nan where missing"""
    names: list[str] | None
    """of the experts; None: an array, which has none"""
    series: bool
    """whether the array had an axis of series"""
    time: Array | None
    """(n,) numbers"""
    group: Array | None
    """(n,)"""
    available_at: Array | None
    """(n,) numbers, on the clock of `time`"""
    dated: bool
    """whether `time` was dates: these are nanoseconds"""

    @property
    def experts(self) -> list[str]:
        """The names, or x0, x1, ..."""
        return self.names or [f"x{k}" for k in range(self.forecasts.shape[2])]

    def observed(self, y: Any) -> Array:
        """(n, S) observations of its rows; ValueError if y has another shape."""
        array = numbers("y", y)
        n, series = self.forecasts.shape[:2]
        if len(array) != n:
            raise ValueError(
                f"y and X have inconsistent numbers of samples: {len(array)} observations, {n} rows"
            )
        expected = (n, series) if self.series else (n,)
        if array.shape not in (expected, (*expected, 1)):
            raise ValueError(f"y must have the shape {expected}, got {array.shape}")
        return array.reshape(n, series)

    def aligned(self, experts: list[str], *, newcomers: bool) -> tuple[Table, list[str]]:
        """With the columns of `experts` in their order, and behind them those that are new.

        A column that is not there has no forecasts. An array has to have all of them.
        """
        count = self.forecasts.shape[2]
        if self.names is None:
            if count != len(experts):
                raise ValueError(
                    f"X has {count} features, but OnlineAggregator is expecting {len(experts)} "
                    "features as input: new experts need a frame, whose columns have names"
                )
            return self, experts
        new = [name for name in self.names if name not in experts]
        if new and not newcomers:
            raise ValueError(
                f"column {new[0]!r} is no expert of this model, which has {', '.join(experts)}; "
                "partial_fit takes new ones"
            )
        every = [*experts, *new]
        n, series, _, levels = self.forecasts.shape
        wide = np.full((n, series, len(every), levels), np.nan)
        wide[:, :, [every.index(name) for name in self.names]] = self.forecasts
        return self._replace(forecasts=wide, names=every), every

    def rows_by_group(self) -> list[tuple[Any, Any]]:
        """The groups' values, in order, each with its rows: an index of arrays (n, ...)."""
        if self.group is None:
            return [(None, np.s_[:])]
        keys, index = np.unique(self.group, return_inverse=True)
        order = np.argsort(index, kind="stable")
        ends = np.cumsum(np.bincount(index))[:-1]
        return list(zip(keys.tolist(), np.split(order, ends), strict=True))


def is_frame(data: Any) -> bool:
    """Whether it is a frame."""
    return hasattr(data, "columns") and hasattr(data, "shape")


def read(data: Any, special: dict[str, Any], *, quantiles: bool) -> Table:
    """The table in a frame, or in an array (n, K), (n, S, K), with `quantiles` (..., Q) more.

    Parameters
    ----------
    data
        A frame, an array or nested lists.
    special
        time, group and available_at: a column's name, an array (n,), or None.
    quantiles
        Whether the last axis holds quantiles; then no frame.
    """
    given: dict[str, Array] = {}
    left_out: set[str] = set()
    for argument, value in special.items():
        if isinstance(value, str):
            if not is_frame(data) or value not in list(data.columns):
                raise ValueError(f"{argument}={value!r}: there is no such column in the forecasts")
            left_out.add(value)
            given[argument] = data[value]
        elif value is not None:
            given[argument] = value
    names = None
    if is_frame(data):
        if quantiles:
            raise ValueError("levels go with an array (rows, experts, levels), not with a frame")
        names = [str(name) for name in data.columns if name not in left_out]
        array = _stacked(data, [name for name in data.columns if name not in left_out])
        if "time" not in given and _has_dates(data):
            given["time"] = data.index
    else:
        array = numbers("forecasts", data)
    forecasts, series = _shaped(array, quantiles)
    for argument, column in given.items():
        if len(column) != len(array):
            raise ValueError(f"{argument} has {len(column)} rows, the forecasts have {len(array)}")
    clocks = {
        argument: clock(argument, given[argument])
        for argument in ("time", "available_at")
        if argument in given
    }
    time, dated = clocks.get("time", (None, False))
    due, due_dated = clocks.get("available_at", (None, dated))
    if dated != due_dated:
        raise ValueError("time and available_at must both hold dates, or both numbers")
    group = np.asarray(given["group"]) if "group" in given else None
    return Table(forecasts, names, series, time, group, due, dated)


def numbers(name: str, data: Any) -> Array:
    """An array of floats; nan is allowed, infinity is not."""
    if data is None:
        raise ValueError(f"{name} must be given: this estimator requires y to be passed, but the "
            "target y is None")  # fmt: skip
    if hasattr(data, "toarray"):
        raise TypeError(f"{name} is a sparse matrix: pass dense data, {name}.toarray()")
    array = data.to_numpy() if hasattr(data, "to_numpy") else np.asarray(data)
    if np.iscomplexobj(array):
        raise ValueError(f"Complex data not supported: {name} must be real")
    try:
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
    values = column.to_numpy() if hasattr(column, "to_numpy") else np.asarray(column)
    if values.dtype.kind in "iu":
        return values.astype(np.int64), False
    if values.dtype.kind != "f":
        try:
            dated = getattr(column, "tz", None) is not None or values.dtype.kind == "O"
            column = column.to_numpy(dtype="datetime64[ns]") if dated else values
            values = np.asarray(column, dtype="datetime64[ns]")
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold dates or numbers: {error}") from None
    dates = values.dtype.kind == "M"
    missing = np.isnat(values) if dates else np.isnan(values)
    if missing.any():
        raise ValueError(f"{name} is missing in row {int(np.argmax(missing))}")
    return (values.astype(np.int64), True) if dates else (values, False)


def like(data: Any, values: Array, name: str, kept: list[str]) -> Any:
    """`values` (n, ...) as `data` is: an array, a pandas Series with its index, a polars Series.

    A polars frame with columns to be kept, of dates or groups, gives a frame with these.
    """
    if not is_frame(data):
        return values
    if hasattr(data, "index"):
        return type(data)({name: values}, index=data.index)[name]
    frame = type(data)({each: data[each] for each in kept} | {name: values})
    return frame if kept else frame[name]


def _stacked(data: Any, columns: list[Any]) -> Array:
    """The columns as floats (n, K); the error names a column that holds none."""
    if not columns:
        raise ValueError(
            f"Found array with 0 feature(s) (shape=({len(data)}, 0)) while a minimum of 1 is "
            "required: no columns of forecasts are left"
        )
    doubled = [str(name) for name in columns if columns.count(name) > 1]
    if doubled:
        raise ValueError(f"forecasts have two columns called {doubled[0]!r}")
    found = []
    for name in columns:
        if data[name].to_numpy().dtype.kind == "M":
            raise ValueError(
                f"column {str(name)!r} holds dates: pass time={str(name)!r} if they are the rows'"
            )
        found.append(numbers(f"column {str(name)!r}", data[name]))
    return np.stack(found, axis=1)


def _shaped(array: Array, quantiles: bool) -> tuple[Array, bool]:
    """(n, S, K, Q), and whether there was an axis S."""
    expected = "(rows, experts) or (rows, series, experts)"
    if quantiles:
        expected = "(rows, experts, levels) or (rows, series, experts, levels)"
    axes = array.ndim - quantiles
    if axes not in (2, 3):
        raise ValueError(
            f"Expected 2D array of forecasts, {expected}, got {array.ndim}D array instead, shape "
            f"{array.shape}. Reshape your data: array.reshape(-1, 1) if there is one expert"
        )
    if array.shape[0] == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={array.shape}): forecasts need rows")
    if 0 in array.shape:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    if axes == 2:
        array = array[:, None]
    return array if quantiles else array[..., None], axes == 3


def _has_dates(data: Any) -> bool:
    """Whether a pandas frame has an index of dates."""
    return getattr(getattr(data, "index", None), "dtype", np.dtype(float)).kind == "M"
