"""The beginning of a run: its folder and its configuration, or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nas_adapter import ranks
from nas_adapter.errors import UserError
from nas_adapter.runs.checkpoint import read_config
from nas_adapter.runs.notes import Unwritten
from nas_adapter.runs.run import Run

FREE = {
    "auxiliary", "baselines", "checkpoint_minutes", "compare", "cutout", "data_root", "drop_path",
    "export", "fidelity_epochs", "held_out", "max_minutes", "retrain", "retrain_cells",
    "retrain_channels", "retrain_epochs", "seeds",
}  # fmt: skip
"""Settings that may change from start to resume: a search is as good with others. Networks that
they concern are trained anew."""


def begin(
    out: str | Path | None,
    config: dict[str, Any],
    *,
    resume: bool,
    export: bool,
    device: torch.device,
    minutes: float,
) -> Run | Unwritten:
    """The run in `out`, see `Run`; without `out` nothing is written.

    Raises
    ------
    UserError
        `resume` or `export` without `out`; see `Run` for the others.
    """
    if out is not None:
        described = config | {"export": export, "device": device.type}
        for name, value in described.items():
            if isinstance(value, Path):
                described[name] = str(value)

        def opened() -> Run:
            return Run(
                Path(out), described, resume=resume, device=device, minutes=minutes, free=FREE
            )

        return opened() if ranks.count() == 1 else _by_first(opened)
    if resume or export:
        raise UserError(f"{'resume' if resume else 'export'} needs out, the folder of the run")
    return Unwritten()


def _by_first(opened: Callable[[], Run]) -> Run | Unwritten:
    """The run on the first process; its state, which is read and not written, on the others."""
    ranks.largest(0)  # all have read the configuration, if there is one, before it is written
    runs: list[Run] = []

    def phases() -> dict[str, dict[str, Any]]:
        runs.append(opened())
        return runs[0].phases

    found = ranks.from_first(phases)
    return runs[0] if runs else Unwritten(found)


def remembered(out: str | Path | None, *, resume: bool) -> dict[str, Any] | None:
    """The configuration of the run that is to be resumed; None: it has not begun, or is new."""
    if out is None or not resume or not (Path(out) / "config.json").exists():
        return None
    return read_config(Path(out))
