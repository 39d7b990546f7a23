"""`Source`: a file of forecasts, and which of its columns is what."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experts.forecasting.dates import times
from experts.numerics.cells import INDEX, Table
from experts.types import Array

_TARGETS = ("target", "observed", "actual", "y")
_TIMES = ("date", "datetime", "timestamp", "time", "index")


class Source(NamedTuple):
    """n rows of a file; columns by number."""

    table: Table
    target: int
    experts: list[int]
    time: int | None
    group: int | None
    available_at: int | None
    left_out: list[int]
    """parts of dates and numbers of rows, which nobody asked for"""
    date_format: str | None

    @property
    def names(self) -> list[str]:
        """Of the experts."""
        return [self.table.names[i] for i in self.experts]

    @property
    def forecasts(self) -> Array:
        """(n, K); nan where missing."""
        return np.stack([self.table.numbers(i, gaps=True) for i in self.experts], axis=1)

    @property
    def observed(self) -> Array:
        """(n,); nan where missing."""
        return self.table.numbers(self.target, gaps=True)

    def columns(self) -> dict[str, Array]:
        """time, group and available_at, those that there are, for `OnlineAggregator.fit`."""
        found: dict[str, Array] = {}
        for name, column in (("time", self.time), ("available_at", self.available_at)):
            if column is not None:
                found[name] = times(self.table, column, self.date_format)
        if len({array.dtype.kind for array in found.values()}) > 1:
            raise ValueError(
                f"{self.table.path}: one of the columns of dates and of --available-at holds "
                "dates, the other numbers"
            )
        if self.available_at is not None and self.time is None:
            raise ValueError(f"{self.table.path}: --available-at needs a column of dates too")
        if self.group is not None:
            found["group"] = np.asarray(self.table.texts(self.group))
        if self.time is not None:
            self._check_order(self.time, found["time"], found.get("group"))
        return found

    def described(self) -> dict[str, str]:
        """What was taken for what, a line each."""
        names, missing = self.table.names, int(np.isnan(self.forecasts).sum())
        blank = int(np.isnan(self.observed).sum())
        found = {
            "rows": f"{len(self.table.rows)}, {blank} without an observation",
            "date": "none: the rows are in their order",
            "target": names[self.target],
            "experts": f"{', '.join(self.names)} ({missing} forecasts missing)",
        }
        if self.time is not None:
            cells = self.table.texts(self.time)
            found["date"] = f"{names[self.time] or 'first column'}, {cells[0]} to {cells[-1]}"
        for name, column in (("group", self.group), ("available at", self.available_at)):
            if column is not None:
                found[name] = names[column]
        if self.left_out:
            found["left out"] = ", ".join(names[i] for i in self.left_out)
        return found

    def _check_order(self, column: int, time: Array, group: Array | None) -> None:
        """ValueError, with the line, where time goes back in a group."""
        for key in [None] if group is None else np.unique(group):
            rows = np.arange(len(time)) if group is None else np.flatnonzero(group == key)
            back = np.flatnonzero(time[rows][1:] < time[rows][:-1])
            if len(back):
                row = int(rows[back[0] + 1])
                raise ValueError(
                    f"{self.table.place(row, column)}: {self.table.texts(column)[row]!r} is before "
                    "the row above: sort the rows by date, or pass --group COLUMN if they are of "
                    "several series"
                )


def read_source(
    path: Path,
    *,
    target: str | None = None,
    experts: Sequence[str] | None = None,
    date: str | None = None,
    group: str | None = None,
    available_at: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    date_format: str | None = None,
) -> Source:
    """A CSV file (.gz too) or a parquet file, and what its columns are if that is not said.

    The target is a column called target, observed, actual or y. The date is a column called date,
    datetime, timestamp, time or index; or the first without a name; or the first that holds dates.
    Experts are the others, but for those called day, week, month, year, id, and the like.

    Raises
    ------
    ValueError
        For cells that are neither numbers nor empty, with line and column; dates that can be read
        in two ways or go back; no or several targets.
    """
    table = _parquet(path) if path.suffix == ".parquet" else Table.guessed(path, separator, decimal)
    aim = table.find(_target(table) if target is None else target)
    key, due = (None if name is None else table.find(name) for name in (group, available_at))
    taken = {aim, *(column for column in (key, due) if column is not None)}
    chosen = None if experts is None else [table.find(name) for name in experts]
    free = [i for i in range(len(table.names)) if i not in taken | set(chosen or ())]
    time = _time(table, free) if date is None else table.find(date)
    others = [i for i in free if i != time]
    if chosen is None:
        chosen = [i for i in others if table.names[i].casefold() not in INDEX]
    if not chosen:
        raise ValueError(f"{path} has no columns of forecasts beside {', '.join(table.names)}")
    left_out = [i for i in others if i not in chosen]
    if (taken | {time}) & set(chosen) or len(set(chosen)) < len(chosen):
        raise ValueError(f"experts must be columns of their own, got {', '.join(experts or ())}")
    return Source(table, aim, chosen, time, key, due, left_out, date_format)


def _target(table: Table) -> str:
    found = [name for name in table.names if name.casefold() in _TARGETS]
    if len(found) == 1:
        return found[0]
    raise ValueError(
        f"{table.path} has {len(found) or 'no'} columns called {', '.join(_TARGETS)}: pass "
        f"--target with one of {', '.join(table.names)}"
    )


def _time(table: Table, free: Sequence[int]) -> int | None:
    """The column of dates among `free`."""
    for name in _TIMES:
        for i in free:
            if table.names[i].casefold() == name:
                return i
    for i in free:
        unnamed = not table.names[i] or table.names[i].casefold().startswith("unnamed:")
        if i == 0 and unnamed:
            return i
        try:
            if times(table, i, None).dtype.kind == "M":
                return i
        except ValueError:
            continue
    return None


def _parquet(path: Path) -> Table:
    """Every cell as text, as in a CSV file."""
    for library in ("polars", "pandas"):
        try:
            frame = import_module(library).read_parquet(path)
        except ImportError:
            continue
        if library == "pandas" and type(frame.index).__name__ != "RangeIndex":
            frame = frame.reset_index()  # of dates, perhaps
        names = [str(name) for name in frame.columns]
        cells = zip(*(_texts(frame[name].to_numpy()) for name in frame.columns), strict=True)
        return Table(path, ".", names, [(row, list(each)) for row, each in enumerate(cells, 1)])
    raise ValueError(f"{path}: reading parquet needs polars, or pandas with pyarrow")


def _texts(values: Array) -> list[str]:
    """Cells; what is missing is "nan", "NaT" or "None" in its library."""
    return ["" if text in ("nan", "NaT", "None", "<NA>") else text for text in map(str, values)]
