"""Settings of run_xnas.py: from a command line, a file and a preset, and what is refused.

The command line goes before the file, the file before the preset. The options of a search method
and of a task are the fields of their settings, in their own files.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_adapter.errors import UserError, choose, dashed, not_negative, typed
from nas_adapter.front.begin import remembered
from nas_adapter.front.options import Option, flattened, options, with_options
from nas_adapter.front.settings import Settings, make_settings
from nas_adapter.runs.checkpoint import compare
from nas_adapter.strategies import METHODS
from nas_adapter.tasks import TASKS
from studies.xnas.files import as_toml, checked_all, read_file
from studies.xnas.help import help_text
from studies.xnas.words import HERE, read_words


@dataclass(frozen=True, kw_only=True)
class Config:
    """Search an architecture, retrain it, and report."""

    space: str = "nasbench201"
    """Search space:"""
    method: str = "xnas"
    """Search method:"""
    seed: int = 0
    """Seed of every random choice."""
    device: str = "auto"
    """auto, cpu or cuda."""
    out: Path | None = None
    """Folder for the run's files. Default: a new one under runs/."""
    resume: bool = False
    """Continue the run in --out, with its settings. Of these --export, --compare, --baselines and
    those of retraining may be others then; networks that they concern are trained anew."""
    cells: tuple[str, ...] = field(default=(), metadata={"option": "retrain"})
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
        choose("--device", self.device, ("auto", "cpu", "cuda"))
        not_negative(seed=self.seed)
        for seed in self.seeds:
            not_negative(seeds=seed)
        if self.resume and self.out is None:
            raise UserError("--resume needs --out, the folder of the run to continue")


def parse(arguments: list[str] | None) -> Config:
    """The configuration that a command line asks for; None: the command line of this process.

    Raises
    ------
    UserError
        An option or a key that there is not, a value that cannot be, or an option of another method
        or task.
    SystemExit
        0, after --help and --print-config.
    """
    known = everything()
    said = read_words(sys.argv[1:] if arguments is None else arguments, known)
    wanted, printed = said.pop("help", None), said.pop("print_config", False)
    path = said.pop("config", None)
    file = {} if path is None else read_file(path, known)
    try:
        config = _combined(said, file, known)
    except UserError as error:
        if blamed(file.keys() - said.keys(), str(error)):
            raise UserError(f"{path}: {error}") from error
        raise
    if wanted:
        print(_help(config, known, everywhere=wanted != HERE))
        raise SystemExit(0)
    for name in ("retrain", "seeds"):
        if said.get(name) == ():
            raise UserError(f"{dashed(name)} needs one value or more")
    without_effect = idle(config)
    for name, value in said.items():
        if name in without_effect:
            raise UserError(f"{typed(name, value)} has no effect with {without_effect[name]}")
    if printed:
        print(as_toml(flattened(config)))
        raise SystemExit(0)
    return config


def _help(config: Config, known: Mapping[str, Option], *, everywhere: bool) -> str:
    """What --help says; `everywhere`: also of options that have no effect here."""
    here = flattened(config)
    hidden = set() if everywhere else idle(config).keys() | (known.keys() - here.keys())
    if config.space == "nasbench201" and not everywhere:
        hidden |= {"auxiliary"}  # it has no such head
    shown = {name: option for name, option in {**known, **here}.items() if name not in hidden}
    return help_text(config.space, here, shown, hidden)


def everything() -> dict[str, Option]:
    """The options of all methods and tasks, by name."""
    found = flattened(Config(settings=make_settings(Config.space, preset="published")))
    for settings in (*METHODS.values(), *TASKS.values()):
        found = flattened(settings()) | found
    return found


def blamed(names: Iterable[str], message: str) -> bool:
    """Whether a message is about one of some options."""
    return any(re.search(rf"{dashed(name)}(?![\w-])", message) for name in names)


def idle(config: Config) -> dict[str, str]:
    """Options that have no effect with the others -> the reason, for a message."""
    settings = config.settings
    found = settings.search.method.idle() | settings.task.idle()
    if not config.cells:
        return found | dict.fromkeys(("seeds", "held_out"), "a search; it is for --retrain")
    if config.seeds not in ((), (config.seed,)):
        found |= {"seed": typed("seeds", config.seeds)}
    searching = {"method", *options(settings)}
    searching -= {"channels", "checkpoint_minutes", "precision", "preset", "smoke"}
    searching -= {*options(settings.retrain), *options(settings.task)}
    return found | dict.fromkeys(searching, "--retrain, which searches nothing")


def _combined(
    said: Mapping[str, Any], file: Mapping[str, Any], known: Mapping[str, Option]
) -> Config:
    """The configuration from the command line, a file, the run that is resumed, and defaults."""
    asked = {**file, **said}
    values = _saved(asked, known) | asked
    space, method = values.get("space", Config.space), values.get("method", Config.method)
    own = {name: value for name, value in values.items() if known[name].owner is Config}
    given = {name: value for name, value in values.items() if name not in own}
    return with_options(Config(settings=make_settings(space, method=method, **given)), own)


def _saved(asked: Mapping[str, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    """The options of the run that is gone on with; none where one begins.

    Raises
    ------
    UserError
        A run of another space, another method, or of the other kind, search or retraining.
    """
    out = asked.get("out")
    before = remembered(out, resume=asked.get("resume", False))
    if out is None or before is None:
        return {}
    for name in ("space", "method"):
        if name in asked and name in before:
            compare(out, {name: asked[name]}, {name: before[name]}, ())
    if not {"space", "device", "export"} <= before.keys():
        raise UserError(f"{out} holds no run that could be resumed")
    if asked.get("retrain") and "retrain" not in before:
        raise UserError(f"--retrain: {out} holds a search; choose another --out")
    return checked_all(before, known, f"{out}/config.json", run=True)
