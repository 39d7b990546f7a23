"""Tables in, and the same kind out: pandas, polars, or arrays. Neither library is imported.

Both kinds of frame have `columns`, and columns have `to_numpy`; that is all that is asked of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experts.forecasting.columns import clock, keys, numbers
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


def read(
    data: Any, special: dict[str, Any], *, quantiles: bool, optional: Sequence[str] = ()
) -> Table:
    """The table in a frame, or in an array (n, K), (n, S, K), with `quantiles` (..., Q) more.

    Parameters
    ----------
    data
        A frame, an array or nested lists.
    special
        time, group and available_at: a column's name, an array (n,), or None.
    quantiles
        Whether the last axis holds quantiles; then no frame.
    optional
        Those whose column may be lacking.
    """
    if hasattr(data, "collect_schema") and not hasattr(data, "shape"):
        raise TypeError("forecasts are a lazy frame: pass .collect()")
    given, left_out = _special(data, special, optional)
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
    group = keys(given["group"]) if "group" in given else None
    return Table(forecasts, names, series, time, group, due, dated)


def _special(
    data: Any, special: dict[str, Any], optional: Sequence[str]
) -> tuple[dict[str, Any], set[Any]]:
    """The columns that are no forecasts, and those names that are left out for them."""
    given: dict[str, Any] = {}
    left_out: set[Any] = set()
    for argument, value in special.items():
        if isinstance(value, str | int):
            if not is_frame(data) or value not in list(data.columns):
                if argument in optional:
                    continue
                raise ValueError(f"{argument}={value!r}: there is no such column in the forecasts")
            left_out.add(value)
            given[argument] = data[value]
        elif value is not None:
            given[argument] = value
    return given, left_out


def check_same_rows(data: Any, y: Any) -> None:
    """ValueError if two pandas indexes say that observations belong to other rows of forecasts.

    Rows go by their place. So labels in another order are a mistake, and so are other dates; other
    numbers, which may count the rows of a part, are not.
    """
    ours: Any = getattr(data, "index", None)
    theirs: Any = getattr(y, "index", None)
    if not (hasattr(ours, "equals") and hasattr(theirs, "equals")) or len(ours) != len(theirs):
        return
    moved = _has_dates(data) and _has_dates(y)
    if not ours.equals(theirs) and (moved or ours.sort_values().equals(theirs.sort_values())):
        raise ValueError("y and X have other indexes: bring y into X's order, y.reindex(X.index)")


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
    names = [str(name) for name in columns]
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise ValueError(f"forecasts have two columns called {doubled[0]!r}")
    found = []
    for name in columns:
        values = data[name].to_numpy()
        if values.dtype.kind == "M" or (values.dtype.hasobject and _is_date(values)):
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
    """Whether a pandas frame has an index of dates or periods."""
    index = getattr(data, "index", None)
    return hasattr(index, "to_timestamp") or getattr(index, "dtype", np.dtype(float)).kind == "M"


def _is_date(values: Array) -> bool:
    """Whether objects begin with a date."""
    return len(values) > 0 and hasattr(values[0], "isoformat")
