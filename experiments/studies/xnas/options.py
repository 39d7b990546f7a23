"""Options of run_xnas.py: what each is, what it is by default, and what is refused.

The options of a search method and of a task are the fields of their settings, in their own files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nas_adapter.errors import UserError, choose, dashed, not_negative
from nas_adapter.front.begin import remembered
from nas_adapter.front.options import options
from nas_adapter.front.settings import Settings, make_settings, refuse_foreign, saved_settings
from nas_adapter.runs.checkpoint import compare
from nas_adapter.spaces import SPACES, find_space
from nas_adapter.strategies import METHODS

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
    out: Path | None = None
    """Folder for the run's files. Default: a new one under runs/."""
    resume: bool = False
    """Continue the run in --out, with its settings. Of these --export, --compare, --baselines and
    those of retraining may be others then; networks that they concern are trained anew."""
    cells: Annotated[tuple[str, ...], tyro.conf.arg(name="retrain")] = ()
    """Train these architectures (as for --compare), and search nothing."""
    seeds: tuple[int, ...] = ()
    """With --retrain: train with each of these seeds. Default: --seed."""
    held_out: bool = True
    """With --retrain: set a fifth of the training data aside, for the held-out loss. Without, all
    of it is trained on, as is usual in papers, and no number is left to choose a cell by."""
    export: bool = False
    """Write the retrained network as network.pt2 (torch.export) and network.onnx; of a language
    model, the step from one token to the next."""
    settings: Settings

    def __post_init__(self) -> None:
        choose("device", self.device, ("auto", "cpu", "cuda"))
        not_negative(seed=self.seed)
        for seed in self.seeds:
            not_negative(seeds=seed)
        if self.resume and self.out is None:
            raise UserError("--resume needs --out, the folder of the run to continue")


def given(arguments: Sequence[str]) -> list[str]:
    """Names of the options in a command line, in order.

    >>> given(["--epochs", "3", "--no-wipeout", "--batch-size=8"])
    ['epochs', 'wipeout', 'batch_size']
    """
    typed = [word[2:].partition("=")[0] for word in arguments if word.startswith("--")]
    return [word.removeprefix("no-").replace("-", "_") for word in typed if word]


def parse(arguments: list[str] | None) -> Config:
    """The configuration that a command line asks for; None: the command line of this process.

    Raises
    ------
    UserError
        A value that cannot be, or an option of another method or task.
    """
    words = sys.argv[1:] if arguments is None else arguments
    standard = saved(words) or defaults(words)
    names = given(words)
    task = f"{standard.space} is for {find_space(standard.space).task}"
    refuse_foreign(names, options(standard), f"this is {standard.method}", task)
    config = tyro.cli(Config, args=words, default=standard)
    without_effect = idle(config)
    for name in names:
        if name in without_effect:
            raise UserError(f"{dashed(name)} has no effect with {without_effect[name]}")
    return config


def idle(config: Config) -> dict[str, str]:
    """Options that have no effect with the others -> the reason, for a message."""
    settings = config.settings
    found = settings.search.method.idle()
    if not config.cells:
        return found | dict.fromkeys(("seeds", "held_out"), "a search; it is for --retrain")
    if config.seeds not in ((), (config.seed,)):
        found |= {"seed": f"--seeds {' '.join(map(str, config.seeds))}"}
    searching = {"method", *options(settings)}
    searching -= {"channels", "checkpoint_minutes", "precision", "smoke"}
    searching -= {*options(settings.retrain), *options(settings.task)}
    return found | dict.fromkeys(searching, "--retrain, which searches nothing")


def saved(words: list[str]) -> Config | None:
    """What holds where the command line is silent and goes on with a run; None: it begins one.

    Raises
    ------
    UserError
        A run of another space, another method, or of the other kind, search or retraining.
    """
    known = _known(words)
    before = remembered(known.out, resume=known.resume)
    if before is None:
        return None
    asked = {name: getattr(known, name) for name in ("space", "method") if getattr(known, name)}
    was = {name: before.get(name) for name in asked}
    compare(known.out, asked, was, ())
    if not {"space", "device", "export"} <= before.keys():
        raise UserError(f"{known.out} holds no run that could be resumed")
    if "retrain" in given(words) and "retrain" not in before:
        raise UserError(f"--retrain: {known.out} holds a search; choose another --out")
    settings = saved_settings(before, before["space"])
    return Config(
        space=before["space"],
        method=settings.search.method.name,
        seed=before.get("seed", Config.seed),
        device=before["device"],
        cells=tuple(before.get("retrain", ())),
        seeds=tuple(before.get("seeds", ())),
        held_out=before.get("held_out", Config.held_out),
        export=before["export"],
        settings=settings,
    )


def defaults(words: list[str]) -> Config:
    """What holds where the command line is silent: it depends on space, method, preset, --smoke."""
    known = _known(words)
    typed = {name: getattr(known, name) for name in ("epochs", "warmup")}
    numbers = {name: int(text) for name, text in typed.items() if text.isdigit()}
    space, method = known.space or Config.space, known.method or Config.method
    return Config(
        space=space,
        method=method,
        settings=make_settings(
            space, method=method, preset=known.preset, smoke=known.smoke, **numbers
        ),
    )


def _known(words: list[str]) -> argparse.Namespace:
    """The options that others' defaults depend on."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--space")
    parser.add_argument("--method")
    parser.add_argument("--preset", default=Settings.preset)
    parser.add_argument("--epochs", default="")
    parser.add_argument("--warmup", default="")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_known_args(words)[0]
