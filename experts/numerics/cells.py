"""`Table`: the cells of a CSV file, and what a cell is: a name, a number, or a gap."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experts.types import Array

SEPARATORS = {",": "','", ";": "';'", "\t": "'\\t'", "|": "'|'"}

_GAPS = {"", "na", "n/a", "nan", "null", "none"}
INDEX = {
    *("index", "id", "round", "step", "period", "date", "time", "datetime", "timestamp"),
    *("day", "week", "month", "quarter", "year"),
}
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Table:
    """The file's cells, all rows of one length."""

    path: Path
    decimal: str
    names: list[str]
    """of the columns; their numbers if the file has no names"""
    rows: list[tuple[int, list[str]]]
    """the line that a row ends in, and its cells"""
    advice: str = "pass index=... for a column of dates or names"
    """what to do about a column that does not hold numbers"""

    @classmethod
    def read(cls, path: Path, header: bool | None, separator: str | None, decimal: str) -> Table:
        """The table in a file; the arguments are those of `from_csv`, and are checked here."""
        _check(header, separator, decimal)
        return cls._parsed(path, _text(path), header, separator, decimal)

    @classmethod
    def _parsed(
        cls, path: Path, text: str, header: bool | None, separator: str | None, decimal: str
    ) -> Table:
        """The table in a file's text."""
        rows = _rows(path, separator or ",", text)
        if separator is None:
            _refuse_other_separators(path, rows)
        if header is None and rows:
            header = _has_names(path, rows)
        names, rows = (rows[0][1], rows[1:]) if header and rows else (None, rows)
        if not rows:
            raise ValueError(f"{path} has no rows of numbers")
        width = len(names or rows[0][1])
        for line, row in rows:
            if len(row) != width:
                raise ValueError(f"{path}, line {line}: {len(row)} cells, expected {width}")
        return cls(path, decimal, [n.strip() for n in names or map(str, range(width))], rows)

    @classmethod
    def guessed(cls, path: Path, separator: str | None = None, decimal: str | None = None) -> Table:
        """The table in a file that has names, with marks that are told by its cells if not given.

        The separator is the one by which all rows have as many cells as the first, and more than
        one. The decimal mark is the comma if some cell is a number with that only.
        """
        _check(True, separator or ";", decimal or ".")
        text = _text(path)
        if separator is None:
            separator = _separator(path, text)
        if decimal is None:
            cells = (cell for _, row in _rows(path, separator, text) for cell in row)
            comma = separator != "," and any(
                "," in cell and _number(cell, ",") is not None for cell in cells
            )
            decimal = "," if comma else "."
        _check(True, separator, decimal)
        advice = "name the columns of forecasts with --experts, one of series with --group"
        return replace(cls._parsed(path, text, True, separator, decimal), advice=advice)

    def texts(self, column: int) -> list[str]:
        """One column's cells, without the spaces around them."""
        return [row[column].strip() for _, row in self.rows]

    def find(self, column: str | int) -> int:
        """The number of a column."""
        if isinstance(column, str) and self.names.count(column) == 1:
            return self.names.index(column)
        if isinstance(column, str) and column in self.names:
            raise ValueError(f"{self.path} has {column!r} twice: give the column's number (from 0)")
        whole = isinstance(column, int | np.integer) and not isinstance(column, bool)
        if whole and int(column) in range(len(self.names)):
            return int(column)
        raise ValueError(f"{self.path} has no column {column!r}, only {', '.join(self.names)}")

    def numbers(self, column: int, positive: bool = False, gaps: bool = False) -> Array:
        """One column (T,); with `gaps`, nan for cells that are empty or say so."""
        expected = "a positive number" if positive else "a finite number"
        found = np.empty(len(self.rows))
        for t, (_, row) in enumerate(self.rows):
            if gaps and row[column].strip().casefold() in _GAPS:
                found[t] = math.nan
                continue
            value = _number(row[column], self.decimal)
            if value is None or not math.isfinite(value) or (positive and value <= 0):
                raise ValueError(
                    f"{self.place(t, column)}: got {row[column]!r}, expected {expected}"
                    f"{self._hint(row[column])}"
                )
            found[t] = value
        return found

    def place(self, t: int, column: int) -> str:
        """Where the cell of a round is, for an error."""
        name = self.names[column] or f"{column} (it has no name)"
        return f"{self.path}, line {self.rows[t][0]}, column {name}"

    def refuse_an_index(self, columns: list[int]) -> None:
        """Refuse a table if one of these columns looks like an index or a date."""
        for i in columns:
            name = self.names[i]
            if not name or name.casefold().startswith("unnamed:"):
                why = "has no name, like an index that pandas wrote"
            elif i == 0 and name.casefold() in INDEX:
                why = "has the name of an index"
            elif i == 0 and len(columns) > 1 and self._counts(i):
                why = "holds dates, or whole numbers that only rise or only fall, like an index"
            else:
                continue
            raise ValueError(
                f"{self.path}: column {i} ({name!r}) {why}: pass index={i} to leave it out, or "
                "columns=[...] to say which columns are experts"
            )

    def _counts(self, column: int) -> bool:
        cells = self.texts(column)
        if all(map(_DATE.fullmatch, cells)):
            return True
        found = [_number(cell, self.decimal) for cell in cells]
        numbers = np.asarray([math.nan if number is None else number for number in found])
        if len(numbers) < 3 or not np.all(numbers == np.floor(numbers)):
            return False
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.sign(np.diff(numbers))
        return bool(np.all(steps == 1) or np.all(steps == -1))

    def _hint(self, cell: str) -> str:
        other = "," if self.decimal == "." else "."
        if cell.strip().casefold() in _GAPS or _number(cell, self.decimal) is not None:
            return ""
        if _number(cell, other) is not None:
            return f"; pass decimal={other!r} if that is the decimal mark"
        return f"; {self.advice}" if self.advice else ""


def _check(header: bool | None, separator: str | None, decimal: str) -> None:
    if not (header is None or isinstance(header, bool)):
        raise ValueError(f"header must be True, False or None, got {header!r}")
    if not (separator is None or separator in SEPARATORS):
        known = ", ".join(SEPARATORS.values())
        raise ValueError(f"separator must be one of {known}, got {separator!r}")
    if decimal not in (".", ","):
        raise ValueError(f"decimal must be '.' or ',', got {decimal!r}")
    if decimal == (separator or ","):
        raise ValueError("decimal ',' needs a separator other than the comma, such as ';'")


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is a broken gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not in UTF-8: {error}") from error


def _rows(path: Path, separator: str, text: str) -> list[tuple[int, list[str]]]:
    """Cells by line. Empty lines are left out, unless they may be gaps of the only column."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    while rows and not rows[-1][1]:
        rows.pop()
    if all(len(row) < 2 for _, row in rows):
        return [(line, row or [""]) for line, row in rows]
    return [(line, row) for line, row in rows if row]


def _separator(path: Path, text: str) -> str:
    """The one that splits all rows alike; if none does, the one that splits the first most."""
    some: dict[str, list[int]] = {}
    broken: ValueError | None = None
    for mark in SEPARATORS:
        try:
            widths = [len(row) for _, row in _rows(path, mark, text)]
        except ValueError as error:  # a quotation mark is closed before another separator
            broken = broken or error
            continue
        if widths and widths[0] > 1:
            some[mark] = widths
    if not some and broken is not None:
        raise broken
    if not some:
        raise ValueError(f"{path}: one of {', '.join(SEPARATORS.values())} expected in line 1")
    even = [mark for mark, found in some.items() if len(set(found)) == 1]
    if len(even) > 1:
        shown = " and ".join(SEPARATORS[mark] for mark in even)
        raise ValueError(f"{path}: {shown} split all rows alike; say which is the separator")
    return even[0] if even else max(some, key=lambda mark: some[mark][0])


def _refuse_other_separators(path: Path, rows: list[tuple[int, list[str]]]) -> None:
    for line, row in rows:
        for other, shown in SEPARATORS.items():
            if other != "," and any(other in cell for cell in row):
                raise ValueError(
                    f"{path}, line {line}: comma expected, found {shown}; pass separator={shown}, "
                    "or separator=',' if that is no separator"
                )


_TELL = "pass header=True if the line names the columns, header=False if it is a round"


def _has_names(path: Path, rows: list[tuple[int, list[str]]]) -> bool:
    """Whether the first line has names; ValueError where it cannot be told."""
    line, row = rows[0]
    kinds = [_kind(cell) for cell in row]
    if set(kinds) == {"number"}:
        if _counts_columns([cells for _, cells in rows]):
            raise ValueError(
                f"{path}, line {line}: {', '.join(row)} may be numbers of columns, {_TELL}"
            )
        return False
    # A blank first cell is how pandas names an index.
    unnamed = len(row) > 1 and not row[0].strip()
    if set(kinds[1:] if unnamed else kinds) == {"name"}:
        return True
    if "gap" in kinds and "name" not in kinds:
        column = kinds.index("gap")
        raise ValueError(
            f"{path}, line {line}, column {column}: got {row[column]!r}, expected a finite number; "
            f"{_TELL}"
        )
    name = row[kinds.index("name")]
    other = next(cell for cell, kind in zip(row, kinds, strict=True) if kind != "name")
    raise ValueError(
        f"{path}, line {line}: {name!r} looks like a name, {other!r} does not; {_TELL}"
    )


def _counts_columns(rows: list[list[str]]) -> bool:
    """Whether the first row is 0, 1, 2, ..., as pandas names columns; 0, 1 only above fractions."""
    first, *others = rows
    if first != [str(i) for i in range(len(first))]:
        return False
    whole = any(cell.strip().isdecimal() for row in others for cell in row)
    return len(first) > 2 or (len(first) == 2 and bool(others) and not whole)


def _kind(cell: str) -> str:
    """What a cell of the first line is: "gap", "number" or "name".

    A number if its first letter or digit is a digit, so that 0,5 and $5 are none of the names.
    """
    first = next((c for c in cell if c.isalnum()), "")
    if not first or cell.strip().casefold() in _GAPS:
        return "gap"
    return "number" if first.isnumeric() or _number(cell, ".") is not None else "name"


def _number(cell: str, decimal: str) -> float | None:
    """The number in a cell; None if it is none, or has groups of digits."""
    if decimal == ",":
        cell = cell.replace(".", "?").replace(",", ".")
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None
