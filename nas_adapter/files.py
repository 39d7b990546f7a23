"""Python files of the user's own; folders that several processes write to."""

from __future__ import annotations

import fcntl
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from nas_adapter.errors import UserError, nearest


def run_file(path: Path, option: str) -> ModuleType:
    """The file as a module, whose name begins with `option`, the one that it was given by.

    Raises
    ------
    UserError
        It is not there, is not a Python file, or cannot be run.
    """
    if path.is_dir():
        raise UserError(f"--{option}: {path} is a folder, not a Python file")
    if not path.is_file():
        raise UserError(f"--{option}: {missing(path)}")
    spec = importlib.util.spec_from_file_location(f"{option}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"--{option}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # it is the user's own code: anything can happen
        raise UserError(f"--{option}: {path} cannot be run: {error!r}") from error
    return module


def missing(path: Path) -> str:
    """That there is no file or folder `path`, with what is there under the nearest name."""
    near = _nearest_path(path)
    return f"there is no {path}" + (f"; did you mean {near}?" if near else "")


def _nearest_path(path: Path) -> Path | None:
    """What is there under a name that is spelt like that of `path`."""
    if path.exists():
        return path
    parent = _nearest_path(path.parent) if path != path.parent else None
    if parent is None:
        return None
    try:
        name = nearest(path.name, [child.name for child in parent.iterdir()])
    except OSError:
        return None
    return parent / name if name else None


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Context that one process at a time is in, for work in a folder that it can write to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError:  # read-only: nothing is written there anyway
        yield
        return
    with file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
