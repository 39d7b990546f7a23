#!/usr/bin/env python3
"""Do shared weights rank cells? Their losses against NAS-Bench-201's table, while they are trained.

One supernet a seed, trained by mixtures or by single paths. At some steps the shared weights are
asked for the held-out loss of random cells without "none", and the answer is compared with the
table's accuracies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.command import at_least, run_command
from common.output import table as as_text
from common.output import write_picture, write_result
from matplotlib.figure import Figure
from scipy.stats import spearmanr
from studies.nasbench201.table import PLACES, Table, read

from nas_adapter.errors import choose
from nas_adapter.progress import Progress
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.spaces import (
    NASBench201,
    random_architecture,
    uniform_over_choices,
    without,
)
from nas_adapter.strategies import Context
from nas_adapter.strategies.xnas import WEIGHTS, single_path_tuning
from nas_adapter.supernets.steps import cosine
from nas_adapter.tasks import ImageSettings


@dataclass(frozen=True)
class Config:
    """Do shared weights rank cells?"""

    table: str
    """NAS-Bench-201's table, see nasbench201_bandit.py; only to compare with."""
    data: str = "cifar10"
    """Images, as for run_xnas.py."""
    image_size: int = 32
    """Side that the images of folder:PATH are resized to."""
    channels: int = 8
    """C of the supernet, which has one cell a stage."""
    batch_size: int = 128
    """Images in a batch."""
    steps: int = 2000
    """Steps of training."""
    weights: str = "single-path"
    """mixture (all operations at once) or single-path (one uniformly drawn cell a step)."""
    seeds: int = 3
    """Supernets."""
    cells: int = 120
    """Random cells that are ranked."""
    images: int = 500
    """Held-out images that they are ranked by."""
    out: Path = Path("runs") / "ranking"
    """Folder for result.json and the picture."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes."""

    def __post_init__(self) -> None:
        at_least(self, image_size=8, channels=1, batch_size=2, steps=1, seeds=1, cells=12, images=2)
        choose("--weights", self.weights, WEIGHTS)


SMOKE: dict[str, Any] = {"channels": 2, "batch_size": 32, "steps": 4, "seeds": 1, "cells": 12}
POINTS = 8
"""Steps, evenly spread in their logarithm, at which cells are ranked."""


def main(config: Config) -> None:
    if config.smoke:
        config = Config(**(vars(config) | SMOKE))
    accuracies = read(config.table, "cifar10")
    records = [
        record for seed in range(config.seeds) for record in ranked(config, accuracies, seed)
    ]
    write_result(config.out, records)
    write_picture(config.out, "ranking.png", picture(config, records))
    columns = ["seed", "step", "spearman", "spearman_top_half", "accuracy_of_its_top_ten"]
    print(as_text(records, columns))


def ranked(config: Config, accuracies: Table, seed: int) -> Iterator[dict[str, Any]]:
    """Records of one supernet, a ranking each."""
    space = without(NASBench201(), ["none"])
    settings = ImageSettings(
        data=config.data, image_size=config.image_size, batch_size=config.batch_size
    )
    task = settings.load(seed, torch.device("cpu"))
    with seeded_by(stream(seed, Stream.NETWORK)):
        net = space.network(task.size(config.channels, search=True), space.choices, search=True)
    single = config.weights == "single-path"
    tuning = single_path_tuning(space) if single else space.search_tuning
    even = uniform_over_choices(space, task.device)
    context = Context(space, task, net, tuning.optimizer(net), config.steps, seed, "mode", even)
    cells = [
        random_architecture(space, stream(0, Stream.FIDELITY, index))
        for index in range(config.cells)
    ]
    truth = accuracies.test[[int(np.dot(cell, PLACES)) for cell in cells]]
    marks = set(np.geomspace(min(50, config.steps), config.steps, POINTS).round().astype(int))
    batches = (pair for epoch in range(config.steps) for pair in task.search_batches(epoch))
    with Progress(f"seed {seed}", config.steps) as bar:
        for step, (train, _) in zip(range(1, config.steps + 1), batches, strict=False):
            cosine(context.optimizer, (step - 1) / config.steps, tuning.rate, tuning.lowest_rate)
            context.descend(train, context.path(even, step) if single else even.float())
            bar.update()
            if step in marks:
                yield {"seed": seed, "step": step, **against(config, context, cells, truth)}


def against(config: Config, context: Context, cells: list[Any], truth: Any) -> dict[str, float]:
    """How the shared weights' held-out losses go with the table's accuracies."""
    images, labels = [], []
    for batch in context.task.held_out():
        images.append(batch.images)
        labels.append(batch.labels)
    batch = type(batch)(torch.cat(images)[: config.images], torch.cat(labels)[: config.images])
    losses = np.asarray(
        [float(context.task.losses(context.net, [batch], cell).mean()) for cell in cells]
    )
    top = truth >= np.median(truth)
    return {
        "spearman": float(spearmanr(-losses, truth).statistic),
        "spearman_top_half": float(spearmanr(-losses[top], truth[top]).statistic),
        "accuracy_of_its_top_ten": float(truth[np.argsort(losses)[:10]].mean()),
    }


def picture(config: Config, records: list[dict[str, Any]]) -> Figure:
    """Rank correlation over the steps, a line a seed."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    for seed in sorted({record["seed"] for record in records}):
        own = [record for record in records if record["seed"] == seed]
        steps = [record["step"] for record in own]
        axis.plot(steps, [record["spearman"] for record in own], "o-", label=f"seed {seed}")
    axis.axhline(0, color="0.7", linewidth=0.8)
    axis.set(xscale="log", xlabel="steps of training", ylabel="rank correlation with the table")
    axis.set_title(f"Do shared weights rank cells? Trained by {config.weights}")
    axis.legend(frameon=False)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
