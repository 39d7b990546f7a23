"""Options in groups, as --help and files show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from nas_adapter.front.options import Option
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.retrain import RetrainSettings
from nas_adapter.strategies import METHODS
from nas_adapter.strategies.base import MethodSettings
from nas_adapter.tasks import TaskSettings

SETTINGS = "what holds where you say nothing"
SEARCH = "search"
DECISION = "decision, and cells to compare with"
RETRAINING = "retraining"
DATA = "data and networks"

GROUPS: dict[str, tuple[str, ...]] = {
    "first of all": ("data", "space", "method", "epochs"),
    SETTINGS: ("preset", "smoke"),
    SEARCH: ("without",),
    DECISION: ("baselines", "compare"),
    RETRAINING: (
        "retrain", "seeds", "held_out", "retrain_cells", "auxiliary", "drop_path", "cutout",
    ),
    DATA: ("channels",),
    "output": ("out", "resume", "export", "checkpoint_minutes"),
    "machine and chance": ("device", "precision", "seed"),
}  # fmt: skip
"""The groups in their order. An option that is not named is in the group of its settings.

First is what nobody else can know: what the networks are to learn, which cells there are, how they
are searched, and for how long."""


def grouped(options: Mapping[str, Option]) -> dict[str, list[Option]]:
    """The options by the titles of their groups; those of methods come last."""
    found = {
        title: [options[name] for name in names if name in options]
        for title, names in GROUPS.items()
    }
    named = {name for names in GROUPS.values() for name in names}
    for name, option in options.items():
        if name not in named:
            found.setdefault(_of_its_settings(option), []).append(option)
    return {title: members for title, members in found.items() if members}


def _of_its_settings(option: Option) -> str:
    """The title of the group of an option's settings."""
    if issubclass(option.owner, MethodSettings):
        users = [
            name
            for name, method in METHODS.items()
            if option.field in {field.name for field in dataclasses.fields(method)}  # type: ignore[arg-type]
        ]
        return f"{' and '.join(users)} only"
    if issubclass(option.owner, TaskSettings):
        return DATA
    return {ChoiceSettings: DECISION, RetrainSettings: RETRAINING}.get(option.owner, SEARCH)
