#!/usr/bin/env python3
"""Search an architecture, retrain it, and report.

With no arguments: XNAS in the NAS-Bench-201 space on scikit-learn's handwritten digits.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from common.command import run_command
from common.settings import options
from studies.xnas.options import Config, idle, parse

from nas_adapter.advice.largest import count_parameters
from nas_adapter.advice.prior import Prior
from nas_adapter.errors import UserError
from nas_adapter.front.machine import machine, pick_device
from nas_adapter.front.retrain import named, retrain, summarised
from nas_adapter.output import report
from nas_adapter.output.export import export
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.advise import check_prior, make_prior
from nas_adapter.runs.choose import ChoiceSettings, fidelity_cells, measured_fidelity
from nas_adapter.runs.decide import Decision, decide, tested
from nas_adapter.runs.retrain import Retraining
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import Found, search
from nas_adapter.spaces import (
    NONE,
    Architecture,
    Space,
    find_space,
    random_architecture,
    without,
)
from nas_adapter.spaces.genotype import carries
from nas_adapter.spaces.published import read_cell
from nas_adapter.supernets.precision import set_precision
from nas_adapter.tasks import Task

NO_METRIC: dict[str, Any] = {
    "valid_accuracy": None,
    "test_accuracy": None,
    "valid_perplexity": None,
    "test_perplexity": None,
}
"""In result.json, for the metrics that a task does not have."""

NO_LEARNER: dict[str, Any] = {
    "edge_probabilities": None,
    "wiped_out": [],
    "regret": None,
    "regret_bound": None,
}
"""In result.json, for a method without expert problems."""


def main(config: Config) -> None:
    device = pick_device(config.device)
    set_precision(config.precision)
    space = open_space(config)
    if config.given:
        retrain_given(config, space, device)
        return
    given = [read_cell(space, genotype, "--compare") for genotype in config.compare]
    task, choice = prepared(config, space, config.task.load(config.seed, device))
    check_prior(config.search.prior, space, task)
    run = Run(
        config.out or new_folder(config),
        recorded(config, device) | options(choice),
        resume=config.resume,
        device=device,
    )
    print(f"writing to {run.out}")

    prior = make_prior(
        config.search.prior, space, task, width(config), run, config.seed, config.search.looks
    )
    asked = fidelity_cells(space, config.seed, choice.fidelity_cells or 0)
    searched = search(config.search, space, task, run, seed=config.seed, prior=prior, asked=asked)
    size = task.size(width(config), search=False)
    retraining = Retraining(config.retrain, size, space, task, run, config.seed, choice.judged)
    decision = decide(retraining, choice, searched, prior, drawn(config, space))
    result = {
        "method": config.method,
        "space": config.space,
        "data": config.task.data,
        "seed": config.seed,
        "architecture": space.genotype(decision.architecture),
        **NO_METRIC,
        "compared_architectures": compared(retraining, given),
        "prior": {
            "kind": prior.kind,
            "price_nats": prior.price(searched.architecture),
            **prior.facts,
        },
        "fidelity": believed(retraining, choice, searched, prior, asked),
        "fidelity_reason": None if asked else "no random cells were trained for it",
        **NO_LEARNER,
        **searched.report,
        **decision.facts,  # its candidates, not random search's number of them
        **task.facts,
        **machine(device),
    }
    if config.export:
        result["exported"] = exported(retraining, decision)
    finish(result, retraining, decision)


def retrain_given(config: Config, space: Space, device: torch.device) -> None:
    """Retrain the cells of --retrain, without a search."""
    cells = named(space, config.given)
    loaded = {seed: config.task.load(seed, device) for seed in config.seeds or (config.seed,)}
    tasks = {s: task.with_judges() if config.held_out else task for s, task in loaded.items()}
    run = Run(
        config.out or new_folder(config),
        recorded(config, device),
        resume=config.resume,
        device=device,
    )
    print(f"writing to {run.out}")
    rows = retrain(
        cells, space, tasks, config.retrain, run,
        channels=width(config), judged=config.held_out, export=config.export,
    )  # fmt: skip
    task = next(iter(tasks.values()))
    result = {
        "method": "retrain",
        "space": config.space,
        "data": config.task.data,
        "metric": task.metric,
        "cells": [row.row for row in rows],
        "summary": summarised([row.row for row in rows]),
        **task.facts,
        **machine(device),
    }
    if config.export:
        result["exported"] = {row.name: row.exported for row in rows if row.exported}
    run.write_json("result.json", result)
    run.close()
    print(retrained_summary(result, task, run.out))


def retrained_summary(result: dict[str, Any], task: Task, out: Path) -> str:
    """A line for each cell: its means over the seeds, with their standard errors."""
    test = f"test_{task.metric}"
    lines = [""]
    for cell in result["summary"]:
        error = "" if cell[f"{test}_error"] is None else f" ± {task.show(cell[f'{test}_error'])}"
        held = (
            "" if cell["held_out_loss"] is None else f", held-out loss {cell['held_out_loss']:.4f}"
        )
        lines.append(
            f"{cell['name']:<10} test {task.metric} {task.show(cell[test])}{error}, test loss "
            f"{cell['test_loss']:.4f}{held}, {cell['seeds']} seeds"
        )
    lines.append(f"numbers    {out / 'result.json'}")
    return "\n".join(lines)


def finish(result: dict[str, Any], retraining: Retraining, decision: Decision) -> None:
    """Write the report and result.json, and print the summary."""
    run, space, found = retraining.run, retraining.space, decision.architecture
    report.draw(run, space, found, result)
    run.write_json("result.json", result)
    run.close()
    print(summary(result, retraining.task, run.out, carried=carries(space, found)))


def width(config: Config) -> int:
    """C of the retrained networks."""
    return config.retrain.channels or config.search.channels


def prepared(config: Config, space: Space, task: Task) -> tuple[Task, ChoiceSettings]:
    """How the run decides, and the task with data set aside where that needs some."""
    size = task.size(width(config), search=False)
    # The run is not needed to count a training's operations.
    retraining = Retraining(config.retrain, size, space, task, None, config.seed)  # type: ignore[arg-type]
    choice = config.choice.settled(retraining, candidates=3 + config.baselines)
    return (task.with_judges() if choice.judged else task), choice


def open_space(config: Config) -> Space:
    """The space, without the operations that the search leaves out."""
    space = without(find_space(config.space), config.without)
    if config.search.read == "darts" and NONE not in space.operations:
        raise UserError(f"--read darts needs an operation {NONE!r}, which {config.space} lacks")
    return space


def drawn(config: Config, space: Space) -> list[Architecture]:
    """The random architectures to compare with."""
    return [
        random_architecture(space, stream(config.seed, Stream.BASELINE, index))
        for index in range(config.baselines)
    ]


def compared(retraining: Retraining, given: list[Architecture]) -> list[dict[str, Any]]:
    """The architectures of --compare, each retrained from scratch."""
    rows = []
    for number, other in enumerate(given, 1):
        trained = retraining.train(other, f"retrain given {number}")
        rows.append(
            {"architecture": retraining.space.genotype(other), **tested(retraining, trained)}
        )
    return rows


def exported(retraining: Retraining, decision: Decision) -> dict[str, float]:
    """Write the retrained network's files; how far each file's outputs are from the network's."""
    net = retraining.network(decision.architecture, decision.phase)
    return export(retraining.task, net, decision.architecture, retraining.run.out)


def believed(
    retraining: Retraining,
    choice: ChoiceSettings,
    searched: Found,
    prior: Prior,
    asked: list[Architecture],
) -> dict[str, Any] | None:
    """Fidelity of the search, of its prior, and of the trivial advisor, the parameters."""
    space, size = retraining.space, retraining.size
    beliefs = {
        "search": searched.beliefs,
        **({} if prior.kind == "uniform" else {"prior": [-prior.price(cell) for cell in asked]}),
        "parameters": [count_parameters(space, size, cell) for cell in asked],
    }
    return measured_fidelity(retraining, choice, asked, beliefs)


def recorded(config: Config, device: torch.device) -> dict[str, Any]:
    """Content of config.json: the options that determine the result, by their names."""
    elsewhere = {"out", "resume", "data_root"}
    if config.given:
        elsewhere |= idle(config).keys()
    values = options(config) | {"device": device.type}
    return {name: value for name, value in values.items() if name not in elsewhere}


def new_folder(config: Config) -> Path:
    """A folder under runs/, named after the time and what is run."""
    kind, space = config.task.data.partition(":")[0], config.space.rpartition(":")[2]
    what = "retrain" if config.given else config.method
    name = f"{datetime.now():%Y-%m-%d_%H%M%S}_{what}_{space}_{kind}"
    return Path("runs") / name


def summary(result: dict[str, Any], task: Task, out: Path, *, carried: bool) -> str:
    """The lines printed at the end. `carried`: see `genotype.carries`."""
    test = f"test_{task.metric}"
    lines = [
        "",
        f"found      {result['architecture']}",
        f"           test {task.metric} {task.show(result[test])}, test loss "
        f"{result['test_loss']:.4f}, retrained from scratch",
        *advised(result, task),
        *others(result["random_architectures"], "random", "drawn at random", task),
        *others(result["compared_architectures"], "compared", "as given", task),
        f"supernet   {task.show(result[f'valid_{task.metric}'])} on the held-out half",
        *learnt(result),
    ]
    for name, difference in result.get("exported", {}).items():
        lines.append(f"exported   {out / name}: the same outputs up to {difference:.1e}")
    lines.append(f"report     {out / 'report.html'}")
    if not carried:
        lines.append(
            "note       no path through this cell is without none, so its output is constant; "
            "--without none searches without it (docs/xnas.md)"
        )
    return "\n".join(lines)


def advised(result: dict[str, Any], task: Task) -> list[str]:
    """Lines on the decision: who advised what was found, and how the other advisors' cells did."""
    decision, test = result["decision"], f"test_{task.metric}"
    lines = [f"chosen by  {decision['rule']}: the cell of {', '.join(decision['advisors'])}"]
    for row in result["candidates"]:
        if row["architecture"] != result["architecture"] and row[test] is not None:
            advisors = ", ".join(row["advisors"])
            lines.append(f"           {advisors}: {task.show(row[test])}, {row['test_loss']:.4f}")
    return lines


def others(rows: list[dict[str, Any]], name: str, what: str, task: Task) -> list[str]:
    """A line on architectures that were trained the same way; none without any."""
    values = ", ".join(task.show(row[f"test_{task.metric}"]) for row in rows)
    return [f"{name:<10} {values}: {what}, trained the same way"] if rows else []


def learnt(result: dict[str, Any]) -> list[str]:
    """Lines on the search itself: how far it can be believed, its regret, its wipe-outs."""
    lines = []
    if result["fidelity"] is not None:
        said = result["fidelity"]["search"]
        lines.append(
            f"belief     {said['sentence']} (rank correlation over {said['cells']} random cells "
            f"{said['spearman']:+.2f}, 95 % {said['low']:+.2f} to {said['high']:+.2f})"
        )
    if result["regret"] is not None:
        bound = result["regret_bound"]
        lines += [
            f"regret     {result['regret']:.3g} after {result['steps']} steps; at most "
            f"{result['regret_certificate']:.3g} by this run's certificate"
            + ("" if bound is None else f", {bound:.3g} by the a-priori bound"),
            f"wiped out  {len(result['wiped_out'])} operations; rewards clipped "
            f"{result['clipped_share']:.1%} of the time",
        ]
    return lines


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments, parse)


if __name__ == "__main__":
    sys.exit(command())
