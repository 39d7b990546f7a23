"""The end of a run: its result first, then what can be made of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from nas_adapter.output.export import export
from nas_adapter.runs.run import Run
from nas_adapter.tasks import Task


def write_result(
    run: Run,
    task: Task,
    result: dict[str, Any],
    networks: Mapping[str, nn.Module],
    draw: Callable[[], None],
) -> None:
    """Write result.json, then the networks' files, the pictures and the report.

    What of these fails is told in a line and named in result.json, under "failed"; resuming the run
    tries it again.

    Parameters
    ----------
    networks
        What to export, by the name of its folder in the run's; "": the run's own.
    """
    result["failed"] = {}
    run.write_json("result.json", result)

    def write_networks() -> None:
        written = {name: export(task, net, run.out / name) for name, net in networks.items()}
        result["exported"] = written.get("", written)

    for what, make in (("export", write_networks), ("report", draw)):
        if make is draw or networks:
            _try(what, make, result["failed"])
    run.write_json("result.json", result)


def _try(what: str, make: Callable[[], None], failed: dict[str, str]) -> None:
    try:
        make()
    except Exception as error:  # a full disk, a network that no file can hold, ...
        reason = str(error).partition("\n")[0] or type(error).__name__
        failed[what] = reason
        print(
            f"error: the {what} failed, but the result is written: {reason}; --resume tries again",
            file=sys.stderr,
        )
