"""A process that takes steps of one search, as `supernet.py` tells it to, a line at a time.

It reads numbers of steps and answers with their seconds; "memory" is answered with the peak above
what was in use before, in MiB. Run by supernet.py: python benchmarks/searches.py JSON
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Step = Callable[[], object]
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


@dataclass(frozen=True)
class Contender:
    """Whose steps they are."""

    path: str
    """of a checkout of this project, or of quark0/darts"""
    graphs: bool = True
    nchw: bool = False
    """images in the other order in memory"""
    unmerged: bool = False
    """separable convolutions as one"""
    threads: int = 1


def project_step(case: Case, contender: Contender, device: torch.device) -> Step:
    """A step of this project's search, in the checkout."""
    spaces, strategies = map(load, ("spaces", "strategies"))
    torch.manual_seed(0)
    space = spaces.SPACES[case.space]()
    task = text_task(case, device) if space.task == "text" else image_task(case, device)
    size = task.size(case.channels, search=True)
    net = space.network(size, space.choices, search=True)
    try:
        choose_kernels(contender)
        net = load("supernets.layers").placed(net, device)
    except (AttributeError, ImportError):  # an older commit
        net = net.to(device)
    generator = torch.Generator().manual_seed(0)
    for edge, operation in itertools.product(range(len(space.edges)), range(len(space.operations))):
        if torch.rand((), generator=generator) < case.removed:
            net.remove(edge, operation)
    optimizer = space.search_tuning.optimizer(net)
    prior = spaces.uniform_over_choices(space, device)
    context = strategies.Context(space, task, net, optimizer, 10**6, 0, "auto", prior)
    if not contender.graphs and hasattr(context, "graphs"):
        context.graphs.run = lambda name, step, *arguments: step(*arguments)
    strategy = strategies.METHODS[case.method]().start(context)
    batches = itertools.chain.from_iterable(map(task.search_batches, itertools.count()))
    return lambda: strategy.step(*next(batches))


def load(name: str) -> Any:
    """A module of the project."""
    return importlib.import_module(f"nas_adapter.{name}")


def choose_kernels(contender: Contender) -> None:
    """How the networks of this process are computed on CUDA."""
    load("supernets.precision").set_precision("tf32")
    if contender.nchw:
        load("supernets.layers").FORMATS["cuda"] = torch.contiguous_format
    if contender.unmerged:
        load("supernets.separable").MERGED.discard("cuda")


def image_task(case: Case, device: torch.device) -> Any:
    """Random images of CIFAR-10's size, on the device."""
    data, tasks = map(load, ("data.images", "tasks"))
    count = 40 * case.batch
    images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8)
    split = data.Split(images, torch.arange(count) % 10)
    classes = tuple(map(str, range(10)))
    images = data.Images(split, split, classes, crop=4, flip=True).to(device)
    settings = tasks.ImageSettings(batch_size=case.batch, cells=case.cells)
    return tasks.ImageClassification(images, settings, seed=0)


def text_task(case: Case, device: torch.device) -> Any:
    """Random words."""
    data, tasks = map(load, ("data.text", "tasks"))
    tokens = torch.randint(WORDS, (10 * WINDOW * case.batch,))
    spelled = tuple(map(str, range(WORDS)))
    text = data.Text(tokens, tokens, tokens, spelled, "word").to(device)
    settings = tasks.TextSettings(batch_size=case.batch, bptt=WINDOW)
    return tasks.LanguageModel(text, settings, seed=0)


def darts_step(case: Case, contender: Contender, device: torch.device) -> Step:
    """A step of quark0/darts."""
    import quark0_darts  # noqa: PLC0415 (this folder is on the path then)

    torch.manual_seed(0)
    second, path = case.method == "darts-second", Path(contender.path)
    shape, words = (WINDOW, case.batch), range(2)
    if case.space == "darts-rnn":
        windows = [tuple(torch.randint(WORDS, shape).to(device) for _ in words) for _ in words]
        return quark0_darts.texts(path, WORDS, case.channels, windows, second=second)
    batches = [
        (torch.randn(case.batch, 3, 32, 32).to(device), torch.randint(10, shape[1:]).to(device))
        for _ in range(2)
    ]
    cells = 3 * case.cells + 2
    return quark0_darts.images(path, case.channels, cells, batches, second=second)


def memory(device: torch.device) -> float:
    """Peak memory so far, MiB: on CUDA of tensors, else of the process (Linux)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10


def main() -> None:
    """Make the search, then answer."""
    asked = json.loads(sys.argv[1])
    case, contender = Case(**asked["case"]), Contender(**asked["contender"])
    device = torch.device(asked["device"])
    torch.set_num_threads(contender.threads)
    clock = time.perf_counter if asked["wall"] else time.process_time
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    theirs = (Path(contender.path) / "rnn").is_dir()
    if theirs:
        torch.backends.cudnn.benchmark = True  # as in their programs
    else:
        sys.path.insert(0, contender.path)
        load("strategies")
    before = memory(device)
    step = (darts_step if theirs else project_step)(case, contender, device)
    for line in sys.stdin:
        if line.strip() == "memory":
            print(memory(device) - before, flush=True)
            continue
        wait()
        start = clock()
        for _ in range(int(line)):
            step()
        wait()
        print(clock() - start, flush=True)


if __name__ == "__main__":
    main()
