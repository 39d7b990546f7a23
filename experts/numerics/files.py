"""Files that are whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name, force it to disk, then put it in place in one move.

    Whatever happens meanwhile, `path` holds what it held before, or what `write` wrote.
    """
    fresh = path.with_name(path.name + ".new")
    write(fresh)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
