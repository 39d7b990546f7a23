"""`times`: a column of dates, or of numbers; dates that have two meanings are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product

import numpy as np

from experts.numerics.cells import Table
from experts.types import Array

_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")


def times(table: Table, column: int, style: str | None) -> Array:
    """Dates as datetime64[ns], in UTC if they bear an offset; or numbers, (n,).

    Parameters
    ----------
    table, column
        Where they are.
    style
        As in `datetime.strptime`. None: ISO 8601; days, months and years with dots, slashes or
        hyphens, with hours, minutes and seconds or without; else numbers.

    Raises
    ------
    ValueError
        For a cell that is none of them, or is not like those above it; for days and months that
        may be exchanged, unless time would go back one of the ways.
    """
    cells = table.texts(column)
    styles = [style] if style else map("".join, product(_DAYS, _CLOCKS))
    readers = [*map(_reader, styles)] if style else [datetime.fromisoformat, *map(_reader, styles)]
    found = [_read(cells, reader) for reader in readers]
    whole = [dates for dates in found if len(dates) == len(cells)]
    if not whole:
        longest = max(map(len, found))
        if longest or style:
            raise ValueError(
                f"{table.place(longest, column)}: got {cells[longest]!r}, expected a date like "
                f"{style or cells[0]}"
            )
        return table.numbers(column)
    if len(whole) > 1:
        whole = [dates for dates in whole if dates == sorted(dates)] or whole
    if any(dates != whole[0] for dates in whole):
        raise ValueError(
            f"{table.place(0, column)}: {cells[0]!r} has two meanings: pass --date-format, such as "
            "%d/%m/%Y"
        )
    return np.asarray(whole[0], dtype="datetime64[ns]")


def _read(cells: list[str], reader: Callable[[str], datetime]) -> list[datetime]:
    """Dates of the first cells, as far as the reader understands them."""
    found: list[datetime] = []
    for cell in cells:
        try:
            date = reader(cell)
        except ValueError:
            break
        if found and (date.tzinfo is None) != (found[0].tzinfo is None):
            break
        found.append(date)
    return [date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date for date in found]


def _reader(style: str) -> Callable[[str], datetime]:
    return lambda cell: datetime.strptime(cell, style)
