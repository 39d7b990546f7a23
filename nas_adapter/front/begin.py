"""The beginning of a run: its folder and its configuration, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nas_adapter.errors import UserError
from nas_adapter.runs.run import Run, Unwritten


def begin(
    out: str | Path | None,
    config: dict[str, Any],
    *,
    resume: bool,
    export: bool,
    device: torch.device,
) -> Run | Unwritten:
    """The run in `out`, see `Run`; without `out` nothing is written.

    Raises
    ------
    UserError
        `resume` or `export` without `out`; see `Run` for the others.
    """
    if out is not None:
        return Run(
            Path(out),
            {name: value for name, value in config.items() if name != "data_root"}
            | {"export": export, "device": device.type},
            resume=resume,
            device=device,
        )
    if resume or export:
        raise UserError(f"{'resume' if resume else 'export'} needs out, the folder of the run")
    return Unwritten()
