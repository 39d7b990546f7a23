"""Loss sequences from CSV files: a table that can be read in two ways is refused.

The cells and their meaning are in `experts.numerics.cells`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experts.numerics.cells import Table
from experts.simulation.environments.fixed import Given
from experts.types import Array

KINDS = ("losses", "relatives", "predictions")

Column = str | int


def from_csv(
    path: str | Path,
    *,
    kind: str = "losses",
    columns: Sequence[Column] | None = None,
    target: Column | None = None,
    index: Column | None = None,
    header: bool | None = None,
    separator: str | None = None,
    decimal: str = ".",
) -> Given:
    """A loss sequence from a CSV file (.gz too): rows are rounds, columns experts.

    Parameters
    ----------
    path
        UTF-8, with or without a byte order mark. Empty lines are skipped (but in a table of one
        column they are gaps, unless they are the last lines).
    kind
        "losses": the numbers are the losses. "relatives": they are price relatives x > 0 (price
        today over price yesterday), and the loss is -ln x: `play` can count log wealth.
        "predictions": the loss is (x - target)**2. Nothing is scaled: `Scaled(table, 0.0, 1.0)`
        maps the losses to [0, 1], for learners that are tuned for it; it divides them by the
        difference of the largest and the smallest one of the whole table, and a learning rate is
        then in that unit.
    columns
        The experts, by name or by number (from 0). Default: all columns but target and index.
    target
        With "predictions": the column to be predicted.
    index
        A column that is neither: a date, a row's number. No column is left out by itself. Without
        `columns`, a column that looks like an index is refused: one without a name, as pandas
        writes it; and a first column that has the name of one (date, id, ...), or that holds dates
        like 20240131, or whole numbers that rise or fall in every one of at least three rows.
    header
        Whether the first line has names. Default: it has if none of its cells begins with a digit
        (behind signs and spaces) and none is empty, but perhaps the first; it has not if all do.
        What is between is refused, and so are 0, 1, 2, ..., which may be pandas' names of columns
        (0, 1 if no whole numbers follow).
    separator
        Of the cells: one of , ; | and the tabulator. Default: a comma, and a table that holds one
        of the others is refused.
    decimal
        Decimal mark, "." or ",". (A single column with decimal commas looks like two columns of
        whole numbers: there it has to be said.)

    Returns
    -------
    The losses, with the smallest and the largest as `loss_interval`; for "losses" without one.

    Raises
    ------
    ValueError
        No rows; rows of different lengths; a cell that is no finite number (or not > 0, for
        relatives); a table that can be read in two ways; an unknown column. It names the file's
        line and column, and the argument that would help.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if (kind == "predictions") != (target is not None):
        raise ValueError(f"target goes with kind 'predictions', got {target!r} with {kind!r}")
    table = Table.read(Path(path), header, separator, decimal)
    aim = None if target is None else table.find(target)
    left_out = {table.find(column) for column in (target, index) if column is not None}
    chosen = _experts(table, columns, left_out)
    values = np.stack([table.numbers(i, positive=kind == "relatives") for i in chosen], axis=1)
    if kind == "losses":
        return Given(values)
    if aim is None:
        losses = 0.0 - np.log(values)
    else:
        losses = _squared(table, chosen, values - table.numbers(aim)[:, None])
    interval = float(losses.min()), float(losses.max())
    return Given(losses, interval, relatives=kind == "relatives")


def _experts(table: Table, columns: Sequence[Column] | None, left_out: set[int]) -> list[int]:
    """The numbers of the experts' columns."""
    if columns is None:
        chosen = [i for i in range(len(table.names)) if i not in left_out]
        table.refuse_an_index(chosen)
    elif isinstance(columns, str):
        raise ValueError(f"columns must be a list of names or numbers, got {columns!r}")
    else:
        chosen = [table.find(column) for column in columns]
    if not chosen:
        which = "target and index are all columns" if columns is None else f"got {columns!r}"
        raise ValueError(f"columns must name at least one expert of {table.path}, {which}")
    if left_out & set(chosen):
        raise ValueError(f"columns must not hold target or index, got {columns!r}")
    return chosen


def _squared(table: Table, chosen: list[int], error: Array) -> Array:
    """Squares of errors (T, K); ValueError where one overflows."""
    most = math.sqrt(np.finfo(np.float64).max)
    too_large = np.argwhere(~(np.abs(error) <= most))
    if len(too_large):
        t, k = too_large[0]
        raise ValueError(f"{table.place(t, chosen[k])}: the squared error overflows")
    return error**2
