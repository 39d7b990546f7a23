#!/usr/bin/env python3
"""Try to break every regret bound, and show how tight each one is.

Every registered learner, or one's own, plays every opponent over many horizons and seeds. Each game
is checked against the a-priori bound in `studies.regret_bounds.claims.BOUNDS` and against the
learner's own certificate.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
from common.command import run_command
from common.output import table, write_picture, write_result
from studies.regret_bounds import pictures
from studies.regret_bounds.claims import Contender, contenders
from studies.regret_bounds.matches import (
    DETERMINED,
    DRAWN,
    Match,
    RealSequence,
    Task,
    parallel,
    plan,
    split,
    sweep,
)
from studies.regret_bounds.own import Own, own
from studies.regret_bounds.verdicts import Record, records, summary
from studies.regret_bounds.worst_sequence import search

import experts
from experts import bounds
from experts.analysis.worst_case import two_experts
from nas_adapter.errors import UserError

SMOKE: dict[str, Any] = {
    "horizons": (20, 100), "sweep": (2, 4), "sweep_horizon": 50, "budget": 0.003,
    "worst_horizon": 20, "steps": 20,
}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Try to break every regret bound, and show how tight each one is."""

    learner: tuple[str, ...] = ()
    """Who plays: names in the registry, or FILE.py:NAME for a learner of your own (NAME is one, or
    makes one; it is given the horizon if it has an argument `horizon`), or FILE.py:NAME:BOUND with
    a function (K, T) for losses in [0, 1]. Default: everyone registered."""
    horizons: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    """T. Games above 10,000 rounds need a compiled engine and a randomly drawn sequence; bandits
    against other opponents stop at 1,000."""
    experts: int = 10
    """K, at least 2."""
    sweep: tuple[int, ...] = (2, 4, 8, 16, 32, 64)
    """Numbers of experts at which the growth of regret in K is measured."""
    sweep_horizon: int = 1_000
    """T of that sweep; it should be one of --horizons, so that the games of --experts count too."""
    budget: float = 1.0
    """Scales the number of games. 1: with compiled engines 10,000 games against each opponent at
    T = 100 and 100 from T = 10,000 on, a tenth of that without."""
    worst_horizon: int = 100
    """T of the worst sequences."""
    worst_experts: int = 5
    """K of the worst sequence that is searched for beside the exact one for two experts."""
    steps: int = 100
    """Steps of the gradient ascent in that search."""
    relatives: Path | None = None
    """CSV file (.gz or not) of price relatives, a row a day: its windows are another opponent."""
    predictions: Path | None = None
    """CSV file (.gz or not) of experts' predictions: likewise, with squared errors as losses."""
    target: str = "target"
    """Column of --predictions with the values that are predicted."""
    columns: tuple[str, ...] = ()
    """Columns of --predictions that are experts. Default: all but the target."""
    jobs: int = -1
    """Processes; -1: as many as there are cores."""
    backend: str | None = None
    """joblib's backend: loky, threading, multiprocessing, or a registered one such as dask or ray.
    Default: joblib's own, or that of a joblib.parallel_config around `main`."""
    out: Path = Path("runs/regret_bounds")
    """Folder for result.json and the pictures."""
    smoke: bool = False
    """A tiny run, in under a minute; overrides the sizes above."""

    def __post_init__(self) -> None:
        sizes = (*self.horizons, *self.sweep, self.sweep_horizon, self.worst_horizon, self.steps)
        if min(sizes) < 1 or not self.horizons:
            raise UserError("horizons, numbers of experts and steps must be at least 1")
        if min(self.experts, self.worst_experts, *self.sweep) < 2:
            raise UserError("numbers of experts must be at least 2")
        if not 0 < self.budget < 1e6:
            raise UserError(f"--budget must be a positive number, got {self.budget}")


def main(config: Config) -> None:
    """Play all matches, write result.json and the pictures, print the summary."""
    if config.smoke:
        config = replace(config, **SMOKE)
    chosen = players(config.learner)
    tasks = all_tasks(config, chosen)
    found: list[Record] = []
    for match, outcomes in sweep(tasks, config.backend, config.jobs).items():
        found += records(match, outcomes)
    write_result(config.out, found)

    rows = summary(found, config.experts)
    shown = [contender.label for contender in shown_contenders(rows, chosen)]
    write_picture(config.out, "growth.png", pictures.growth(found, shown, config.experts))
    write_picture(config.out, "tightness.png", pictures.tightness(found))
    line = "" if config.learner else f"\n{worst_sequences(config)}\n"

    columns = list(dict.fromkeys(name for row in rows for name in row))
    print(f"{line}\n{table(rows, columns)}\n")
    games, wrong = (sum(row[name] for row in rows) for name in ("games", "violations"))
    print(f"{games:,} games; {wrong} violations; written to {config.out}")


def players(names: Sequence[str]) -> list[Contender | Own]:
    """Everyone registered, in all of their settings, or those whom --learner names."""
    if not names:
        return [*contenders()]
    known = {contender.name for contender in contenders()}
    files = {name: own(name) for name in names if name not in known}
    registered = [contender for contender in contenders() if contender.name in names]
    return [*files.values(), *registered]


def shown_contenders(rows: list[Record], chosen: list[Contender | Own]) -> list[Contender | Own]:
    """Contenders in the picture of growth: one's own, and of each preset with a bound one setting.

    That is the one tuned to T if there is one, else the one with the tightest bound.
    """
    mine = [c for c in chosen if isinstance(c, Own)]
    order = [row["learner"] for row in rows if row["holds"] != "certificate"]
    bounded = [c for c in chosen if isinstance(c, Contender) and c.label in order]
    bounded.sort(key=lambda c: ("horizon" in c.setting, -order.index(c.label)))
    return [*mine, *sorted({c.name: c for c in bounded}.values(), key=lambda c: c.name)]


def all_tasks(config: Config, chosen: list[Contender | Own]) -> list[Task]:
    """All tasks: every horizon at --experts, one horizon at other K, windows of real sequences."""
    matches = [
        (Match(contender, group, config.experts, t), config.budget)
        for contender in chosen
        for group in (DRAWN, DETERMINED)
        for t in config.horizons
    ]
    for contender in chosen:
        # The growth in K looks at the worst opponent only, and for bandits that one is drawn. A
        # tenth of the games is enough.
        groups = (DRAWN,) if contender.bandit else (DRAWN, DETERMINED)
        for k, group in itertools.product(set(config.sweep) - {config.experts}, groups):
            matches.append((Match(contender, group, k, config.sweep_horizon), config.budget / 10))
    for contender, sequence in itertools.product(chosen, real_sequences(config)):
        rounds, k = sequence.losses().shape
        horizons = [t for t in config.horizons if t <= rounds]
        matches += [(Match(contender, sequence, k, t), config.budget) for t in horizons]
    return [task for match, budget in matches for task in split(match, plan(match, budget))]


def real_sequences(config: Config) -> list[RealSequence]:
    """The real sequences that the options name."""
    given = []
    if config.relatives:
        given.append(RealSequence("price relatives", config.relatives, {"kind": "relatives"}))
    if config.predictions:
        options: dict[str, Any] = {"kind": "predictions", "target": config.target}
        options |= {"columns": list(config.columns)} if config.columns else {}
        given.append(RealSequence("predictions", config.predictions, options))
    return given


def worst_sequences(config: Config) -> str:
    """Draw worst sequences for two experts, exact and by search, and for more by search.

    Returns a line that compares their regrets with the bound.
    """
    rounds, many = config.worst_horizon, config.worst_experts
    learner = experts.hedge(horizon=rounds)
    exact = two_experts(learner, rounds)
    with parallel(config.backend, config.jobs):
        two, more = joblib.Parallel()(
            joblib.delayed(search)(learner, rounds, k, steps=config.steps) for k in (2, many)
        )

    def share(regret: float, k: int) -> float:
        return regret / bounds.hedge_tuned(k, rounds)

    found = {"dynamic programming": exact.losses, "search": two.losses}
    write_picture(config.out, "worst_sequence.png", pictures.worst(rounds, found, more.losses))
    return (
        f"worst losses for hedge(horizon={rounds}), regret / bound: K=2 exact "
        f"{share(exact.value, 2):.4f}, by gradient ascent {share(two.ascended, 2):.4f} and with "
        f"single changes after it {share(two.regret, 2):.4f}; K={many} "
        f"{share(more.ascended, many):.4f} and {share(more.regret, many):.4f}"
    )


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
