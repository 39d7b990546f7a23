"""What a run keeps in a folder, with each file written atomically."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import torch

from experts.numerics.files import replace
from nas_adapter.errors import UserError
from nas_adapter.runs import lock
from nas_adapter.runs.board import Board
from nas_adapter.runs.checkpoint import (
    compare,
    read_checkpoint,
    read_config,
    signed,
    write_checkpoint,
)
from nas_adapter.stopping import any_asked, stop_if_asked


class Run:
    """The files of one run, in the folder `out`.

    Parameters
    ----------
    out
        The folder; made if missing. It must be empty for a new run.
    config
        The settings, flat and JSON-ready.
    resume
        Continue the run in `out`; start it if the folder is empty.
    device
        Device that tensors of the checkpoint are loaded to.
    minutes
        Time between checkpoints of a phase under way; 0: one after every step.
    free
        Names in `config` that may change from start to resume; with others the run would be
        another one.

    Raises
    ------
    UserError
        `out` cannot be written, is in use, is not empty (without `resume`), holds other files or a
        run of another configuration, or its checkpoint cannot be read. Nothing on disk is changed
        then. Later, where a file cannot be written: the last checkpoint is kept.
    """

    def __init__(
        self,
        out: Path,
        config: dict[str, Any],
        *,
        resume: bool,
        device: torch.device,
        minutes: float = 1.0,
        free: Collection[str] = (),
    ) -> None:
        self.out = out
        self._config = json.loads(json.dumps(config))  # as it will be read back: tuples as lists
        self._device, self._minutes, self._free = device, minutes, free
        self.phases: dict[str, dict[str, Any]] = {}
        self._lines = self._kept = 0
        self._digest = hashlib.sha256()  # of the metrics
        self._metrics: TextIO | None = None
        self._board = Board(out / "tensorboard")
        self.between: Callable[[], None] = lambda: None
        """what is done between two steps"""
        with self._told(f"--out {out}"):
            out.mkdir(parents=True, exist_ok=True)
            self._lock = lock.Lock(out)
        try:
            with self._told(f"--out {out}"):
                self._open(self._saved(resume))
        except BaseException:
            self._lock.release()
            raise
        self._set_clock()

    def _saved(self, resume: bool) -> dict[str, Any] | None:
        """The checkpoint to continue from, or None; UserError for a folder to be left as it is."""
        unfinished = "config.json.new"  # of a run that was killed before it had anything
        present = sorted({path.name for path in self.out.iterdir()} - {lock.NAME, unfinished})
        if present and not resume:
            raise UserError(
                f"{self.out} is not empty ({', '.join(present)}): add --resume to continue the run "
                "in it, or choose another --out"
            )
        if "checkpoint.pt" in present:
            saved = read_checkpoint(self.out, self._device)
            compare(self.out, self._config, saved["config"], self._free)
            return saved
        # Killed before its first checkpoint, a run has its configuration and no result.
        if present and ("config.json" not in present or "result.json" in present):
            raise UserError(f"{self.out} holds no run that could be resumed: no checkpoint.pt")
        if present:
            compare(self.out, self._config, read_config(self.out), self._free)
        if resume:
            print(f"no checkpoint in {self.out} yet: starting from the beginning")
        return None

    def phase(self, name: str) -> dict[str, Any] | None:
        """The state of a phase that was last saved, or None."""
        return self.phases.get(name)

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """Write a checkpoint with a new state of `phase`; see `Notes.save`."""
        with self._told():
            metrics = self._writing()
            metrics.flush()
            os.fsync(metrics.fileno())
            self.phases[phase] = state
            content = {
                "config": self._config,
                "phases": self.phases,
                "lines": self._lines,
                "bytes": metrics.tell(),
                "metrics": self._digest.hexdigest(),
            }
            replace(self.out / "checkpoint.pt", lambda path: write_checkpoint(content, path))
        self._set_clock()
        stop_if_asked()

    def pause(self, phase: str, state: Callable[[], dict[str, Any]]) -> None:
        """See `Notes.pause`."""
        if any_asked(due=time.monotonic() >= self._due):
            self.save(phase, state())
        self.between()

    def log(self, phase: str, **record: Any) -> None:
        """Write one line of metrics.jsonl, and its numbers to TensorBoard."""
        record = {"phase": phase, **record}
        with self._told():
            line = json.dumps(record, allow_nan=False) + "\n"
            self._writing().write(line)
            self._digest.update(line.encode())
            self._board.add(record)
        self._lines += 1

    def records(self) -> list[dict[str, Any]]:
        """All records in metrics.jsonl."""
        with self._told():
            self._writing().flush()
        return list(map(json.loads, (self.out / "metrics.jsonl").read_text().splitlines()))

    def history(self, phase: str) -> list[dict[str, Any]]:
        """All records of a phase in metrics.jsonl."""
        return [record for record in self.records() if record["phase"] == phase]

    def conclude(self, numbers: dict[str, float], cell: Path | None) -> None:
        """Tell TensorBoard what the settings led to; `cell`: a picture of what was found."""
        with self._told():
            self._board.conclude(self._config, numbers, cell)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file atomically; null stands for a number that is nan or infinite."""
        text = json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"
        with self._told():
            replace(self.out / name, lambda path: path.write_text(text))

    def close(self) -> None:
        """Close the files, and let others have the folder."""
        with suppress(OSError):  # what matters was written at the last checkpoint
            if self._metrics is not None:
                self._metrics.close()
        with suppress(OSError):
            self._board.close()
        self._lock.release()

    def _open(self, saved: dict[str, Any] | None) -> None:
        if saved is not None:
            self.phases, self._lines, self._kept = saved["phases"], saved["lines"], saved["bytes"]
            path = self.out / "metrics.jsonl"
            kept = path.read_bytes()[: self._kept] if path.exists() else b""
            self._digest.update(kept)
            if self._digest.hexdigest() != saved["metrics"]:
                what = "shorter than" if len(kept) < self._kept else "not what"
                raise UserError(f"{path} is {what} its checkpoint says; nothing was changed")
        self.write_json("config.json", signed(self._config))

    def _writing(self) -> TextIO:
        """The metrics, opened when they are needed: by then the checkpoint has proved good."""
        if self._metrics is None:
            self._metrics = (self.out / "metrics.jsonl").open("a", buffering=1)
            # Lines after the checkpoint are written again, with the same numbers.
            self._metrics.truncate(self._kept)
            self._metrics.seek(self._kept)
        return self._metrics

    def _set_clock(self) -> None:
        self._due = time.monotonic() + 60 * self._minutes

    @contextmanager
    def _told(self, what: str = "") -> Iterator[None]:
        """Context in which a file that cannot be written is the user's to mend: `UserError`."""
        try:
            yield
        except OSError as error:
            kept = "" if what else "; what was saved before is whole, and --resume goes on from it"
            raise UserError(
                f"{what or self.out} cannot be written: {error.strerror}{kept}"
            ) from error


def _finite(value: Any) -> Any:
    """The value with None for every number in it that is nan or infinite."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
