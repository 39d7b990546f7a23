"""The lock of a run's folder: one process writes there."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

from nas_adapter.errors import UserError

NAME = "lock"


class Lock:
    """Holds the folder `out` for this process, until `release` or the end of the process.

    The file `out`/lock says who has it. On one machine the system frees it when its process ends,
    however it ends; between machines only the file is believed.

    Raises
    ------
    UserError
        Another process has it.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / NAME
        self._file = self._path.open("a+")
        try:
            self._take(out)
        except BaseException:
            self._file.close()
            raise

    def _take(self, out: Path) -> None:
        holder, host = self._holder(), socket.gethostname()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = os.fstat(self._file.fileno()).st_nlink == 0  # released as it was opened
        except BlockingIOError:
            taken = True
        except OSError:  # a file system without locks
            taken = _runs(holder.get("pid"))
        if holder.get("host", host) != host:
            raise UserError(
                f"{out} is in use by {_named(holder)}: choose another --out, or delete "
                f"{self._path} if that process has ended"
            )
        if taken:
            raise UserError(f"{out} is in use by {_named(holder)}: choose another --out")
        self._file.truncate(0)
        json.dump(
            {"pid": os.getpid(), "host": host, "since": f"{datetime.now():%F %T}"}, self._file
        )
        self._file.flush()

    def release(self) -> None:
        """Let others have the folder."""
        self._path.unlink(missing_ok=True)
        self._file.close()

    def _holder(self) -> dict[str, Any]:
        """What the file says; nothing if it is new or damaged."""
        self._file.seek(0)
        try:
            found = json.load(self._file)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def _named(holder: dict[str, Any]) -> str:
    pid, host, since = (holder.get(name, "unknown") for name in ("pid", "host", "since"))
    return f"process {pid} on {host}, since {since}"


def _runs(pid: Any) -> bool:
    """Whether a process with this number runs here."""
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
