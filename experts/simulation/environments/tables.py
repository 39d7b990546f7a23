"""Loss sequences from CSV files."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experts.simulation.environments.fixed import Given
from experts.types import Array

KINDS = ("losses", "relatives", "predictions")


def from_csv(
    path: str | Path,
    *,
    kind: str = "losses",
    columns: Sequence[str | int] | None = None,
    target: str | int | None = None,
    header: bool | None = None,
) -> Given:
    """A loss sequence from a CSV file (.gz too): rows are rounds, columns experts.

    Parameters
    ----------
    path
        Comma-separated, UTF-8. Empty lines are skipped.
    kind
        "losses": the numbers are the losses. "relatives": they are price relatives x > 0 (price
        today over price yesterday); the loss is -ln x, mapped to [0, 1] by one straight line for
        the whole table, so that the order of experts and the ratio of regrets stay. "predictions":
        the loss is (x - target)**2, divided by the largest one of the table.
    columns
        The experts, by name or by number (from 0). Default: all columns but the target.
    target
        With "predictions": the column to be predicted.
    header
        Whether the first row has names. Default: whether any of its cells is no number.

    Raises
    ------
    ValueError
        No rows; rows of different lengths; a cell that is no finite number (or not > 0, for
        relatives); an unknown column. It names the file's line and column.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if (kind == "predictions") != (target is not None):
        raise ValueError(f"target goes with kind 'predictions', got {target!r} with {kind!r}")
    table = _Table(Path(path), header)
    aim = None if target is None else table.find(target)
    if columns is None:
        chosen = [i for i in range(len(table.names)) if i != aim]
    else:
        chosen = [table.find(column) for column in columns]
    if not chosen:
        raise ValueError(f"columns must name at least one expert, got {columns!r}")
    values = np.stack([table.numbers(i, positive=kind == "relatives") for i in chosen], axis=1)
    if kind == "losses":
        return Given(values)
    if aim is not None:
        losses = (values - table.numbers(aim)[:, None]) ** 2
        return Given(losses / (losses.max() or 1.0), (0.0, 1.0))
    losses = -np.log(values)
    low, high = losses.min(), losses.max()
    return Given((losses - low) / ((high - low) or 1.0), (0.0, 1.0))


class _Table:
    """The file's cells, all rows of one length."""

    def __init__(self, path: Path, header: bool | None) -> None:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        rows = [(reader.line_num, row) for row in reader if row]
        if header is None:
            header = bool(rows) and not all(_number(cell) is not None for cell in rows[0][1])
        self.path = path
        names, self.rows = (rows[0][1], rows[1:]) if header and rows else (None, rows)
        if not self.rows:
            raise ValueError(f"{path} has no rows of numbers")
        width = len(names or self.rows[0][1])
        for line, row in self.rows:
            if len(row) != width:
                raise ValueError(f"{path}, line {line}: {len(row)} cells, expected {width}")
        self.names = [name.strip() for name in names or map(str, range(width))]

    def find(self, column: str | int) -> int:
        """The number of a column."""
        if isinstance(column, str) and column in self.names:
            return self.names.index(column)
        if isinstance(column, int) and 0 <= column < len(self.names):
            return column
        raise ValueError(f"{self.path} has no column {column!r}, only {', '.join(self.names)}")

    def numbers(self, column: int, positive: bool = False) -> Array:
        """One column (T,)."""
        expected = "a positive number" if positive else "a finite number"
        found = np.empty(len(self.rows))
        for t, (line, row) in enumerate(self.rows):
            value = _number(row[column])
            if value is None or not math.isfinite(value) or (positive and value <= 0):
                raise ValueError(
                    f"{self.path}, line {line}, column {self.names[column]}: "
                    f"got {row[column]!r}, expected {expected}"
                )
            found[t] = value
        return found


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
