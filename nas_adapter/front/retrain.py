"""Retraining of given cells, without a search."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas_adapter.advice.largest import count_parameters
from nas_adapter.errors import UserError
from nas_adapter.output.export import export as write_network
from nas_adapter.runs.decide import held_out, tested
from nas_adapter.runs.retrain import Retraining, RetrainSettings, Trained
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Architecture, Space
from nas_adapter.spaces.published import read_cell
from nas_adapter.tasks import Task


@dataclass(frozen=True)
class Retrained:
    """One cell, retrained from scratch with one seed."""

    name: str
    """of a published cell, else "cell 1" for the first cell that was given"""
    seed: int
    architecture: Architecture
    trained: Trained
    row: dict[str, Any]
    """for result.json"""
    exported: dict[str, float]
    """see `export`; empty where nothing was exported"""


def named(space: Space, cells: Sequence[str]) -> dict[str, Architecture]:
    """The cells by their names, see `Retrained.name`; UserError for what is none of the space."""
    found = {}
    for number, cell in enumerate(cells, 1):
        name = cell if cell.isidentifier() else f"cell {number}"
        if name in found:
            raise UserError(f"--retrain: {name} is given twice")
        found[name] = read_cell(space, cell, "--retrain")
    return found


def retrain(
    cells: dict[str, Architecture],
    space: Space,
    tasks: dict[int, Task],
    settings: RetrainSettings,
    run: Run,
    *,
    channels: int,
    judged: bool,
    export: bool,
) -> list[Retrained]:
    """Train every cell with every seed; `tasks`: the data, bound to each seed."""
    found = []
    for seed, task in tasks.items():
        size = task.size(channels, search=False)
        retraining = Retraining(settings, size, space, task, run, seed, judged)
        for name, cell in cells.items():
            phase = f"retrain {name} seed {seed}"
            trained = retraining.train(cell, phase)
            row = {
                "name": name,
                "seed": seed,
                "architecture": space.genotype(cell),
                "parameters": count_parameters(space, size, cell),
                **held_out(trained),
                **tested(retraining, trained),
                "seconds": trained.seconds,
            }
            exported = {}
            if export and task is next(iter(tasks.values())):
                exported = write_network(
                    task, retraining.network(cell, phase), cell, run.out / name
                )
            found.append(Retrained(name, seed, cell, trained, row, exported))
    return found


def summarised(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For every cell its means over the seeds, and their standard errors (None for one seed)."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    found = []
    for name in names:
        mine = [row for row in rows if row["name"] == name]
        summary: dict[str, Any] = {"name": name, "seeds": len(mine)}
        for key in mine[0]:
            if key == "held_out_loss" or key.startswith("test_"):
                mean, error = _mean([row[key] for row in mine])
                summary |= {key: mean, f"{key}_error": error}
        found.append(summary)
    return found


def _mean(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and its standard error; None where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return None, None
    mean = statistics.fmean(known)
    return mean, statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None
