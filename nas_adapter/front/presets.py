"""Presets: what holds where a user says nothing, by task, space and method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas_adapter.errors import UserError
from nas_adapter.runs.search import SearchSettings
from nas_adapter.spaces import NONE, Space

Values = dict[str, Any]
"""Options by name."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Values in place of the settings' own defaults."""

    help: str
    of_tasks: dict[str, Values]
    """by task, for every method; a task that is not here cannot have the preset"""
    of_spaces: dict[str, Values] = field(default_factory=dict)
    """further ones by name of the space, which go before those"""
    pays: bool = True
    """whether XNAS is played as it pays, see `PAYS`, or as it was published"""


SAME: dict[str, Values] = {"images": {}, "text": {}}
DARTS_TRAINING: Values = {
    "retrain_cells": 6, "retrain_channels": 36, "batch_size": 96, "auxiliary": True,
    "drop_path": 0.2, "cutout": 16,
}  # fmt: skip
"""Source: Liu et al. 2019, Appendix A.2."""

PRESETS: dict[str, Preset] = {
    "default": Preset("what pays, see docs/xnas.md", SAME),
    "quick": Preset(
        "the same at small sizes, a few minutes on two cores",
        {
            "images": {
                "epochs": 10, "channels": 8, "max_minutes": 2.0, "looks": 40, "baselines": 2,
                "retrain_epochs": 10, "fidelity_cells": 0,
            },
            "text": {
                "epochs": 1, "max_minutes": 2.0, "baselines": 2, "retrain_epochs": 3,
                "fidelity_cells": 0,
            },
        },
        {
            "darts-cnn": {  # a look at one of its networks takes seconds
                "prior": "uniform", "decide": "search", "epochs": 3, "channels": 4,
                "batch_size": 96, "baselines": 1, "retrain_epochs": 5,
            }
        },
    ),
    "cifar10": Preset(
        "a search on CIFAR-10, its cell trained in full, for a GPU",
        {"images": {"data": "cifar10", "epochs": 10, "retrain_cells": 5, "retrain_epochs": 200}},
        {"darts-cnn": DARTS_TRAINING},
    ),
    "published": Preset(
        "the paper's search (every operation, the uniform prior, mixtures, a given L, its own "
        "cell)", SAME, pays=False,
    ),
}  # fmt: skip

PAYS: dict[str, Values] = {
    "images": {
        "without": (NONE,), "prior": "scores", "weights": "single-path", "reward_bound": "auto",
        "decide": "auto",
    },
    "text": {"decide": "trained"},
}  # fmt: skip
"""What pays with XNAS, by task. No score looks at cells of text: see docs/results/search.md."""
WARMUP = 5
"""Where L is found in a warm-up, that is one in so many epochs."""

OF_TASKS: dict[str, Values] = {
    "images": {},
    "text": {
        "epochs": 2, "channels": 64, "reward_bound": 0.02, "retrain_epochs": 6, "candidates": 20,
    },
}  # fmt: skip
"""What holds for a task where it differs from the settings' own defaults."""

FEW: Values = {"candidates": 5, "retrain_epochs": 1, "baselines": 1, "fidelity_cells": 0}
SMOKE: dict[str, Values] = {
    "images": FEW | {"epochs": 2, "channels": 4, "batch_size": 240, "looks": 16},
    "text": FEW | {"epochs": 1, "channels": 16, "batch_size": 192},
}
"""What holds for a tiny run, by task."""


def defaults(
    name: str, space: Space, *, method: str, preset: str, smoke: bool, given: Mapping[str, Any]
) -> Values:
    """What holds where a user says nothing, where that differs from the settings' own defaults.

    Parameters
    ----------
    name, space
        The space.
    given
        What the user says: a warm-up depends on the epochs.

    Raises
    ------
    UserError
        The preset is not for the space's task.
    """
    chosen, task = PRESETS[preset], space.task
    if task not in chosen.of_tasks:
        others = ", ".join(other for other, it in PRESETS.items() if task in it.of_tasks)
        raise UserError(
            f"--preset {preset} is for {' and '.join(chosen.of_tasks)}, but {name} is for {task}: "
            f"choose one of {others}"
        )
    sizes = chosen.of_tasks[task] | chosen.of_spaces.get(name, {}) | (SMOKE[task] if smoke else {})
    found = OF_TASKS[task] | sizes
    if method == "xnas" and chosen.pays:
        epochs = given.get("epochs", found.get("epochs", SearchSettings.epochs))
        found |= _what_pays(space, epochs, given.get("warmup")) | sizes
    return found


def _what_pays(space: Space, epochs: int, warmup: int | None) -> Values:
    """`PAYS`, for so many epochs and, if not None, so many of warm-up."""
    found = dict(PAYS[space.task])
    if NONE not in space.operations:
        found.pop("without", None)
    if "reward_bound" in found:
        if epochs < 2 or warmup == 0:  # no epoch to find L in
            del found["reward_bound"]
        else:
            found["warmup"] = max(1, epochs // WARMUP)
    return found
