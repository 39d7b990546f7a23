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
from typing import Any

import torch
from command import run_command

from nas_adapter import data as data_sets
from nas_adapter import report
from nas_adapter.data import Images
from nas_adapter.errors import UserError, choose
from nas_adapter.randomness import Stream, stream
from nas_adapter.retrain import RetrainSettings, retrain
from nas_adapter.run import Run
from nas_adapter.search import SearchSettings, search
from nas_adapter.spaces import SPACES, random_architecture
from nas_adapter.strategies import METHODS

SMOKE: dict[str, Any] = {
    "epochs": 2, "channels": 4, "batch_size": 32, "candidates": 5, "retrain_epochs": 1,
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
    """Search space: nasbench201."""
    method: str = "xnas"
    """Search method: xnas, random."""
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
    reward_bound: float = 0.05
    """L: rewards are clipped to [-L, L]. The rate and the wipeout threshold follow from it."""
    wipeout: bool = True
    """Remove operations that provably cannot win."""
    candidates: int = 100
    """Architectures that random search ranks at its end."""
    retrain_epochs: int = 20
    """Passes over all training images while retraining."""
    baselines: int = 3
    """Random architectures that are trained the same way, to compare with."""
    data_root: Path = Path("data")
    """Where downloaded data sets are kept."""
    image_size: int = 32
    """Side that the images of folder:PATH are resized to."""

    def __post_init__(self) -> None:
        choose("space", self.space, SPACES)
        choose("method", self.method, METHODS)
        choose("device", self.device, ("auto", "cpu", "cuda"))
        for name in (
            "epochs", "channels", "cells", "batch_size", "reward_bound", "candidates",
            "retrain_epochs", "baselines", "image_size",
        ):  # fmt: skip
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"--{name.replace('_', '-')} must be a positive number")
        if self.seed < 0:
            raise UserError("--seed must not be negative")


def main(config: Config) -> None:
    if config.smoke:
        config = replace(config, **SMOKE)
    if config.resume and config.out is None:
        raise UserError("--resume needs --out, the folder of the run to continue")
    device = pick_device(config.device)
    images = data_sets.load(config.data, config.data_root, config.image_size).to(device)
    if config.batch_size > len(images.train) // 2:
        raise UserError(
            f"--batch-size {config.batch_size} is more than the {len(images.train) // 2} images "
            "of half the training set"
        )
    out = config.out or new_folder(config)
    run = Run(out, settled(config, device), resume=config.resume, device=device)
    print(f"writing to {run.out}")

    common = {name: getattr(config, name) for name in ("space", "seed", "channels", "cells")}
    common["batch_size"] = config.batch_size
    searching = SearchSettings(
        **common,
        method=config.method,
        epochs=config.epochs,
        reward_bound=config.reward_bound,
        wipeout=config.wipeout,
        candidates=config.candidates,
    )
    retraining = RetrainSettings(**common, epochs=config.retrain_epochs)

    found, details = search(searching, images, run)
    accuracy = retrain(retraining, found, images, run, "retrain")
    space = SPACES[config.space]()
    compared = []
    for index in range(config.baselines):
        other = random_architecture(space, stream(config.seed, Stream.BASELINE, index))
        right = retrain(retraining, other, images, run, f"retrain random {index + 1}")
        compared.append({"architecture": space.genotype(other), "test_accuracy": right})

    result = {
        "method": config.method,
        "space": config.space,
        "data": config.data,
        "seed": config.seed,
        "architecture": space.genotype(found),
        "test_accuracy": accuracy,
        "random_architectures": compared,
        **NO_LEARNER,
        **details,
        "peak_memory_mib": peak_memory(device),
        "device": device_name(device),
        "versions": versions(),
    }
    report.draw(run, space, found, result)
    run.write_json("result.json", result)
    run.close()
    print(summary(result, images, run.out))


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


def summary(result: dict[str, Any], images: Images, out: Path) -> str:
    """What a person wants to know at the end."""
    others = [other["test_accuracy"] for other in result["random_architectures"]]
    lines = [
        "",
        f"found      {result['architecture']}",
        f"           {result['test_accuracy']:.2%} of {len(images.test)} test images right, "
        "retrained from scratch",
        f"random     {', '.join(f'{accuracy:.2%}' for accuracy in others)}: random architectures, "
        "trained the same way",
        f"supernet   {result['valid_accuracy']:.2%} on the held-out half",
    ]
    if result["regret"] is not None:
        lines += [
            f"regret     {result['regret']:.3g} after {result['steps']} steps; at most "
            f"{result['regret_certificate']:.3g} by this run's certificate, "
            f"{result['regret_bound']:.3g} by the bound known in advance",
            f"wiped out  {len(result['wiped_out'])} operations; rewards clipped "
            f"{result['clipped_share']:.1%} of the time",
        ]
    return "\n".join([*lines, f"report     {out / 'report.html'}"])


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
