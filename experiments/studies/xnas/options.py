"""Options of run_xnas.py: what each is, what it is by default, and what is refused.

The options of a search method and of a task are the fields of their settings, in their own files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from common.settings import given, options, with_options

from nas_adapter.errors import UserError, choose, dashed, not_negative
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.retrain import RetrainSettings
from nas_adapter.runs.search import SearchSettings
from nas_adapter.spaces import NONE, SPACES, Space, find_space
from nas_adapter.strategies import METHODS
from nas_adapter.supernets.precision import PRECISIONS
from nas_adapter.tasks import TASKS, TaskSettings

DEFAULTS: dict[str, dict[str, Any]] = {
    "darts-rnn": {
        "epochs": 2, "channels": 64, "reward_bound": 0.02, "retrain_epochs": 6, "candidates": 20,
    },
}  # fmt: skip
"""Defaults of a space that differ from those of the settings."""

PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "without": (NONE,), "prior": "scores", "weights": "single-path", "reward_bound": "auto",
        "decide": "auto",
    },
    "published": {},
}  # fmt: skip
"""Defaults of XNAS on images with --preset. "published" is the paper's search, which the settings'
own defaults are: every operation, the uniform prior, mixtures, a given L, its own cell.
"""
TEXT = {"decide": "trained"}
"""The preset "default" on text, which no score looks at: see docs/results/search.md."""
WARMUP = 5
"""With the preset "default" the warm-up of XNAS is one in so many epochs."""

FEW: dict[str, Any] = {"candidates": 5, "retrain_epochs": 1, "baselines": 1}
SMOKE = {
    "images": FEW
    | {"epochs": 2, "channels": 4, "batch_size": 240, "looks": 16, "fidelity_cells": 0},
    "text": FEW | {"epochs": 1, "channels": 16, "batch_size": 192, "fidelity_cells": 0},
}
"""Defaults with --smoke, by task."""

SPACE_HELP = f"Search space: {', '.join(SPACES)}, or FILE.py:CLASS for one of your own."
METHOD_HELP = f"Search method: {', '.join(METHODS)}. Each has options of its own, shown with it."


@tyro.conf.configure(tyro.conf.OmitArgPrefixes)
@dataclass(frozen=True, kw_only=True)
class Config:
    """Search an architecture, retrain it, and report."""

    space: Annotated[str, tyro.conf.arg(help=SPACE_HELP)] = "nasbench201"
    method: Annotated[str, tyro.conf.arg(help=METHOD_HELP)] = "xnas"
    seed: int = 0
    """Seed of every random choice."""
    device: str = "auto"
    """auto, cpu or cuda."""
    precision: str = "tf32"
    """Of training on a GPU: tf32 (products of 10-bit mantissas, sums in float32), float32, or bf16
    (activations of 7-bit mantissas)."""
    out: Path | None = None
    """Folder for the run's files. Default: a new one under runs/."""
    resume: bool = False
    """Continue the run in --out."""
    smoke: bool = False
    """A tiny run, in under a minute, to see that everything works: other values where you give
    none."""
    preset: str = "default"
    """Defaults of XNAS on images: default (what pays, see docs/xnas.md) or published (the paper's
    search)."""
    without: tuple[str, ...] = ()
    """Operations that the search leaves out, as: none."""
    baselines: int = 3
    """Random architectures that are trained the same way, to compare with."""
    compare: tuple[str, ...] = ()
    """Architectures in the space's notation, or published ones by name, that are trained the same
    way as well."""
    given: Annotated[tuple[str, ...], tyro.conf.arg(name="retrain")] = ()
    """Train these architectures (as for --compare), and search nothing."""
    seeds: tuple[int, ...] = ()
    """With --retrain: train with each of these seeds. Default: --seed."""
    held_out: bool = True
    """With --retrain: set a fifth of the training data aside, for the held-out loss. Without, all
    of it is trained on, as is usual in papers, and no number is left to choose a cell by."""
    export: bool = False
    """Write the retrained network as network.pt2 (torch.export) and network.onnx; of a language
    model, the step from one token to the next."""
    search: SearchSettings
    choice: ChoiceSettings
    retrain: RetrainSettings
    task: TaskSettings

    def __post_init__(self) -> None:
        choose("device", self.device, ("auto", "cpu", "cuda"))
        choose("precision", self.precision, PRECISIONS)
        choose("preset", self.preset, PRESETS)
        not_negative(seed=self.seed, baselines=self.baselines)
        for seed in self.seeds:
            not_negative(seeds=seed)
        if self.resume and self.out is None:
            raise UserError("--resume needs --out, the folder of the run to continue")


def parse(arguments: list[str] | None) -> Config:
    """The configuration that a command line asks for; None: the command line of this process.

    Raises
    ------
    UserError
        A value that cannot be, or an option of another method or task.
    """
    words = sys.argv[1:] if arguments is None else arguments
    standard = defaults(words)
    names = given(words)
    refuse_foreign(names, standard)
    config = tyro.cli(Config, args=words, default=standard)
    without_effect = idle(config)
    for name in names:
        if name in without_effect:
            raise UserError(f"{dashed(name)} has no effect with {without_effect[name]}")
    return config


def idle(config: Config) -> dict[str, str]:
    """Options that have no effect with the others -> the reason, for a message."""
    found = config.search.method.idle()
    if not config.given:
        return found | dict.fromkeys(("seeds", "held_out"), "a search; it is for --retrain")
    searching = options(config.search) | options(config.choice)
    searching |= dict.fromkeys(("method", "preset", "without", "baselines", "compare"))
    del searching["channels"]  # of the retrained networks too
    return found | dict.fromkeys(searching, "--retrain, which searches nothing")


def defaults(words: list[str]) -> Config:
    """What holds where the command line is silent: it depends on space, method, preset, --smoke."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--space", default=Config.space)
    parser.add_argument("--method", default=Config.method)
    parser.add_argument("--preset", default=Config.preset)
    parser.add_argument("--epochs", default=None)
    parser.add_argument("--warmup", default=None)
    parser.add_argument("--smoke", action="store_true")
    known = parser.parse_known_args(words)[0]
    space = find_space(known.space)
    choose("method", known.method, METHODS)
    choose("preset", known.preset, PRESETS)
    choose(f"task of {known.space}", space.task, TASKS)
    config = Config(
        space=known.space,
        method=known.method,
        smoke=known.smoke,
        preset=known.preset,
        search=SearchSettings(method=METHODS[known.method]()),
        choice=ChoiceSettings(),
        retrain=RetrainSettings(),
        task=TASKS[space.task](),
    )
    values = DEFAULTS.get(known.space, {})
    if known.smoke:
        values = values | SMOKE[space.task]
    if known.method == "xnas" and known.preset != "published":
        epochs = known.epochs or values.get("epochs")
        values = values | (preset(space, epochs, known.warmup) if space.task == "images" else TEXT)
    return with_options(config, values)


def preset(space: Space, epochs: str | int | None, warmup: str | None) -> dict[str, Any]:
    """What the preset "default" stands for, with the epochs and the warm-up that were asked for."""
    wanted = str(epochs or SearchSettings.epochs)
    many = int(wanted) if wanted.isdigit() else 0  # what is no number is refused later
    found = PRESETS["default"] | {"warmup": max(1, many // WARMUP)}
    if NONE not in space.operations:
        del found["without"]
    if many < 2 or warmup == "0":  # no epoch to find L in
        del found["reward_bound"], found["warmup"]
    return found


def refuse_foreign(names: Iterable[str], config: Config) -> None:
    """Raise `UserError` for an option that only another method or another task has."""
    mine, task = options(config), find_space(config.space).task
    for name in names:
        if name in mine:
            continue
        for everyone, here in (
            (METHODS, f"this is {config.method}"),
            (TASKS, f"{config.space} is for {task}"),
        ):
            users = [user for user, settings in everyone.items() if name in options(settings())]
            if users:
                raise UserError(f"{dashed(name)} is for {' and '.join(users)}, but {here}")
