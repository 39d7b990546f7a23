#!/usr/bin/env python3
"""Search an architecture, retrain it, and report.

With no arguments: XNAS in the NAS-Bench-201 space on scikit-learn's handwritten digits.
"""

from __future__ import annotations

import platform
import resource
import sys
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from common.command import run_command
from options import Config, check_used, defaults

from nas_adapter.errors import UserError, choose
from nas_adapter.output import report
from nas_adapter.output.export import export
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.retrain import RetrainSettings, build, retrain
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.spaces import (
    NONE,
    Architecture,
    Space,
    find_space,
    random_architecture,
    without,
)
from nas_adapter.spaces.darts_rnn import Dropout
from nas_adapter.spaces.genotype import carries
from nas_adapter.tasks import TASKS, Task, TaskSettings

NO_METRIC: dict[str, Any] = {
    "valid_accuracy": None,
    "test_accuracy": None,
    "valid_perplexity": None,
    "test_perplexity": None,
}
"""What result.json says of the metrics that a task does not have."""

NO_LEARNER: dict[str, Any] = {
    "edge_probabilities": None,
    "wiped_out": [],
    "regret": None,
    "regret_bound": None,
}
"""What result.json says where the method plays no expert problem."""


def main(config: Config) -> None:
    if config.resume and config.out is None:
        raise UserError("--resume needs --out, the folder of the run to continue")
    device = pick_device(config.device)
    space = without(find_space(config.space), config.without)
    choose(f"task of {config.space}", space.task, TASKS)
    check_used(config, space.task)
    if config.read == "darts" and NONE not in space.operations:
        raise UserError(f"--read darts needs an operation {NONE!r}, which {config.space} lacks")
    given = [parsed(space, genotype) for genotype in config.compare]
    task = TASKS[space.task](
        TaskSettings(
            data=config.data,
            seed=config.seed,
            batch_size=config.batch_size,
            device=device,
            data_root=config.data_root,
            image_size=config.image_size,
            cutout=config.cutout,
            tokens=config.tokens,
            vocabulary=config.vocabulary,
            min_count=config.min_count,
            bptt=config.bptt,
            dropout=Dropout(
                inputs=config.dropout, hidden=config.hidden_dropout, outputs=config.dropout
            ),
        )
    )
    out = config.out or new_folder(config)
    run = Run(out, settled(config, device), resume=config.resume, device=device)
    print(f"writing to {run.out}")

    searching = SearchSettings(
        seed=config.seed,
        epochs=config.epochs,
        channels=config.channels,
        cells=config.cells,
        method=config.method,
        reward_bound=None if config.reward_bound == "auto" else config.reward_bound,
        warmup=config.warmup,
        learner=config.learner,
        wipeout=config.wipeout,
        candidates=config.candidates,
        read=config.read,
        architecture_rate=config.architecture_rate,
    )
    retraining = RetrainSettings(
        seed=config.seed,
        epochs=config.retrain_epochs,
        channels=config.retrain_channels or config.channels,
        cells=config.retrain_cells or config.cells,
        auxiliary=config.auxiliary,
        drop_path=config.drop_path,
    )

    found, details = search(searching, space, task, run)
    test = retrain(retraining, space, found, task, run, "retrain")
    drawn = [
        random_architecture(space, stream(config.seed, Stream.BASELINE, index))
        for index in range(config.baselines)
    ]

    def trained(kind: str, architectures: list[Architecture]) -> list[dict[str, Any]]:
        return [
            {
                "architecture": space.genotype(other),
                f"test_{task.metric}": retrain(retraining, space, other, task, run, f"{kind} {n}"),
            }
            for n, other in enumerate(architectures, 1)
        ]

    result = {
        "method": config.method,
        "space": config.space,
        "data": config.data,
        "seed": config.seed,
        "architecture": space.genotype(found),
        **NO_METRIC,
        f"test_{task.metric}": test,
        "random_architectures": trained("retrain random", drawn),
        "compared_architectures": trained("retrain given", given),
        **NO_LEARNER,
        **details,
        **task.facts,
        "peak_memory_mib": peak_memory(device),
        "device": device_name(device),
        "versions": versions(),
    }
    if config.export:
        net = build(retraining, space, found, task)
        net.load_state_dict((run.phase("retrain") or {})["net"])
        result["exported"] = export(task, net, found, run.out)
    report.draw(run, space, found, result)
    run.write_json("result.json", result)
    run.close()
    print(summary(result, task, run.out))
    if not carries(space, found):
        print(
            "note       nothing gets through this cell, every way is none; "
            "--without none searches without it (docs/xnas.md)"
        )


def parsed(space: Space, genotype: str) -> Architecture:
    try:
        found = tuple(space.parse(genotype))
    except ValueError as error:
        raise UserError(f"--compare: {error}") from error
    known = range(len(space.operations))
    if len(found) != len(space.edges) or not all(operation in known for operation in found):
        raise UserError(
            f"--compare: {genotype!r} does not give each of the space's {len(space.edges)} edges "
            "an operation"
        )
    return found


def pick_device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch sees no CUDA device here; use --device cpu")
    found = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(found if name == "auto" else name)


def settled(config: Config, device: torch.device) -> dict[str, Any]:
    """The settings that determine the result, JSON-ready."""
    settings = asdict(config) | {"device": device.type}
    return {
        name: value
        for name, value in settings.items()
        if name not in {"out", "resume", "data_root"}
    }


def new_folder(config: Config) -> Path:
    kind, space = config.data.partition(":")[0], config.space.rpartition(":")[2]
    name = f"{datetime.now():%Y-%m-%d_%H%M%S}_{config.method}_{space}_{kind}"
    return Path("runs") / name


def peak_memory(device: torch.device) -> float:
    """Of the GPU if there is one, else of this process; MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "cpu"


def versions() -> dict[str, str]:
    names = ("experts-xnas", "torch", "torchvision", "numpy", "array-api-compat")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def summary(result: dict[str, Any], task: Task, out: Path) -> str:
    """What a person wants to know at the end."""
    test = f"test_{task.metric}"
    others = [task.show(other[test]) for other in result["random_architectures"]]
    given = [task.show(other[test]) for other in result["compared_architectures"]]
    lines = [
        "",
        f"found      {result['architecture']}",
        f"           test {task.metric} {task.show(result[test])}, retrained from scratch",
        *(
            [f"random     {', '.join(others)}: drawn at random, trained the same way"]
            if others
            else []
        ),
        *([f"compared   {', '.join(given)}: as given, trained the same way"] if given else []),
        f"supernet   {task.show(result[f'valid_{task.metric}'])} on the held-out half",
    ]
    if result["regret"] is not None:
        lines += [
            f"regret     {result['regret']:.3g} after {result['steps']} steps; at most "
            f"{result['regret_certificate']:.3g} by this run's certificate, "
            f"{result['regret_bound']:.3g} by the a-priori bound",
            f"wiped out  {len(result['wiped_out'])} operations; rewards clipped "
            f"{result['clipped_share']:.1%} of the time",
        ]
    for name, difference in result.get("exported", {}).items():
        lines.append(f"exported   {out / name}: the same outputs up to {difference:.1e}")
    return "\n".join([*lines, f"report     {out / 'report.html'}"])


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments, defaults)


if __name__ == "__main__":
    sys.exit(command())
