#!/usr/bin/env python3
"""Does a search collapse to skip connections? DARTS and XNAS side by side in NAS-Bench-201.

After every epoch of a search: how probable skip_connect is, how sure the edges are, and, with the
benchmark's table, how good the architecture is that would be read off now.
"""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from command import run_command
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from nasbench201_table import PLACES, Table
from nasbench201_table import read as read_accuracies
from output import Record, table, write_picture, write_result
from run_xnas import pick_device

from experts.product import edge_entropy
from nas_adapter.errors import choose
from nas_adapter.genotype import read
from nas_adapter.run import Run
from nas_adapter.search import PHASE, SearchSettings, search
from nas_adapter.spaces import Architecture, NASBench201
from nas_adapter.tasks import TASKS, Task, TaskSettings

SPACE = NASBench201()
SKIP = SPACE.operations.index("skip_connect")
SMOKE: dict[str, Any] = {"epochs": 3, "channels": 2, "batch_size": 256, "seeds": 1}
RUNS: dict[str, dict[str, Any]] = {
    "darts-first": {"method": "darts-first"},
    "darts-second": {"method": "darts-second"},
    "xnas": {"method": "xnas"},
    "xnas, L from warm-up": {"method": "xnas", "reward_bound": None, "warmup": True},
    "xnas, AdaHedge": {"method": "xnas", "learner": "adahedge"},
    "xnas, warm-up, AdaHedge": {"method": "xnas", "learner": "adahedge", "warmup": True},
    "xnas-sampled": {"method": "xnas-sampled"},
    "random": {"method": "random"},
}


@dataclass(frozen=True)
class Config:
    """Does a search collapse to skip connections? DARTS and XNAS in NAS-Bench-201."""

    data: str = "digits"
    """As in run_xnas.py; the table is about cifar10, or folder:PATH with its images."""
    table: str | None = None
    """The benchmark's accuracies on cifar10, as for nasbench201_bandit.py: a CSV or nats:PATH."""
    runs: tuple[str, ...] = tuple(RUNS)
    """Which searches to run."""
    epochs: int = 50
    """Of each search."""
    warmup: float = 0.2
    """Share of the epochs that a warm-up takes, in the searches that have one."""
    channels: int = 16
    """C; 16 is the benchmark's."""
    cells: int = 5
    """N; 5 is the benchmark's."""
    batch_size: int = 64
    """Images in a batch."""
    seeds: int = 3
    """Searches of each kind."""
    device: str = "auto"
    """auto, cpu or cuda."""
    image_size: int = 32
    """Side that the images of folder:PATH are resized to."""
    data_root: Path = Path("data")
    """Where downloaded data sets are kept."""
    out: Path = Path("runs/collapse")
    """Folder for the results; searches that are finished there are not run again."""
    smoke: bool = False
    """A tiny study, to see that everything works; overrides the sizes."""


def main(config: Config) -> None:
    if config.smoke:
        config = replace(config, **SMOKE, cells=1)
    for name in config.runs:
        choose("run", name, RUNS)
    known = None if config.table is None else read_accuracies(config.table, "cifar10")
    records: list[Record] = []
    for seed in range(config.seeds):
        task = make_task(config, seed)
        for name in config.runs:
            print(f"{name}, seed {seed}")
            records += one_search(config, name, seed, task, known)
            write_result(config.out, records)
    write_picture(config.out, "collapse.png", draw(records))
    print(table(final(records), ("run", *MEASURES)))


def make_task(config: Config, seed: int) -> Task:
    return TASKS["images"](
        TaskSettings(
            data=config.data,
            seed=seed,
            batch_size=config.batch_size,
            device=pick_device(config.device),
            data_root=config.data_root,
            image_size=config.image_size,
        )
    )


def one_search(
    config: Config, name: str, seed: int, task: Task, known: Table | None
) -> list[Record]:
    """Search, or read back; a record for each epoch."""
    changes = dict(RUNS[name])
    warmup = max(1, round(config.warmup * config.epochs)) if changes.pop("warmup", False) else 0
    standard: dict[str, Any] = {"reward_bound": 0.05, "learner": "eg"}
    settings = SearchSettings(
        **standard | changes,
        warmup=warmup,
        seed=seed,
        epochs=config.epochs,
        channels=config.channels,
        cells=config.cells,
        wipeout=True,
        candidates=100,
        read="auto",
    )
    folder = config.out / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
    described = asdict(settings) | {"data": config.data, "batch_size": config.batch_size}
    run = Run(folder, described, resume=True, device=task.device)
    found, report = search(settings, SPACE, task, run)
    steps = run.history(PHASE)
    run.close()
    common = {"run": name, "seed": seed}
    last = {step["epoch"]: step["probabilities"] for step in steps if "probabilities" in step}
    records = [
        common | measures(np.asarray(play), seed, known) | {"epoch": epoch + 1}
        for epoch, play in last.items()
    ]
    if not records:  # random search plays no distribution
        records = [common | judged(found, known) | {"epoch": config.epochs}]
    at_the_end = {"valid_accuracy": report["valid_accuracy"]}
    if report.get("reward_bound") is not None:
        at_the_end |= {part: report[part] for part in ("reward_bound", "clipped_share")}
    return [*records[:-1], records[-1] | at_the_end]


MEASURES = ("skip_probability", "entropy", "skip_edges", "table_accuracy")
TITLES = {
    "skip_probability": "probability of skip_connect\n(mean of the edges)",
    "entropy": "entropy of an edge, nats\n(mean of the edges)",
    "skip_edges": "skip_connect edges, of 6,\nof the cell read off now",
    "table_accuracy": "table's CIFAR-10 test accuracy, %,\n"
    "of the cell read off now (below 84: not shown)",
}


def measures(play: Any, seed: int, known: Table | None) -> dict[str, Any]:
    """Of the distributions (E, K) after an epoch."""
    leaning = {
        "skip_probability": float(play[:, SKIP].mean()),
        "entropy": float(edge_entropy(play).mean()),
    }
    if np.ptp(play) == 0:  # in a warm-up there is nothing to read off
        return leaning
    architecture = read(SPACE, "auto", torch.from_numpy(play), seed=seed)
    return leaning | judged(architecture, known)


def judged(architecture: Architecture, known: Table | None) -> dict[str, Any]:
    found = {
        "architecture": SPACE.genotype(architecture),
        "skip_edges": architecture.count(SKIP),
    }
    if known is None:
        return found
    return found | {"table_accuracy": float(known.test[np.dot(architecture, PLACES)])}


def final(records: list[Record]) -> list[Record]:
    """Means over the seeds after the last epoch."""
    end = max(record["epoch"] for record in records)
    rows: list[Record] = []
    for name in dict.fromkeys(record["run"] for record in records):
        last = [r for r in records if r["run"] == name and r["epoch"] == end]
        means = {
            part: float(np.mean([record[part] for record in last]))
            for part in MEASURES
            if all(part in record for record in last)
        }
        rows.append({"run": name, **means})
    return rows


def draw(records: list[Record]) -> Figure:
    """A panel for each measure over the epochs: thin every seed, thick their mean."""
    shown = [part for part in MEASURES if any(part in record for record in records)]
    figure = Figure(figsize=(11, 3.6 * math.ceil(len(shown) / 2)), layout="constrained")
    axes = figure.subplots(math.ceil(len(shown) / 2), 2, squeeze=False).ravel()
    names = list(dict.fromkeys(record["run"] for record in records))
    for axis, part in zip(axes, shown, strict=False):
        for index, name in enumerate(names):
            mine = [r for r in records if r["run"] == name and part in r]
            seeds = sorted({record["seed"] for record in mine})
            curves = [[(r["epoch"], r[part]) for r in mine if r["seed"] == seed] for seed in seeds]
            style = {
                "color": f"C{index}",
                "marker": "o" if curves and len(curves[0]) == 1 else "",
            }
            for curve in curves if len(curves) > 1 else []:
                axis.plot(*np.transpose(curve), linewidth=0.6, alpha=0.6, **style)
            if curves:
                mean = np.mean(curves, axis=0)
                axis.plot(*mean.T, linewidth=2, **style)
        axis.set_xlabel("epoch of the search")
        axis.set_ylabel(TITLES[part])
        if part == "table_accuracy":  # cells that carry nothing through are at chance
            values = [record[part] for record in records if part in record]
            axis.set_ylim(max(min(values) - 1, 84), max(values) + 1)
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    figure.suptitle("What a search in NAS-Bench-201 leans to")
    lines = [Line2D([], [], color=f"C{index}", label=name) for index, name in enumerate(names)]
    figure.legend(handles=lines, loc="outside right upper", fontsize=9)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
