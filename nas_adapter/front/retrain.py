"""Retraining of given cells, without a search."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from nas_adapter.errors import UserError
from nas_adapter.front.beforehand import check_retraining
from nas_adapter.front.begin import begin, remembered
from nas_adapter.front.fingerprints import described, fingerprints
from nas_adapter.front.live import Live
from nas_adapter.front.machine import machine, pick_device
from nas_adapter.front.options import options
from nas_adapter.front.results import write_result
from nas_adapter.front.settings import (
    Settings,
    check_seeds,
    check_settings,
    make_settings,
    open_space,
    saved_settings,
)
from nas_adapter.front.source import announce, open_data
from nas_adapter.front.told import changed, command
from nas_adapter.output.export import standalone
from nas_adapter.output.story import Story
from nas_adapter.runs.cost import EXAMPLES, cost
from nas_adapter.runs.decide import judged, tested
from nas_adapter.runs.retrain import Retraining
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Architecture, Space
from nas_adapter.spaces.published import read_cell
from nas_adapter.stopping import stoppable
from nas_adapter.supernets.precision import set_precision
from nas_adapter.tasks import Goal, Task


@dataclass(frozen=True)
class Retrained:
    """One cell, retrained from scratch with one seed."""

    name: str
    """of a published cell, else "cell 1" for the first cell that was given"""
    seed: int
    architecture: Architecture
    """for each edge the index of its operation"""
    genotype: str
    """the same in the space's notation"""
    network: nn.Module = field(repr=False)
    """on the CPU; takes inputs as the data set has them"""
    metric: str
    """name of the next one"""
    test_metric: float
    test_loss: float
    held_out_loss: float | None
    """mean over a fifth of the training data that was not trained on"""
    report: dict[str, Any] = field(repr=False)
    """its row in result.json, with parameters and seconds"""


@stoppable()
def retrain(
    cells: str | Sequence[str],
    space: str | Space,
    data: Any,
    settings: Settings | None = None,
    *,
    goal: Goal | None = None,
    seeds: Sequence[int] = (0,),
    held_out: bool = True,
    device: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    export: bool = False,
) -> list[Retrained]:
    """Train networks of given cells from scratch, every cell with every seed; search nothing.

    Parameters
    ----------
    cells
        One or several: genotypes in the space's notation, or names of published cells, see
        `published`.
    space, data, settings, goal, device, out, resume
        As for `search`. Of the settings those of the task, `retrain_epochs` and C count. A run may
        be resumed with other cells and seeds, too.
    seeds
        Seeds of the trainings.
    held_out
        Set a fifth of the training data aside, for a loss to choose a cell by. Without, all of it
        is trained on, as is usual in papers.
    export
        Write the network of every cell with the first seed to out/NAME.

    Returns
    -------
    One for each seed and cell, in this order; with `out` the same in result.json.

    Raises
    ------
    UserError
        An argument that cannot be; a training that diverges.
    Stopped
        As for `search`.
    """
    seeds = check_seeds(seeds)
    name, opened = open_space(space)
    before = remembered(out, resume=resume)
    if settings is None:
        settings = make_settings(space) if before is None else saved_settings(before, space)
    check_settings(settings, opened)
    place = pick_device(device)
    set_precision(settings.precision)
    chosen = _named(opened, [cells] if isinstance(cells, str) else cells)
    source, settings = open_data(data, goal, settings, opened)
    tasks = [(seed, source.load(seed, place)) for seed in seeds]
    loaded = tasks[0][1]
    announce(loaded)
    size = loaded.size(settings.channels, search=False)
    check_retraining(opened, loaded, size, export=export)
    tasks = [(seed, task.with_judges() if held_out else task) for seed, task in tasks]
    config = options(settings.retrain) | options(settings.task)
    width = settings.search.channels
    config |= {"channels": width, "space": name, "operations": opened.operations}
    config |= {"data": source.name, "retrain": [cells] if isinstance(cells, str) else list(cells)}
    config |= {"seeds": list(seeds), "held_out": held_out, "precision": settings.precision}
    minutes = settings.checkpoint_minutes
    config |= {"checkpoint_minutes": minutes, **fingerprints(space, loaded, width)}
    run = begin(out, config, resume=resume, export=export, device=place, minutes=minutes)
    told = [one for one in changed(settings, space) if one.name in {*config, "preset", "smoke"}]
    further = {"retrain": config["retrain"], "seeds": list(seeds)}
    further |= {} if held_out else {"held_out": False}
    story = Story(
        result={"method": "retrain", "space": name, "data": source.name, "metric": loaded.metric},
        records=(), space=opened, cells=chosen, changed=told,
        command=command(name, source.name, told, further),
    )  # fmt: skip
    if isinstance(run, Run):
        run.between = Live(run, story, 0, {"retrain": settings.retrain.epochs})
    try:
        found: list[Retrained] = []
        for seed, task in tasks:
            retraining = Retraining(
                settings.retrain, size, opened, task, run, seed, held_out, described(settings)
            )
            found += [_retrained(retraining, cell, named) for named, cell in chosen.items()]
        if isinstance(run, Run):
            _report(run, story, tasks[0][1], found, export)
    finally:
        run.close()
    return found


def _named(space: Space, cells: Sequence[str]) -> dict[str, Architecture]:
    """The cells by their names, see `Retrained.name`; UserError for what is none of the space."""
    if not cells:
        raise UserError("--retrain needs one cell or more")
    found = {}
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, str):
            raise UserError(f"--retrain: a cell must be a genotype or a name, got {cell!r}")
        name = cell if cell.isidentifier() else f"cell {number}"
        if name in found:
            raise UserError(f"--retrain: {name} is given twice")
        found[name] = read_cell(space, cell, "--retrain")
    return found


def _retrained(retraining: Retraining, cell: Architecture, name: str) -> Retrained:
    """The cell, trained by `retraining`."""
    space, task, seed = retraining.space, retraining.task, retraining.seed
    phase = f"retrain {name} seed {seed}"
    trained = retraining.train(cell, phase)
    row = {
        "name": name,
        "seed": seed,
        "architecture": space.genotype(cell),
        **cost(retraining, cell),
        **judged(trained),
        **tested(retraining, trained),
        "seconds": trained.seconds,
    }
    return Retrained(
        name=name,
        seed=seed,
        architecture=cell,
        genotype=row["architecture"],
        network=standalone(task, retraining.network(cell, phase), cell),
        metric=task.metric,
        test_metric=trained.metric,
        test_loss=trained.loss,
        held_out_loss=row["held_out_loss"],
        report=row,
    )


def _report(run: Run, story: Story, task: Task, found: Sequence[Retrained], export: bool) -> None:
    """Write the files of every cell's first network, the report and result.json."""
    result = {
        **story.result,
        "example": EXAMPLES[story.space.task],
        "higher_is_better": task.higher_is_better,
        "cells": [one.report for one in found],
        "summary": summarised(found),
        **task.facts,
        **machine(task.device),
    }
    first = {one.name: one.network for one in found if one.seed == found[0].seed}
    whole = replace(story, result=result, records=run.records())
    write_result(run, task, whole, first if export else {})


def summarised(trained: Sequence[Retrained]) -> list[dict[str, Any]]:
    """For every cell its means over the seeds, and their standard errors (None for one seed)."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in trained:
        by_name.setdefault(one.name, []).append(one.report)
    found = []
    for name, rows in by_name.items():
        summary = {"name": name, "seeds": len(rows)}
        summary |= {name: rows[0][name] for name in ("parameters", "multiply_adds")}
        for key in ("held_out_loss", *(key for key in rows[0] if key.startswith("test_"))):
            summary[key], summary[f"{key}_error"] = _mean([row[key] for row in rows])
        summary["seconds"], _ = _mean([row["seconds"] for row in rows])
        found.append(summary)
    return found


def _mean(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and its standard error; None where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return None, None
    mean = statistics.fmean(known)
    return mean, statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None
