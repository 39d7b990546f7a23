#!/usr/bin/env python3
"""Experts as a black-box architecture search, judged on NAS-Bench-201's table.

A query returns an architecture's validation accuracy after 12 epochs. A search is judged by the
test accuracy after 200 epochs of the architecture that had the best validation accuracy.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from studies.nasbench201 import pictures
from studies.nasbench201.references import (
    Evolution,
    Experts,
    OneByOne,
    Reinforce,
    Searches,
    SemiBandit,
    local_search,
    random_search,
)
from studies.nasbench201.table import SIZE, Numbers, Table, read, write_synthetic
from tqdm import tqdm

import experts
from experts.structured import Scales, Settings
from nas_adapter.errors import UserError, choose

METHODS: Mapping[str, Searches] = {
    "experts": OneByOne(Experts()),
    "experts-additive": OneByOne(Experts(Settings(scales=Scales(pair=1e-6)))),
    "experts-greedy": OneByOne(Experts(Settings(narrow=0.0, wide=0.0, late=0.0))),
    "experts-unshared": OneByOne(Experts(Settings(scales=Scales(shared=0.0)))),
    "experts-unplanned": OneByOne(Experts(Settings(start=1))),
    "experts-batches": OneByOne(Experts(batch=16)),
    "experts-repeating": OneByOne(Experts(noisy=True)),
    "exp3": SemiBandit(experts.exp3()),
    "tsallis-inf": SemiBandit(experts.tsallis_inf("reduced")),
    "random": OneByOne(random_search),
    "evolution": OneByOne(Evolution()),
    "evolution-once": OneByOne(Evolution(once=True)),
    "local-search": OneByOne(local_search),
    "reinforce": OneByOne(Reinforce()),
    "reinforce-slow": OneByOne(Reinforce(rate=1.0)),
}

VARIANTS = tuple(
    f"experts-{name}" for name in ("additive", "greedy", "unshared", "unplanned", "batches")
)
DEFAULT = tuple(name for name in METHODS if name not in VARIANTS)

REGRET = ("random", "exp3", "tsallis-inf", "reinforce", "reinforce-slow", "experts-repeating")
"""Methods that query every draw: their summed losses are those of a bandit game."""

BUDGETS = (10, 20, 50, 100, 300, 1000)
CHUNK = 50
"""Searches that one process runs in one go; results do not depend on it."""


@dataclass(frozen=True)
class Config:
    """Experts as a black-box architecture search, judged on NAS-Bench-201's table."""

    table: str | None = None
    """CSV file (.gz or not) with the columns arch, NAME_val_12ep and NAME_test_200ep of each data
    set, or nats:PATH for the official NATS-Bench files. Needed without --smoke."""
    dataset: str = "cifar10,cifar100"
    """Data sets, separated by commas."""
    columns: str | None = None
    """Other columns: QUERY,SCORE. {} stands for the data set, as in {}_val_200ep,{}_test_200ep."""
    method: str = "default"
    """Methods, separated by commas; default: all but the variants experts-..., but with
    experts-repeating."""
    queries: int = 300
    """Queries of a run; figures for fewer come from the same runs."""
    runs: int = 500
    """Runs of each method."""
    first: int = 0
    """Number of the first run: its random choices depend on the seed and on this."""
    seed: int = 0
    """Seed of every random choice."""
    jobs: int = 2
    """Processes."""
    out: Path = Path("runs/nasbench201-bandit")
    """Folder for result.json and the pictures."""
    smoke: bool = False
    """4 runs of 40 queries; without --table on a synthetic table, written to --out."""

    def __post_init__(self) -> None:
        for name in self.methods:
            choose("method", name, METHODS)
        at_least(self, queries=1, runs=1, first=0, jobs=1, seed=0)
        if self.queries > SIZE:
            raise UserError(f"--queries must be at most {SIZE}, got {self.queries}")
        if self.columns is not None and self.columns.count(",") != 1:
            raise UserError(f"--columns must be QUERY,SCORE, got {self.columns!r}")

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods to run."""
        return DEFAULT if self.method == "default" else tuple(self.method.split(","))


def main(config: Config) -> None:
    """Run the searches, write result.json and the pictures, print the table."""
    if config.smoke:
        config = replace(config, runs=4, queries=40)
    tables = load(config)
    played = play(tables, config)
    records = [
        record(tables[data], name, codes[:, :budget])
        for (data, name), codes in played.items()
        for budget in budgets(config.queries)
    ]
    compare(records)
    write_result(config.out, records)
    scores = {key: tables[key[0]].score(codes) for key, codes in played.items()}
    write_picture(config.out, "search.png", pictures.search(tables, scores))
    regrets = {
        (data, name): regret(tables[data], codes)
        for (data, name), codes in played.items()
        if name in REGRET
    }
    if regrets:
        write_picture(config.out, "regret.png", pictures.regret(regrets))
    print(f"written to {config.out}: result.json, search.png" + ", regret.png" * bool(regrets))
    print(table(records, COLUMNS))


COLUMNS = (
    "dataset", "method", "queries", "runs", "mean", "std", "stderr", "found_best",
    "experts_ahead", "ahead_stderr",
)  # fmt: skip


def load(config: Config) -> dict[str, Table]:
    """The tables by the name of their data set."""
    if config.table is None:
        if not config.smoke:
            raise UserError("--table is needed: a CSV file of NAS-Bench-201, or use --smoke")
        write_synthetic(config.out / "synthetic.csv")
        return {"synthetic": read(str(config.out / "synthetic.csv"), "synthetic")}
    return {
        data: read(config.table, data, asked_columns(config.columns, data))
        for data in config.dataset.split(",")
    }


def asked_columns(text: str | None, data: str) -> tuple[str, str] | None:
    """Columns of --columns for one data set."""
    if text is None:
        return None
    query, score = text.replace("{}", data).split(",")
    return query, score


def play(tables: Mapping[str, Table], config: Config) -> dict[tuple[str, str], Numbers]:
    """Run every method on every data set; codes of the queries, (runs, queries)."""
    runs = np.array_split(np.arange(config.runs), -(-config.runs // CHUNK))
    tasks = [
        (data, name, int(some[0]), len(some))
        for name in config.methods
        for data in tables
        for some in runs
    ]
    work = joblib.Parallel(n_jobs=config.jobs, return_as="generator_unordered")(
        joblib.delayed(searches)(tables[data], name, first, count, config)
        for data, name, first, count in tasks
    )
    played = {
        (data, name): np.empty((config.runs, config.queries), dtype=np.int64)
        for data in tables
        for name in config.methods
    }
    for data, name, first, codes in tqdm(work, total=len(tasks), desc="searching", unit="chunk"):
        played[data, name][first : first + len(codes)] = codes
    return played


def searches(
    table: Table, name: str, first: int, count: int, config: Config
) -> tuple[str, str, int, Numbers]:
    """Some runs of one method: data set, method, `first` (from 0), codes (count, T)."""
    loss = 1 - table.valid / 100
    numbers = range(config.first + first, config.first + first + count)
    generators = [np.random.default_rng([config.seed, number]) for number in numbers]
    codes = METHODS[name](lambda asked: loss[asked], config.queries, generators)
    return table.name, name, first, codes


def budgets(queries: int) -> list[int]:
    """Numbers of queries to report on, the last one `queries`."""
    return [*(budget for budget in BUDGETS if budget < queries), queries]


def record(table: Table, name: str, codes: Numbers) -> dict[str, Any]:
    """One record of R runs, codes (R, T), at their end."""
    scores = table.score(codes)[:, -1]
    best = table.valid == table.valid.max()
    return {
        "dataset": table.name,
        "method": name,
        "queries": codes.shape[1],
        "runs": len(codes),
        "mean": float(scores.mean()),
        "std": float(scores.std()),
        "stderr": float(scores.std() / np.sqrt(len(codes))),
        "found_best": float(best[codes].any(-1).mean()),
        "error_rate_regret": float(regret(table, codes)[:, -1].mean()) if name in REGRET else None,
    }


def compare(records: list[dict[str, Any]]) -> None:
    """Add to each record how far `experts` is ahead in the mean, with its standard error."""
    ours = {(r["dataset"], r["queries"]): r for r in records if r["method"] == "experts"}
    for entry in records:
        other = ours.get((entry["dataset"], entry["queries"]))
        if other is not None and other is not entry:
            entry["experts_ahead"] = other["mean"] - entry["mean"]
            entry["ahead_stderr"] = float(np.hypot(other["stderr"], entry["stderr"]))


def regret(table: Table, codes: Numbers) -> Numbers:
    """Regret to the best architecture after each query, (R, T); loss = error rate in [0, 1]."""
    loss = 1 - table.valid / 100
    return np.cumsum(loss[codes] - loss.min(), axis=-1)


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
