#!/usr/bin/env python3
"""Does a search collapse? DARTS and XNAS side by side in NAS-Bench-201.

After every epoch of a search: the probabilities of "none" and skip_connect, the entropy of the
edges, the size of XNAS's rewards, and, with the benchmark's table, the accuracy of the cell that
would be read off at that point.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from common.command import run_command
from common.output import Record, table, write_picture, write_result
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from studies.nasbench201.table import PLACES, Table
from studies.nasbench201.table import read as read_accuracies

from experts.structured.product import edge_entropy
from nas_adapter.errors import choose
from nas_adapter.front.machine import pick_device
from nas_adapter.front.options import options, with_options
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import PHASE, SearchSettings, search
from nas_adapter.spaces import NONE, Architecture, NASBench201, Space, without
from nas_adapter.spaces.genotype import read
from nas_adapter.strategies import MethodSettings
from nas_adapter.strategies.darts import FirstOrder, SecondOrder
from nas_adapter.strategies.random_search import RandomSearchSettings
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.strategies.xnas_sampled import SampledXNASSettings
from nas_adapter.tasks import ImageSettings, Task

SPACE = NASBench201()
SKIP, NOTHING = (SPACE.operations.index(name) for name in ("skip_connect", NONE))
SMOKE: dict[str, Any] = {"epochs": 3, "channels": 2, "batch_size": 256, "seeds": 1}
PUBLISHED_STEPS = 50 * 390
"""Of DARTS in NAS-Bench-201: 50 epochs of half of CIFAR-10's training images in batches of 64."""


@dataclass(frozen=True)
class Kind:
    """One of the searches that are compared."""

    method: MethodSettings = XNASSettings()  # noqa: RUF009 (frozen)
    without: tuple[str, ...] = ()
    warmup: bool = False
    """whether XNAS has a warm-up, see `Config.warmup`"""
    scaled: bool = False
    """DARTS's rate times its steps, which bounds how far a logit can move, is as published"""


RUNS = {
    "darts-first": Kind(FirstOrder()),
    "darts-first, scaled rate": Kind(FirstOrder(), scaled=True),
    "darts-first, scaled rate, no none": Kind(FirstOrder(), (NONE,), scaled=True),
    "darts-second": Kind(SecondOrder()),
    "xnas": Kind(),
    "xnas, no none": Kind(without=(NONE,)),
    "xnas, no none, L = 0.5": Kind(XNASSettings(reward_bound=0.5), (NONE,)),
    "xnas, no none, warm-up": Kind(without=(NONE,), warmup=True),
    "xnas, no none, warm-up, its L": Kind(XNASSettings(reward_bound="auto"), (NONE,), warmup=True),
    "xnas, no none, warm-up, AdaHedge": Kind(
        XNASSettings(learner="adahedge"), (NONE,), warmup=True
    ),
    "xnas-sampled": Kind(SampledXNASSettings()),
    "random": Kind(RandomSearchSettings()),
}
COLORS = (*matplotlib.color_sequences["tab10"], "black", "gold")


@dataclass(frozen=True)
class Config:
    """Does a search collapse? DARTS and XNAS side by side in NAS-Bench-201."""

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
        task = image_settings(config).load(seed, pick_device(config.device))
        for name in config.runs:
            print(f"{name}, seed {seed}")
            records += one_search(config, name, seed, task, known)
            write_result(config.out, records)
    write_picture(config.out, "collapse.png", draw(records))
    print(table(final(records), ("run", *MEASURES)))


def image_settings(config: Config) -> ImageSettings:
    return ImageSettings(
        data=config.data,
        batch_size=config.batch_size,
        cells=config.cells,
        image_size=config.image_size,
        data_root=config.data_root,
    )


def search_settings(config: Config, kind: Kind, task: Task) -> SearchSettings:
    stretch = PUBLISHED_STEPS / (config.epochs * task.search_steps) if kind.scaled else 1.0
    values = {
        "warmup": warmup_epochs(config, kind),
        "architecture_rate": SPACE.architecture_rate * stretch,
    }
    method = with_options(kind.method, values)  # of the two, those that it has
    return SearchSettings(epochs=config.epochs, channels=config.channels, method=method)


def warmup_epochs(config: Config, kind: Kind) -> int:
    return max(1, round(config.warmup * config.epochs)) if kind.warmup else 0


def one_search(
    config: Config, name: str, seed: int, task: Task, known: Table | None
) -> list[Record]:
    """Search, or read a finished search back; a record for each epoch."""
    kind = RUNS[name]
    settings = search_settings(config, kind, task)
    described = options(settings) | options(image_settings(config))
    described |= {"method": settings.method.name, "seed": seed, "without": kind.without}
    described["device"] = task.device.type
    del described["data_root"]
    folder = config.out / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
    run = Run(folder, described, resume=True, device=task.device)
    space = without(SPACE, kind.without)
    found, report, _ = search(settings, space, task, run, seed=seed)
    steps = run.history(PHASE)
    run.close()
    records = by_epoch(steps, space, known, warmup_epochs(config, kind))
    if not records:  # random search has no distributions
        records = [measured(found, known) | {"epoch": config.epochs}]
    at_the_end = {"valid_accuracy": report["valid_accuracy"]}
    if report.get("reward_bound") is not None:
        at_the_end |= {part: report[part] for part in ("reward_bound", "clipped_share")}
    records[-1] |= at_the_end
    return [{"run": name, "seed": seed} | record for record in records]


def by_epoch(
    steps: list[dict[str, Any]], space: Space, known: Table | None, warmup: int
) -> list[dict[str, Any]]:
    """A record for each epoch that ends with distributions; no architecture in the warm-up."""
    last = {step["epoch"]: step["probabilities"] for step in steps if "probabilities" in step}
    sizes: dict[int, list[float]] = {epoch: [] for epoch in last}
    for step in steps:
        if "reward_size" in step:
            sizes[step["epoch"]].append(step["reward_size"])
    return [
        leaning(np.asarray(play))
        | ({"reward_size": float(np.median(sizes[epoch]))} if sizes[epoch] else {})
        | (measured(mode(space, play), known) if epoch >= warmup else {})
        | {"epoch": epoch + 1}
        for epoch, play in last.items()
    ]


MEASURES = (
    "skip_probability",
    "none_probability",
    "entropy",
    "skip_edges",
    "reward_size",
    "table_accuracy",
)
TITLES = {
    "none_probability": "probability of none\n(mean of the edges)",
    "reward_size": "root mean square of XNAS's rewards,\nbefore clipping (median of the epoch)",
    "skip_probability": "probability of skip_connect\n(mean of the edges)",
    "entropy": "entropy of an edge, nats\n(mean of the edges)",
    "skip_edges": "skip_connect edges, of 6,\nof the cell read off now",
    "table_accuracy": "accuracy in the table, %, of the\ncell read off now (below 84: not shown)",
}


def leaning(play: Any) -> dict[str, Any]:
    """Means over the edges of the distributions `play` (E, K)."""
    return {
        "skip_probability": float(play[:, SKIP].mean()),
        "none_probability": float(play[:, NOTHING].mean()),
        "entropy": float(edge_entropy(play).mean()),
    }


def mode(space: Space, play: Any) -> Architecture:
    """The most probable architecture."""
    return read(space, "mode", torch.tensor(play, dtype=torch.float64), seed=0)


def measured(architecture: Architecture, known: Table | None) -> dict[str, Any]:
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
        for name in names:
            index = list(RUNS).index(name)
            mine = [r for r in records if r["run"] == name and part in r]
            seeds = sorted({record["seed"] for record in mine})
            curves = [[(r["epoch"], r[part]) for r in mine if r["seed"] == seed] for seed in seeds]
            style = {
                "color": COLORS[index],
                "marker": "o" if curves and len(curves[0]) == 1 else "",
            }
            for curve in curves if len(curves) > 1 else []:
                axis.plot(*np.transpose(curve), linewidth=0.6, alpha=0.6, **style)
            if curves:
                mean = np.mean(curves, axis=0)
                axis.plot(*mean.T, linewidth=2, **style)
        axis.set_xlabel("epoch of the search")
        axis.set_ylabel(TITLES[part])
        if part == "reward_size":
            axis.set_yscale("log")
        if part == "table_accuracy":  # cells without a path from input to output are at chance
            values = [record[part] for record in records if part in record]
            axis.set_ylim(max(min(values) - 1, 84), max(values) + 1)
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    figure.suptitle("Operations that searches in NAS-Bench-201 prefer")
    lines = [
        Line2D([], [], color=COLORS[index], label=name)
        for index, name in enumerate(RUNS)
        if name in names
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
