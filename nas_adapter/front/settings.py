"""Settings of a whole run: what there is, and what holds where a user says nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_adapter.errors import UserError, choose, dashed, not_negative
from nas_adapter.front.options import options, with_options
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.retrain import RetrainSettings
from nas_adapter.runs.search import SearchSettings
from nas_adapter.spaces import NONE, Space, find_space
from nas_adapter.strategies import METHODS
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.supernets.precision import PRECISIONS
from nas_adapter.tasks import TASKS, TaskSettings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a whole run; `retrain` reads the precision, the checkpoints and the last two."""

    preset: str = "default"
    """Defaults of XNAS: default (what pays, see docs/xnas.md) or published (the paper's search)."""
    smoke: bool = False
    """A tiny run, in under a minute, to see that everything works: other values where you give
    none."""
    without: tuple[str, ...] = ()
    """Operations that the search leaves out, as: none."""
    baselines: int = 3
    """Random architectures that are trained the same way, to compare with."""
    compare: tuple[str, ...] = ()
    """Architectures in the space's notation, or published ones by name, that are trained the same
    way as well."""
    precision: str = "tf32"
    """Of training on a GPU: tf32 (products of 10-bit mantissas, sums in float32), float32, or bf16
    (activations of 7-bit mantissas); float64, on the CPU too, to compare two ways of computing the
    same. Holds for the whole process."""
    checkpoint_minutes: float = 1.0
    """Minutes between checkpoints of a search or a training under way. 0: one after every step."""
    search: SearchSettings
    choice: ChoiceSettings
    retrain: RetrainSettings
    task: TaskSettings

    def __post_init__(self) -> None:
        choose("preset", self.preset, PRESETS)
        choose("precision", self.precision, PRECISIONS)
        not_negative(baselines=self.baselines, checkpoint_minutes=self.checkpoint_minutes)

    @property
    def channels(self) -> int:
        """C of the retrained networks."""
        return self.retrain.channels or self.search.channels


OF_TASKS: dict[str, dict[str, Any]] = {
    "text": {
        "epochs": 2, "channels": 64, "reward_bound": 0.02, "retrain_epochs": 6, "candidates": 20,
    },
}  # fmt: skip
"""What holds for a task where it differs from the settings' own defaults."""

PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "without": (NONE,), "prior": "scores", "weights": "single-path", "reward_bound": "auto",
        "decide": "auto",
    },
    "published": {},
}  # fmt: skip
"""What holds for XNAS on images. "published" is the paper's search, which the settings' own
defaults are: every operation, the uniform prior, mixtures, a given L, its own cell.
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
"""What holds for a tiny run, by task."""


def open_space(space: str | Space) -> tuple[str, Space]:
    """Name and space, of either; see `find_space` for names."""
    if isinstance(space, str):
        return space, find_space(space)
    return type(space).__name__, space


def make_settings(
    space: str | Space,
    *,
    method: str = "xnas",
    preset: str = "default",
    smoke: bool = False,
    **values: Any,
) -> Settings:
    """The settings of a run: `values`, and the defaults of space, method and preset for the others.

    Parameters
    ----------
    space
        Its name, see `find_space`, or the space.
    method
        Search method: a key of `METHODS`.
    preset
        For XNAS: "default" (what pays, see docs/xnas.md) or "published" (the paper's search).
    smoke
        Defaults of a tiny run, to see that everything works.
    values
        Any options of run_xnas.py that are not arguments of `search`, with _ for -.

    Raises
    ------
    UserError
        A value that cannot be, or a name of no option, or of another method's or task's.

    Examples
    --------
    >>> settings = make_settings("darts-cnn", method="darts-first", epochs=3, cutout=16)
    >>> settings.search.epochs, settings.task.cutout, settings.retrain.epochs
    (3, 16, 20)
    """
    name, opened = open_space(space)
    choose("method", method, METHODS)
    choose(f"task of {name}", opened.task, TASKS)
    plain = Settings(
        preset=preset,
        smoke=smoke,
        search=SearchSettings(method=METHODS[method]()),
        choice=ChoiceSettings(),
        retrain=RetrainSettings(),
        task=TASKS[opened.task](),
    )
    refuse_foreign(values, options(plain), f"this is {method}", f"{name} is for {opened.task}")
    for value in values:
        choose("setting", value, options(plain))
    standard = OF_TASKS.get(opened.task, {}) | (SMOKE[opened.task] if smoke else {})
    if method == "xnas" and preset == "default":
        epochs = values.get("epochs", standard.get("epochs", SearchSettings.epochs))
        pays = _what_pays(opened, epochs, values.get("warmup"))
        standard |= pays if opened.task == "images" else TEXT
    return with_options(plain, standard | values)


def saved_settings(config: Mapping[str, Any], space: str | Space) -> Settings:
    """The settings that the configuration of a run holds, see config.json; UserError if none."""
    try:
        method = config.get("method", XNASSettings.name)
        plain = options(make_settings(space, method=method, preset="published"))
        return make_settings(
            space,
            method=method,
            **{
                name: _as(name, plain[name], value)
                for name, value in config.items()
                if name in plain
            },
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"config.json is not the configuration of a run: {error}") from error


def _as(name: str, standard: Any, value: Any) -> Any:
    """A value from JSON, where tuples are lists and paths are text, of the standard one's type."""
    kind = type(standard)
    if isinstance(standard, tuple | Path):
        return kind(value)
    if isinstance(standard, bool | int | str) and type(value) is not kind:
        raise ValueError(f"{name} is {value!r}")
    return value


def _what_pays(space: Space, epochs: int, warmup: int | None) -> dict[str, Any]:
    """The preset "default" for so many epochs and, if not None, so many of warm-up."""
    found = PRESETS["default"] | {"warmup": max(1, epochs // WARMUP)}
    if NONE not in space.operations:
        del found["without"]
    if epochs < 2 or warmup == 0:  # no epoch to find L in
        del found["reward_bound"], found["warmup"]
    return found


def refuse_foreign(names: Iterable[str], known: Collection[str], method: str, task: str) -> None:
    """Raise `UserError` for an option that is not `known`, but another method or task has.

    `method` and `task` are what this run has instead, for the message.
    """
    for name in names:
        if name in known:
            continue
        for everyone, here in ((METHODS, method), (TASKS, task)):
            users = [user for user, other in everyone.items() if name in options(other())]
            if users:
                raise UserError(f"{dashed(name)} is for {' and '.join(users)}, but {here}")
