"""Options of the main job: what each is, what it is by default, and what is refused."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from nas_adapter.errors import UserError, choose
from nas_adapter.spaces import find_space
from nas_adapter.strategies import LEARNERS, METHODS
from nas_adapter.tasks import TASKS

DEFAULTS: dict[str, dict[str, Any]] = {
    "nasbench201": {},
    "darts-rnn": {
        "data": "pydoc", "epochs": 2, "channels": 64, "reward_bound": 0.02, "retrain_epochs": 6,
        "candidates": 20,
    },
}  # fmt: skip
"""Of options that a space wants otherwise than `Config` has them."""

SMOKE: dict[str, Any] = {
    "epochs": 2, "channels": 4, "batch_size": 240, "candidates": 5, "retrain_epochs": 1,
    "baselines": 1,
}  # fmt: skip
SMOKE_TEXT = SMOKE | {"epochs": 1, "channels": 16, "batch_size": 224}

ONLY_FOR = {
    "images": (
        "auxiliary", "drop_path", "cutout", "cells", "retrain_cells", "image_size",
    ),
    "text": ("dropout", "hidden_dropout", "bptt", "tokens", "vocabulary", "min_count"),
    "xnas": ("reward_bound", "warmup", "learner", "wipeout"),
    "darts-first": ("architecture_rate",),
    "darts-second": ("architecture_rate",),
    "random": ("candidates",),
}  # fmt: skip
"""Options that mean nothing to another task, or to another method."""


@dataclass(frozen=True)
class Config:
    """Search an architecture, retrain it, and report."""

    space: str = "nasbench201"
    """Search space: nasbench201, darts-cnn, darts-rnn, or FILE.py:CLASS for one of your own."""
    method: str = "xnas"
    """Search method: xnas, xnas-sampled, darts-first, darts-second, random."""
    data: str = "digits"
    """Images: digits, cifar10, cifar100, fashion-mnist, svhn, or folder:PATH. Text, for darts-rnn:
    pydoc (Python's help topics), or text:PATH."""
    epochs: int = 20
    """Passes over the training data while searching."""
    seed: int = 0
    """Of every random choice."""
    device: str = "auto"
    """auto, cpu or cuda."""
    out: Path | None = None
    """Folder for the run's files. Default: a new one under runs/."""
    resume: bool = False
    """Continue the run in --out."""
    smoke: bool = False
    """A tiny run, in under a minute, to see that everything works: other values where you give
    none."""
    channels: int = 16
    """C, channels after the stem; of darts-rnn H, width of embeddings and hidden state."""
    cells: int = 1
    """N, cells in each of the three stages. darts-rnn has one."""
    batch_size: int = 64
    """Images in a batch, or streams that a text is read in side by side."""
    reward_bound: float | Literal["auto"] = 0.05
    """L: rewards of XNAS are clipped to [-L, L]; its rate and its wipeout threshold follow from L.
    auto: the 0.99 quantile of the rewards in the warm-up."""
    warmup: int = 0
    """Epochs at the start of XNAS in which only the weights are trained; part of --epochs."""
    learner: str = "eg"
    """Of XNAS: eg (exponentiated gradient, as published) or adahedge (no L, no wipeout)."""
    without: tuple[str, ...] = ()
    """Operations that the search leaves out, as: none."""
    wipeout: bool = True
    """Remove operations that provably cannot win."""
    read: str = "auto"
    """How the architecture is read off: darts (the strongest edges of a node), mode, sample,
    best-cumulative (of XNAS); auto: as published, darts in DARTS's spaces and else mode."""
    architecture_rate: float | None = None
    """Of Adam on DARTS's logits. Default: as published for the space."""
    candidates: int = 100
    """Architectures that random search ranks at its end."""
    retrain_epochs: int = 20
    """Passes over all training data while retraining."""
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
    """Write the retrained network as network.pt2 (torch.export) and network.onnx; of a language
    model, the step from one token to the next."""
    baselines: int = 3
    """Random architectures that are trained the same way, to compare with."""
    compare: tuple[str, ...] = ()
    """Architectures in the space's notation that are trained the same way as well."""
    data_root: Path = Path("data")
    """Where downloaded data sets are kept."""
    image_size: int = 32
    """Side that the images of folder:PATH are resized to."""
    bptt: int = 16
    """Tokens that a text is read in at once; gradients go back no further."""
    tokens: str = "auto"
    """What a text is cut into: word, char, or auto, which is char for a single file."""
    vocabulary: int = 10_000
    """At most so many words; the others are <unk>."""
    min_count: int = 3
    """Words that occur less often in the training part are <unk>."""
    dropout: float = 0.0
    """Of a language model's outputs, and of the embeddings that enter its cell."""
    hidden_dropout: float = 0.0
    """Of what enters the matrices of its cell."""

    def __post_init__(self) -> None:
        choose("method", self.method, METHODS)
        choose("learner", self.learner, LEARNERS)
        choose(f"--read for {self.method}", self.read, METHODS[self.method].rules)
        choose("device", self.device, ("auto", "cpu", "cuda"))
        for name in (
            "epochs", "channels", "cells", "batch_size", "reward_bound", "candidates",
            "retrain_epochs", "retrain_channels", "retrain_cells", "image_size",
            "architecture_rate", "bptt", "vocabulary", "min_count",
        ):  # fmt: skip
            value = getattr(self, name)
            if value not in {"auto", None} and not 0 < value < math.inf:
                raise UserError(f"--{name.replace('_', '-')} must be a positive number")
        for name in ("drop_path", "dropout", "hidden_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} must be in [0, 1)")
        for name in ("seed", "warmup", "cutout", "baselines"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name} must not be negative")
        if self.warmup >= self.epochs:
            raise UserError(f"--warmup {self.warmup} leaves none of the {self.epochs} epochs")
        if self.reward_bound == "auto" and self.warmup == 0:
            raise UserError("--reward-bound auto needs a --warmup of at least one epoch")


def check_used(config: Config, task: str) -> None:
    """Raise `UserError` for an option that has no effect on this task or in this method."""
    silent = standard(config.space, config.smoke)
    given = {
        field.name
        for field in fields(config)
        if getattr(config, field.name) != getattr(silent, field.name)
    }
    for name in sorted(given):
        users = [user for user, names in ONLY_FOR.items() if name in names]
        if users and not {task, config.method} & set(users):
            by_task = users[0] in TASKS
            here = f"{config.space} is for {task}" if by_task else f"this is {config.method}"
            raise UserError(f"--{name.replace('_', '-')} is for {' and '.join(users)}, but {here}")
    if config.learner == "adahedge" and "reward_bound" in given:
        raise UserError("--reward-bound has no effect with --learner adahedge, which clips nothing")


def standard(space: str, smoke: bool) -> Config:
    """What holds where the command line is silent."""
    values = DEFAULTS.get(space, {})
    if smoke:
        values = values | (SMOKE_TEXT if find_space(space).task == "text" else SMOKE)
    return Config(**{"space": space, "smoke": smoke, **values})


def defaults(arguments: list[str] | None) -> Config:
    """Those of the space that the command line names, and of a tiny run if it asks for one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--space", default=Config.space)
    parser.add_argument("--smoke", action="store_true")
    known = parser.parse_known_args(arguments)[0]
    return standard(known.space, known.smoke)
