"""Atomic writing of a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write `path` atomically: `write` gets a temporary path, which is synced and then renamed.

    After a crash `path` holds its old content or all of the new one, never a part; so it does when
    an error is raised, as on a full disk, and then the temporary file is removed.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        write(fresh)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
