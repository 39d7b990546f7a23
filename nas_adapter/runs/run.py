"""What a run keeps: in a folder, with each file written atomically, or in memory alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.tensorboard import SummaryWriter

from experts.numerics.files import replace
from nas_adapter.errors import UserError


class Notes(Protocol):
    """Where a search or a training keeps its state and its metrics."""

    def phase(self, name: str) -> dict[str, Any] | None:
        """The state of a phase that was last saved, or None."""

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """Keep a new state of `phase`."""

    def log(self, phase: str, **record: Any) -> None:
        """Take down one line of metrics."""

    def close(self) -> None:
        """End the run."""


class Unwritten:
    """`Notes` in memory: nothing is written, and nothing can be resumed."""

    def __init__(self) -> None:
        self._phases: dict[str, Any] = {}

    def phase(self, name: str) -> dict[str, Any] | None:
        """See `Notes.phase`."""
        return self._phases.get(name)

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """See `Notes.save`."""
        self._phases[phase] = state

    def log(self, phase: str, **record: Any) -> None:
        """See `Notes.log`: metrics are not kept."""

    def close(self) -> None:
        """See `Notes.close`."""


class Run:
    """The files of one run, in the folder `out`.

    Parameters
    ----------
    out
        The folder; made if missing. It must be empty for a new run.
    config
        The settings that determine the result, flat and JSON-ready. A run is only continued with
        the same settings.
    resume
        Continue the run in `out`; start it if the folder is empty.
    device
        Device that tensors of the checkpoint are loaded to.

    Raises
    ------
    UserError
        `out` cannot be written, is not empty (without `resume`), holds other files or a run of
        another configuration, or its checkpoint cannot be read. Nothing on disk is changed then.
    """

    def __init__(
        self, out: Path, config: dict[str, Any], *, resume: bool, device: torch.device
    ) -> None:
        self.out = out
        self._config = json.loads(json.dumps(config))  # as it will be read back: tuples as lists
        self._device = device
        self._phases: dict[str, Any] = {}
        self._lines = 0
        try:
            self._open(self._saved(resume))
        except OSError as error:
            raise UserError(f"--out {out} cannot be written: {error.strerror}") from error

    def _saved(self, resume: bool) -> dict[str, Any] | None:
        """The checkpoint to continue from, or None; UserError for a folder to be left as it is."""
        present = sorted(path.name for path in self.out.iterdir()) if self.out.is_dir() else []
        if present and not resume:
            raise UserError(
                f"{self.out} is not empty ({', '.join(present)}): add --resume to continue the run "
                "in it, or choose another --out"
            )
        if "checkpoint.pt" in present:
            saved = self._read_checkpoint()
            self._compare(saved["config"])
            return saved
        # Killed before its first checkpoint, a run has its configuration and no result.
        if present and ("config.json" not in present or "result.json" in present):
            raise UserError(f"{self.out} holds no run that could be resumed: no checkpoint.pt")
        if present:
            self._compare(self._read_config())
        if resume:
            print(f"no checkpoint in {self.out} yet: starting from the beginning")
        return None

    def phase(self, name: str) -> dict[str, Any] | None:
        """The state of a phase that was last saved, or None."""
        return self._phases.get(name)

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """Write a checkpoint with a new state of `phase` and the current length of the metrics."""
        self._metrics.flush()
        os.fsync(self._metrics.fileno())
        self._phases[phase] = state
        content = {
            "config": self._config,
            "phases": self._phases,
            "lines": self._lines,
            "bytes": self._metrics.tell(),
        }
        replace(self.out / "checkpoint.pt", lambda path: torch.save(content, path))

    def log(self, phase: str, **record: Any) -> None:
        """Write one line of metrics.jsonl, and its numbers to TensorBoard."""
        self._metrics.write(json.dumps({"phase": phase, **record}, allow_nan=False) + "\n")
        for name, value in record.items():
            if isinstance(value, int | float):
                self._board.add_scalar(f"{phase}/{name}", value, self._lines)
        self._lines += 1

    def history(self, phase: str) -> list[dict[str, Any]]:
        """All records of a phase in metrics.jsonl."""
        self._metrics.flush()
        lines = (self.out / "metrics.jsonl").read_text().splitlines()
        return [record for line in lines if (record := json.loads(line))["phase"] == phase]

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file atomically."""
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        replace(self.out / name, lambda path: path.write_text(text))

    def close(self) -> None:
        """Close the files."""
        self._metrics.close()
        self._board.close()

    def _open(self, saved: dict[str, Any] | None) -> None:
        kept = 0
        path = self.out / "metrics.jsonl"
        if saved is not None:
            self._phases, self._lines, kept = saved["phases"], saved["lines"], saved["bytes"]
            if kept > (path.stat().st_size if path.exists() else 0):
                raise UserError(f"{path} is shorter than its checkpoint says; nothing was changed")
        self.out.mkdir(parents=True, exist_ok=True)
        self.write_json("config.json", self._config)
        self._metrics = path.open("a", buffering=1)
        # Lines after the checkpoint are written again, with the same numbers.
        self._metrics.truncate(kept)
        self._metrics.seek(kept)
        self._board = SummaryWriter(str(self.out / "tensorboard"), purge_step=self._lines)

    def _read_checkpoint(self) -> dict[str, Any]:
        path = self.out / "checkpoint.pt"
        try:
            saved = torch.load(path, map_location=self._device, weights_only=True)
            if not {"config", "phases", "lines", "bytes"} <= saved.keys():
                raise ValueError("it holds something else")
        except Exception as error:  # a damaged file makes torch.load raise almost anything
            raise UserError(
                f"{path} is truncated or not a checkpoint of this program; it was left as it is"
            ) from error
        return saved  # type: ignore[no-any-return]

    def _read_config(self) -> dict[str, Any]:
        path = self.out / "config.json"
        try:
            saved = json.loads(path.read_text())
        except ValueError:
            saved = None
        if not isinstance(saved, dict):
            raise UserError(f"{path} is not the configuration of a run; it was left as it is")
        return saved

    def _compare(self, saved: dict[str, Any]) -> None:
        names = sorted(self._config.keys() | saved.keys())
        differing = [
            f"{name} is {self._config.get(name)!r} but was {saved.get(name)!r}"
            for name in names
            if self._config.get(name) != saved.get(name)
        ]
        if differing:
            raise UserError(
                f"{self.out} holds a run of another configuration: {'; '.join(differing)}"
            )
