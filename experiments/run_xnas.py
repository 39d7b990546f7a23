#!/usr/bin/env python3
"""Search an architecture, retrain it, and report.

With no arguments: XNAS in the NAS-Bench-201 space on scikit-learn's handwritten digits.
"""

from __future__ import annotations

import math
import platform
import resource
import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from command import run_command

from nas_adapter import report
from nas_adapter.errors import UserError, choose
from nas_adapter.export import export
from nas_adapter.randomness import Stream, stream
from nas_adapter.retrain import RetrainSettings, build, retrain
from nas_adapter.run import Run
from nas_adapter.search import SearchSettings, search
from nas_adapter.spaces import find_space, random_architecture
from nas_adapter.strategies import LEARNERS, METHODS
from nas_adapter.tasks import TASKS, Task, TaskSettings

SMOKE: dict[str, Any] = {
    "epochs": 2, "channels": 4, "batch_size": 240, "candidates": 5, "retrain_epochs": 1,
    "baselines": 1,
}  # fmt: skip


NO_LEARNER: dict[str, Any] = {
    "edge_probabilities": None,
    "wiped_out": [],
    "regret": None,
    "regret_bound": None,
}
"""What result.json says where the method plays no expert problem."""


@dataclass(frozen=True)
class Config:
    """Search an architecture, retrain it, and report."""

    space: str = "nasbench201"
    """Search space: nasbench201, darts-cnn, or FILE.py:CLASS for one of your own."""
    method: str = "xnas"
    """Search method: xnas, xnas-sampled, darts-first, darts-second, random."""
    data: str = "digits"
    """Data set: digits, cifar10, cifar100, fashion-mnist, svhn, or folder:PATH."""
    epochs: int = 20
    """Passes over the two halves of the training images while searching."""
    seed: int = 0
    """Of every random choice."""
    device: str = "auto"
    """auto, cpu or cuda."""
    out: Path | None = None
    """Folder for the run's files. Default: a new one under runs/."""
    resume: bool = False
    """Continue the run in --out."""
    smoke: bool = False
    """A tiny run, in under a minute, to see that everything works; overrides the sizes below."""
    channels: int = 16
    """C, channels after the stem."""
    cells: int = 1
    """N, cells in each of the three stages."""
    batch_size: int = 64
    """Images in a batch."""
    reward_bound: float | Literal["auto"] = 0.05
    """L: rewards of XNAS are clipped to [-L, L]; its rate and its wipeout threshold follow from L.
    auto: the 0.99 quantile of the rewards in the warm-up."""
    warmup: int = 0
    """Epochs at the start of XNAS in which only the weights are trained; part of --epochs."""
    learner: str = "eg"
    """Of XNAS: eg (exponentiated gradient, as published) or adahedge (no L, no wipeout)."""
    wipeout: bool = True
    """Remove operations that provably cannot win."""
    read: str = "auto"
    """How the architecture is read off: darts (the two strongest edges of a node), mode, sample,
    best-cumulative (of XNAS); auto: as published, darts in DARTS's spaces and else mode."""
    candidates: int = 100
    """Architectures that random search ranks at its end."""
    retrain_epochs: int = 20
    """Passes over all training images while retraining."""
    retrain_channels: int | None = None
    """C of the retrained networks. Default: as in the search."""
    retrain_cells: int | None = None
    """N of the retrained networks. Default: as in the search."""
    auxiliary: bool = False
    """Retrain by an auxiliary head as well (darts-cnn)."""
    drop_path: float = 0.0
    """Chance, at the end of retraining, with which an operation is left out; 0.2 in DARTS."""
    cutout: int = 0
    """Side in pixels of a square blanked out of every image in retraining; 16 in DARTS."""
    export: bool = False
    """Write the retrained network as network.pt2 (torch.export) and network.onnx."""
    baselines: int = 3
    """Random architectures that are trained the same way, to compare with."""
    data_root: Path = Path("data")
    """Where downloaded data sets are kept."""
    image_size: int = 32
    """Side that the images of folder:PATH are resized to."""

    def __post_init__(self) -> None:
        choose("method", self.method, METHODS)
        choose("learner", self.learner, LEARNERS)
        choose(f"--read for {self.method}", self.read, METHODS[self.method].rules)
        choose("device", self.device, ("auto", "cpu", "cuda"))
        for name in (
            "epochs", "channels", "cells", "batch_size", "reward_bound", "candidates",
            "retrain_epochs", "retrain_channels", "retrain_cells", "baselines", "image_size",
        ):  # fmt: skip
            value = getattr(self, name)
            if value not in {"auto", None} and not 0 < value < math.inf:
                raise UserError(f"--{name.replace('_', '-')} must be a positive number")
        if not 0 <= self.drop_path < 1:
            raise UserError("--drop-path must be in [0, 1)")
        for name in ("seed", "warmup", "cutout"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name} must not be negative")
        if self.warmup >= self.epochs:
            raise UserError(f"--warmup {self.warmup} leaves none of the {self.epochs} epochs")
        if self.reward_bound == "auto" and self.warmup == 0:
            raise UserError("--reward-bound auto needs a --warmup of at least one epoch")


def main(config: Config) -> None:
    if config.smoke:
        config = replace(config, **SMOKE)
    if config.resume and config.out is None:
        raise UserError("--resume needs --out, the folder of the run to continue")
    device = pick_device(config.device)
    space = find_space(config.space)
    choose(f"task of {config.space}", space.task, TASKS)
    task = TASKS[space.task](
        TaskSettings(
            data=config.data,
            seed=config.seed,
            batch_size=config.batch_size,
            device=device,
            data_root=config.data_root,
            image_size=config.image_size,
            cutout=config.cutout,
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
    compared = []
    for index in range(config.baselines):
        other = random_architecture(space, stream(config.seed, Stream.BASELINE, index))
        its = retrain(retraining, space, other, task, run, f"retrain random {index + 1}")
        compared.append({"architecture": space.genotype(other), f"test_{task.metric}": its})

    result = {
        "method": config.method,
        "space": config.space,
        "data": config.data,
        "seed": config.seed,
        "architecture": space.genotype(found),
        f"test_{task.metric}": test,
        "random_architectures": compared,
        **NO_LEARNER,
        **details,
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
    kind = config.data.partition(":")[0]
    name = f"{datetime.now():%Y-%m-%d_%H%M%S}_{config.method}_{config.space}_{kind}"
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
    lines = [
        "",
        f"found      {result['architecture']}",
        f"           test {task.metric} {task.show(result[test])}, retrained from scratch",
        f"random     {', '.join(others)}: random architectures, trained the same way",
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
        lines.append(f"exported   {out / name}: the same logits up to {difference:.1e}")
    return "\n".join([*lines, f"report     {out / 'report.html'}"])


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
