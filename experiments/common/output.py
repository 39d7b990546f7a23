"""Results of a program: result.json, pictures, a table on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experts.numerics.files import replace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
"""One row of a table, JSON-ready."""


def write_result(out: Path, records: Sequence[Record]) -> None:
    """Write `out`/result.json, a list of flat records, as strict JSON: no nan, no infinity."""
    text = json.dumps([dict(record) for record in records], indent=1, allow_nan=False) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    replace(out / "result.json", lambda path: path.write_text(text))


def write_picture(out: Path, name: str, figure: Figure) -> None:
    """Write the figure to `out`/`name` as PNG."""
    out.mkdir(parents=True, exist_ok=True)
    replace(out / name, partial(figure.savefig, format="png", dpi=110))


def table(records: Sequence[Record], columns: Sequence[str]) -> str:
    """The records as text, a line each under the columns' names; blank where one has no value."""
    rows = [columns, *([_cell(record.get(name)) for name in columns] for record in records)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    numeric = [
        any(isinstance(record.get(name), int | float) for record in records) for name in columns
    ]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
