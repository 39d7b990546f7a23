"""report.html of a run under way: written anew from time to time."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import torch

from nas_adapter.output import report
from nas_adapter.output.page import RELOAD_SECONDS, bundle
from nas_adapter.output.story import Record, Story
from nas_adapter.output.tables import duration
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Architecture, Space
from nas_adapter.spaces.genotype import read

SHARE = 0.01
"""Largest share of a run's time that its page may take."""


class Live:
    """Call it between two steps: it writes the page if it is time to.

    That is every ten seconds, or less often, so that it takes no more than a hundredth of the time.
    Reading the charts' library, some two seconds, is brought forward from the end of the run, and
    does not count.

    Parameters
    ----------
    run
        The run, whose folder gets the page.
    story
        What is known of it at its beginning.
    steps, epochs, minutes
        Of the whole run, see `progress`.
    """

    def __init__(
        self,
        run: Run,
        story: Story,
        steps: int,
        epochs: Mapping[str, int],
        minutes: float | None = None,
    ) -> None:
        self._run, self._story = run, story
        self._steps, self._epochs, self._minutes = steps, epochs, minutes
        self._due = time.monotonic() + RELOAD_SECONDS

    def __call__(self) -> None:
        """Write the page if it is time to. An error ends that, with a line, and not the run."""
        if time.monotonic() < self._due:
            return
        bundle()
        start = time.monotonic()
        try:
            report.draw_live(self._run.out, self._now())
            self._due = start + max(RELOAD_SECONDS, (time.monotonic() - start) / SHARE)
        except Exception as error:
            print(f"note: report.html is written at the end only: {error}", file=sys.stderr)
            self._due = float("inf")

    def _now(self) -> Story:
        records, space = self._run.records(), self._story.space
        cell = strongest(space, records)
        said = progress(records, self._steps, self._epochs, self._minutes)
        now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        said += f" Written {now}: if that is long past, the run was stopped."
        cells = self._story.cells if cell is None else {"the strongest cell at present": cell}
        return replace(self._story, records=records, cells=cells, progress=said)


def strongest(space: Space, records: Sequence[Record]) -> Architecture | None:
    """The cell that the last distributions give; None: there are none."""
    for record in reversed(records):
        if "probabilities" in record:
            return read(space, "auto", torch.tensor(record["probabilities"]), seed=0)
    return None


def progress(
    records: Sequence[Record], steps: int, epochs: Mapping[str, int], minutes: float | None = None
) -> str:
    """Where a run stands, from its metrics.

    Parameters
    ----------
    records
        Of metrics.jsonl.
    steps, minutes
        Planned steps of the search, and the time after which it is ended all the same.
    epochs
        Planned epochs of a training by its kind, the first word of its phase.

    Examples
    --------
    >>> progress([{"phase": "search", "step": 5, "seconds": 2.0}], 20, {})
    'Running: the search is at step 5 of 20, about 30 s from its end.'
    >>> progress([{"phase": "retrain prior", "epoch": 2, "seconds": 2.0}], 20, {"retrain": 3})
    'Running: retrain prior is at epoch 2 of 3.'
    """
    if not records:
        return "Running: the search has not begun."
    last = records[-1]
    if last["phase"] == "search":
        mine = [record["seconds"] for record in records if record["phase"] == "search"]
        left = (steps - last["step"]) * sum(mine) / len(mine)
        if minutes is not None:
            left = max(0.0, min(left, 60 * minutes - sum(mine)))
        return (
            f"Running: the search is at step {last['step']:,} of {steps:,}, about "
            f"{duration(left)} from its end."
        )
    planned = epochs[last["phase"].partition(" ")[0]]
    return f"Running: {last['phase']} is at epoch {last['epoch']} of {planned}."
