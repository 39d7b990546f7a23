"""Runs of run_xnas.py as processes that start at once, forked from one that has the imports.

They draw no pictures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import run_xnas

SERVER = f"""
import json, os, sys
sys.path.insert(0, {str(Path(run_xnas.__file__).parent)!r})
import run_xnas
from nas_adapter.output import report
report.draw = report.draw_live = lambda *_: None
for line in sys.stdin:
    arguments, said = json.loads(line)
    child = os.fork()
    if child == 0:
        to = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(to, 1), os.dup2(to, 2)
        os._exit(run_xnas.command(arguments))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forked:
    """Starts one run after another."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said"
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, *arguments: str | Path) -> int:
        """Start a run; the number of its process."""
        assert self._server.stdin is not None
        print(
            json.dumps([[*map(str, arguments)], str(self._said)]),
            file=self._server.stdin,
            flush=True,
        )
        return self._read()

    def wait(self) -> int:
        """The exit code of the run, -n for signal n."""
        return self._read()

    def run(self, *arguments: str | Path) -> None:
        """A run that has to succeed."""
        self.start(*arguments)
        assert self.wait() == 0, self.said()

    def signal(self, signum: int, when: Callable[[], bool], *arguments: str | Path) -> int:
        """Send a run a signal as soon as `when` says so; its exit code."""
        process = self.start(*arguments)
        while not when():
            os.kill(process, 0)  # raises when there is none, as the run has ended
            time.sleep(0.005)
        os.kill(process, signum)
        return self.wait()

    def said(self) -> str:
        """What the last run has printed."""
        return self._said.read_text()

    def close(self) -> None:
        """End the process that runs are forked from."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()

    def _read(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())
