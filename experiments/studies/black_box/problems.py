"""The studies: what a trial suggests, and what it is worth. All are maximised."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import BaseTrial
from sklearn.datasets import load_breast_cancer

Outcome = tuple[float, float]
"""The value that a sampler is told, and the score by which its search is judged."""

Problem = Callable[[BaseTrial], Outcome]

PIPELINES = Path(__file__).parents[3] / "benchmarks" / "pipelines.csv.gz"


def operations(valid: Any, test: Any, edges: int, choices: int) -> Problem:
    """A table of architectures: an operation on every edge, first edge first.

    Parameters
    ----------
    valid, test : (choices**edges,)
        Values and scores, in the order of the architectures' codes (base `choices`).
    """

    def problem(trial: BaseTrial) -> Outcome:
        code = 0
        for edge in range(edges):
            code = code * choices + trial.suggest_categorical(f"edge{edge}", range(choices))
        return float(valid[code]), float(test[code])

    return problem


def pipelines(path: Path = PIPELINES) -> Problem:
    """A scikit-learn pipeline for digits, from the table that benchmarks/pipelines.py makes.

    1,932 pipelines: a scaler, a reduction with its number of components, and one of four
    classifiers with hyper-parameters of its own. Value: accuracy in % of 4-fold cross-validation;
    score: accuracy on the images of other writers.
    """
    with gzip.open(path, "rt", newline="") as file:
        rows = [{key: text for key, text in row.items() if text} for row in csv.DictReader(file)]
    outcomes = {}
    options: dict[str, dict[str, None]] = {}  # in the order of the table
    for row in rows:
        outcome = float(row.pop("valid")), float(row.pop("test"))
        outcomes[frozenset(row.items())] = outcome
        for name, text in row.items():
            options.setdefault(name, {})[text] = None

    def problem(trial: BaseTrial) -> Outcome:
        def suggest(name: str) -> str:
            found = list(options[name])
            if found[0][0].isdigit():  # numbers, in ascending order
                return found[trial.suggest_int(name, 0, len(found) - 1)]
            return str(trial.suggest_categorical(name, found))

        row = {name: suggest(name) for name in ("scaler", "reduction", "model")}
        if row["reduction"] != "none":
            row["components"] = suggest("components")
        for name in options:
            if name.startswith(row["model"]):
                row[name] = suggest(name)
        return outcomes[frozenset(row.items())]

    return problem


def features(ridge: float = 1.0) -> Problem:
    """Which of the 30 features of the breast cancer data a linear classifier uses.

    Value and score are the same: 100 times the share of the label's variance that ridge regression
    explains, leave-one-out (in closed form, all rows; there is no held-out part).
    """
    x, y = load_breast_cancer(return_X_y=True)
    x = np.column_stack([np.ones(len(x)), (x - x.mean(0)) / x.std(0)])
    y = y - y.mean()
    penalty = ridge * np.eye(x.shape[1])
    penalty[0, 0] = 0.0

    def problem(trial: BaseTrial) -> Outcome:
        names = (f"feature{i}" for i in range(x.shape[1] - 1))
        used = np.flatnonzero(
            [True, *(trial.suggest_categorical(name, (False, True)) for name in names)]
        )
        part = x[:, used]
        map_back = part @ np.linalg.inv(part.T @ part + penalty[np.ix_(used, used)])
        leverage = (map_back * part).sum(1)
        left = (y - map_back @ (part.T @ y)) / (1 - leverage)
        value = 100 * (1 - float(np.mean(left**2) / y.var()))
        return value, value

    return problem
