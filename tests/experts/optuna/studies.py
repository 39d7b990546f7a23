"""Studies to try a sampler on."""

from __future__ import annotations

from typing import Any

import optuna
from optuna import Study, Trial
from optuna.samplers import BaseSampler

from experts.optuna import ExpertsSampler


def new_study(sampler: BaseSampler | None = None, **settings: Any) -> Study:
    return optuna.create_study(sampler=sampler or ExpertsSampler(seed=0), **settings)


def params(study: Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def distinct(study: Study) -> int:
    return len({tuple(sorted(found.items())) for found in params(study)})


def distance(trial: Trial) -> float:
    """To the best of 600 points."""
    row = trial.suggest_int("row", 0, 9)
    column = trial.suggest_float("column", 0, 1, step=0.25)
    kind = trial.suggest_categorical("kind", ("a", "b", "c"))
    flag = trial.suggest_categorical("flag", (False, True))
    more = trial.suggest_categorical("more", (0, 1))
    return abs(row - 6) + 2 * abs(column - 0.75) + (kind != "b") + 2 * flag + (more == 0)


BEST = {"row": 6, "column": 0.75, "kind": "b", "flag": False, "more": 1}


def branches(trial: Trial) -> float:
    """One of 2 + 3 + 4 * (1 + 3) points."""
    model = trial.suggest_categorical("model", ("linear", "tree", "net"))
    if model == "linear":
        return 1.0 + trial.suggest_categorical("intercept", (False, True))
    if model == "tree":
        return float(trial.suggest_int("depth", 1, 3))
    layers, width = trial.suggest_int("layers", 1, 2), trial.suggest_int("width", 1, 4)
    dropout = trial.suggest_float("dropout", 0.1, 0.3, step=0.1) if layers > 1 else 0.0
    return abs(width - 3) + abs(dropout - 0.2) + 0.01 * layers
