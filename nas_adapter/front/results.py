"""The end of a run: its result first, then what can be made of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from nas_adapter.output import report
from nas_adapter.output.export import export
from nas_adapter.output.story import Story
from nas_adapter.runs.run import Run
from nas_adapter.tasks import Task


def write_result(run: Run, task: Task, story: Story, networks: Mapping[str, nn.Module]) -> None:
    """Write result.json, then the networks' files, the pictures, the report, TensorBoard's summary.

    What of these fails is told in a line and named in result.json, under "failed"; resuming the run
    tries it again.

    Parameters
    ----------
    story
        What the page tells.
    networks
        What to export, by the name of its folder in the run's; "": the run's own.
    """
    result = story.result
    result["failed"] = {}
    run.write_json("result.json", result)

    def write_networks() -> None:
        written = {name: export(task, net, run.out / name) for name, net in networks.items()}
        result["exported"] = written.get("", written)

    if networks:
        _try("export", write_networks, result["failed"])
    _try("report", lambda: report.draw(run.out, story), result["failed"])
    _try("summary for TensorBoard", lambda: _conclude(run, result), result["failed"])
    run.write_json("result.json", result)


def _conclude(run: Run, result: dict[str, Any]) -> None:
    wanted = (f"test_{result['metric']}", "test_loss", "regret", "search_seconds")
    known = {name: result[name] for name in wanted if result.get(name) is not None}
    picture = run.out / "cell.png"
    run.conclude(known, picture if picture.exists() else None)


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
