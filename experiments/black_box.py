#!/usr/bin/env python3
"""Optuna's samplers and ours on the same studies, with the same budgets and seeds.

Two data sets of NAS-Bench-201's table, scikit-learn pipelines, a choice of features.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from studies.black_box import pictures
from studies.black_box.problems import Problem, features, operations, pipelines
from studies.black_box.searches import SAMPLERS, Search, saved_search
from studies.nasbench201.table import CHOICES, EDGES, read
from tqdm import tqdm

from nas_adapter.errors import UserError, choose

BUDGETS = (20, 50, 100, 300)
MADE: dict[str, Callable[[], Problem]] = {"pipelines": pipelines, "features": features}
OURS = "experts"

Played = dict[str, np.ndarray[Any, Any]]


class Limits(NamedTuple):
    """What a sampler is run on."""

    seeds: int = sys.maxsize
    """at most"""
    queries: int = sys.maxsize
    """at most"""
    conditional: bool = False
    """only problems with conditional parameters"""


LIMITS = {
    "gp": Limits(seeds=20, queries=100),  # it takes long
    "tpe-group": Limits(conditional=True),  # without conditions there is one group, and it is tpe
}
CONDITIONAL = {"pipelines"}


@dataclass(frozen=True)
class Config:
    """Optuna's samplers and ours on the same studies, with the same budgets and seeds."""

    table: str | None = None
    """CSV file of NAS-Bench-201 (.gz or not), as for nasbench201_bandit.py; needed for its data
    sets."""
    problem: str = "cifar10,cifar100,pipelines,features"
    """Studies, separated by commas; a name that is not pipelines or features is a data set of the
    table."""
    sampler: str = ",".join(SAMPLERS)
    """Samplers, separated by commas."""
    queries: int = 300
    """Trials of a study (gp: at most 100)."""
    seeds: int = 100
    """Studies of each sampler, with seeds 0, 1, ... (gp: at most 20)."""
    jobs: int = 1
    """Processes."""
    out: Path = Path("runs/black-box")
    """Folder for result.json, the picture and searches/, a file for each study: those that are
    there are not run again."""
    smoke: bool = False
    """2 seeds of 20 queries on the studies that need no --table."""

    def __post_init__(self) -> None:
        for name in self.sampler.split(","):
            choose("sampler", name, SAMPLERS)
        at_least(self, queries=1, seeds=2, jobs=1)


def main(config: Config) -> None:
    """Run the studies, write result.json and the picture, print the table."""
    if config.smoke:
        names = [name for name in config.problem.split(",") if name in MADE or config.table]
        config = replace(config, problem=",".join(names or MADE), seeds=2, queries=20)
    played = play(config)
    records = [
        record(name, sampler, found, budget)
        for (name, sampler), found in played.items()
        for budget in BUDGETS
        if budget <= found["values"].shape[1]
    ]
    compare(records)
    write_result(config.out, records)
    write_picture(
        config.out,
        "black-box.png",
        pictures.medians({key: found["values"] for key, found in played.items()}),
    )
    print(f"written to {config.out}: result.json, black-box.png")
    print(table(records, COLUMNS))


COLUMNS = (
    "problem", "sampler", "queries", "seeds", "median", "mean", "stderr", "score", "score_stderr",
    "behind", "behind_stderr", "ms",
)  # fmt: skip


def load(name: str, source: str | None) -> Problem:
    """A problem by its name."""
    if name in MADE:
        return MADE[name]()
    if source is None:
        raise UserError(f"--table is needed for {name!r}; without: --problem {','.join(MADE)}")
    found = read(source, name)
    return operations(found.valid, found.test, EDGES, CHOICES)


class Task(NamedTuple):
    """One study."""

    problem: str
    sampler: str
    seed: int
    queries: int


def tasks(config: Config) -> list[Task]:
    """All studies of a run."""
    found = [
        Task(problem, sampler, seed, min(config.queries, limits.queries))
        for problem in config.problem.split(",")
        for sampler in config.sampler.split(",")
        for limits in [LIMITS.get(sampler, Limits())]
        if problem in CONDITIONAL or not limits.conditional
        for seed in range(min(config.seeds, limits.seeds))
    ]
    if not found:
        raise UserError(f"--sampler {config.sampler} needs --problem {', '.join(CONDITIONAL)}")
    return found


def play(config: Config) -> dict[tuple[str, str], Played]:
    """Values, scores and seconds of each problem and sampler, (seeds, queries) each."""
    problems = {name: load(name, config.table) for name in config.problem.split(",")}
    todo = tasks(config)
    work = joblib.Parallel(n_jobs=config.jobs, return_as="generator")(
        joblib.delayed(saved_search)(
            config.out / "searches" / task.problem,
            problems[task.problem],
            task.sampler,
            task.seed,
            task.queries,
        )
        for task in todo
    )
    found: dict[tuple[str, str], list[Search]] = {}
    for task, one in zip(tqdm(todo, desc="searching", unit="study"), work, strict=True):
        found.setdefault((task.problem, task.sampler), []).append(one)
    return {
        key: {name: np.array([one[name] for one in some]) for name in some[0]}
        for key, some in found.items()
    }


def record(problem: str, sampler: str, found: Played, budget: int) -> dict[str, Any]:
    """One record: the best value seen, and the score of the trial with it (the first of equals)."""
    values, scores, seconds = (found[name][:, :budget] for name in ("values", "scores", "seconds"))
    best = values.max(axis=1)
    score = np.take_along_axis(scores, values.argmax(axis=1)[:, None], axis=1)[:, 0]
    root = np.sqrt(len(best))
    return {
        "problem": problem,
        "sampler": sampler,
        "queries": budget,
        "seeds": len(best),
        "median": float(np.median(best)),
        "mean": float(best.mean()),
        "stderr": float(best.std(ddof=1) / root),
        "score": float(score.mean()),
        "score_stderr": float(score.std(ddof=1) / root),
        "ms": float(1000 * np.median(seconds[:, -10:])),
    }


def compare(records: list[dict[str, Any]]) -> None:
    """Add to each record how far its mean is behind ours, with the standard error."""
    ours = {(r["problem"], r["queries"]): r for r in records if r["sampler"] == OURS}
    for entry in records:
        other = ours.get((entry["problem"], entry["queries"]))
        if other is not None and other is not entry:
            entry["behind"] = other["mean"] - entry["mean"]
            entry["behind_stderr"] = float(np.hypot(other["stderr"], entry["stderr"]))


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
