"""The folder of a run: configuration, metrics, checkpoint; replaced whole, never half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch.utils.tensorboard import SummaryWriter

from experts.numerics.files import replace
from nas_adapter.errors import UserError


class Run:
    """One run's files under `out`.

    Parameters
    ----------
    out
        The folder; made if missing. A new run wants it empty.
    config
        The settings that determine the result, JSON-ready. A run continues only under the same.
    resume
        Continue the run in `out`; where nothing is there yet, start it.
    device
        Where tensors of the checkpoint go.

    Raises
    ------
    UserError
        `out` cannot be written, is not empty (without `resume`), holds something that is no run
        or a run of another configuration, or its checkpoint cannot be read. Nothing on disk is
        touched then.
    """

    def __init__(
        self, out: Path, config: dict[str, Any], *, resume: bool, device: torch.device
    ) -> None:
        self.out = out
        self._config = json.loads(json.dumps(config))  # as it is read back: a tuple is a list
        self._device = device
        self._phases: dict[str, Any] = {}
        self._lines = 0
        try:
            self._open(self._saved(resume))
        except OSError as error:
            raise UserError(f"--out {out} cannot be written: {error.strerror}") from error

    def _saved(self, resume: bool) -> dict[str, Any] | None:
        """The checkpoint to continue from, if there is one; refuses what must not be touched."""
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
        """What was last saved of a phase; None if nothing."""
        return self._phases.get(name)

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """Checkpoint: replace what is saved of `phase`, and remember how far the metrics are."""
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
        """One line of metrics.jsonl; its numbers also go to TensorBoard."""
        self._metrics.write(json.dumps({"phase": phase, **record}, allow_nan=False) + "\n")
        for name, value in record.items():
            if isinstance(value, int | float):
                self._board.add_scalar(f"{phase}/{name}", value, self._lines)
        self._lines += 1

    def history(self, phase: str) -> list[dict[str, Any]]:
        """All metrics of a phase."""
        self._metrics.flush()
        lines = (self.out / "metrics.jsonl").read_text().splitlines()
        return [record for line in lines if (record := json.loads(line))["phase"] == phase]

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """A JSON file, whole or not at all."""
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
        # Lines after the checkpoint are written anew, with the same numbers.
        self._metrics.truncate(kept)
        self._metrics.seek(kept)
        self._board = SummaryWriter(str(self.out / "tensorboard"), purge_step=self._lines)

    def _read_checkpoint(self) -> dict[str, Any]:
        path = self.out / "checkpoint.pt"
        try:
            saved = torch.load(path, map_location=self._device, weights_only=True)
            if not {"config", "phases", "lines", "bytes"} <= saved.keys():
                raise ValueError("it holds something else")
        except Exception as error:  # torch.load raises whatever a damaged file leads it to
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
