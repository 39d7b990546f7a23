"""Steps of searches on random data: the project's own, a checkout's, quark0/darts's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import checkouts
import torch

from nas_adapter.supernets import layers, separable

Step = Callable[[], object]
MODULES = [
    "nas_adapter.spaces", "nas_adapter.strategies", "nas_adapter.tasks",
    "nas_adapter.data.images", "nas_adapter.data.text",
]  # fmt: skip
WORDS, WINDOW = 10_000, 35


@dataclass(frozen=True)
class Case:
    """A search whose steps are timed."""

    space: str
    method: str
    channels: int
    cells: int = 1
    batch: int = 64
    removed: float = 0.0
    """share of the operations that are removed before"""

    def __str__(self) -> str:
        gone = f", {self.removed:.0%} removed" if self.removed else ""
        size = f"C={self.channels} N={self.cells} batch {self.batch}"
        return f"{self.space} {self.method} {size}{gone}"


def project_step(case: Case, path: Path | None, device: torch.device, *, graphs: bool) -> Step:
    """A step of this project's search, or of the same in the checkout `path`."""
    code = checkouts.project(path, MODULES)
    torch.manual_seed(0)
    space = code.spaces.SPACES[case.space]()
    task = text_task(code, case, device) if space.task == "text" else image_task(code, case, device)
    size = task.size(case.channels, search=True)
    net = space.network(size, space.choices, search=True)
    net = layers.placed(net, device) if path is None else net.to(device)
    generator = torch.Generator().manual_seed(0)
    for edge, operation in itertools.product(range(len(space.edges)), range(len(space.operations))):
        if torch.rand((), generator=generator) < case.removed:
            net.remove(edge, operation)
    optimizer = space.search_tuning.optimizer(net)
    prior = code.spaces.uniform_over_choices(space, device)
    context = code.strategies.Context(space, task, net, optimizer, 10**6, 0, "auto", prior)
    if not graphs and hasattr(context, "graphs"):
        context.graphs.run = lambda name, step, *arguments: step(*arguments)
    strategy = code.strategies.METHODS[case.method]().start(context)
    batches = itertools.chain.from_iterable(map(task.search_batches, itertools.count()))
    return lambda: strategy.step(*next(batches))


def other_kernels(
    case: Case, device: torch.device, order: torch.memory_format, merged: set[str]
) -> Step:
    """A step of ours with images in another order in memory, or convolutions merged."""

    def with_those(function: Step) -> Any:
        kept = dict(layers.FORMATS), separable.MERGED
        layers.FORMATS["cuda"], separable.MERGED = order, merged
        try:
            return function()
        finally:
            layers.FORMATS.update(kept[0])
            separable.MERGED = kept[1]

    step = with_those(lambda: project_step(case, None, device, graphs=True))
    return lambda: with_those(step)


def image_task(code: SimpleNamespace, case: Case, device: torch.device) -> Any:
    """Random images of CIFAR-10's size, already on the device."""
    generator = torch.Generator().manual_seed(0)
    count = 40 * case.batch
    images = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    split = code.images.Split(images, torch.arange(count) % 10)
    classes = tuple(map(str, range(10)))
    data = code.images.Images(split, split, classes, crop=4, flip=True).to(device)
    settings = code.tasks.ImageSettings(batch_size=case.batch, cells=case.cells)
    return code.tasks.ImageClassification(data, settings, seed=0)


def text_task(code: SimpleNamespace, case: Case, device: torch.device) -> Any:
    """Random words."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(WORDS, (10 * WINDOW * case.batch,), generator=generator)
    spelled = tuple(map(str, range(WORDS)))
    text = code.text.Text(tokens, tokens, tokens, spelled, "word").to(device)
    settings = code.tasks.TextSettings(batch_size=case.batch, bptt=WINDOW)
    return code.tasks.LanguageModel(text, settings, seed=0)


def darts_step(case: Case, path: Path, device: torch.device) -> Step:
    """A step of quark0/darts."""
    torch.manual_seed(0)
    second = case.method == "darts-second"
    if case.space == "darts-rnn":
        shape = (WINDOW, case.batch)
        windows = [
            tuple(torch.randint(WORDS, shape).to(device) for _ in range(2)) for _ in range(2)
        ]
        return checkouts.darts_text(path, WORDS, case.channels, windows, second=second)
    batches = [
        (
            torch.randn(case.batch, 3, 32, 32).to(device),
            torch.randint(10, (case.batch,)).to(device),
        )
        for _ in range(2)
    ]
    cells = 3 * case.cells + 2
    return checkouts.darts_images(path, case.channels, cells, batches, second=second)
