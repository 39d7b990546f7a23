#!/usr/bin/env python3
"""Try to break every regret bound, and show how tight each one is.

Every registered learner plays every opponent over many horizons and seeds; each game is checked
against the a-priori bound of `regret_claims.BOUNDS` and against the learner's own certificate.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
from common.command import run_command
from common.output import table, write_picture, write_result
from studies.regret_bounds import pictures
from studies.regret_bounds.claims import Player, players
from studies.regret_bounds.games import (
    DETERMINED,
    DRAWN,
    Cell,
    Source,
    Task,
    parallel,
    plan,
    split,
    sweep,
)
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

    horizons: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    """T. The longest are for learners with a compiled engine against oblivious opponents; others
    step through Python and stop at 10,000 (bandits against opponents that see the play: 1,000)."""
    experts: int = 10
    """K, at least 2."""
    sweep: tuple[int, ...] = (2, 4, 8, 16, 32, 64)
    """Numbers of experts for the growth of regret in K."""
    sweep_horizon: int = 1_000
    """T of that sweep; with --experts, it should be one of --horizons."""
    budget: float = 1.0
    """Multiplies the number of games. 1: 10,000 games a cell at T = 100 and 100 from T = 10,000 on
    with compiled engines, a tenth of that without."""
    worst_horizon: int = 100
    """T of the worst sequences."""
    worst_experts: int = 5
    """K of the one that cannot be computed exactly."""
    steps: int = 100
    """Of the gradient ascent that looks for it."""
    relatives: Path | None = None
    """A CSV file (.gz too) of price relatives, rows are days: its windows are an opponent too."""
    predictions: Path | None = None
    """A CSV file (.gz too) of experts' predictions: the same, with squared errors as losses."""
    target: str = "target"
    """Column of --predictions that they predict."""
    columns: tuple[str, ...] = ()
    """Columns of --predictions that are experts. Default: all others."""
    jobs: int = -1
    """Processes; -1: as many as cores."""
    backend: str | None = None
    """Of joblib: loky, threading, multiprocessing, or one that is registered, such as dask or ray.
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
    if config.smoke:
        config = replace(config, **SMOKE)
    tasks = games_to_play(config)
    found: list[Record] = []
    for cell, games in sweep(tasks, config.backend, config.jobs).items():
        found += records(cell, games)
    write_result(config.out, found)

    rows = summary(found, config.experts)
    shown = [player.label for player in shown_players(rows)]
    write_picture(config.out, "growth.png", pictures.growth(found, shown, config.experts))
    write_picture(config.out, "tightness.png", pictures.tightness(found))
    line = worst_sequences(config)

    columns = list(dict.fromkeys(name for row in rows for name in row))
    print(f"\n{line}\n\n{table(rows, columns)}\n")
    games, wrong = (sum(row[name] for row in rows) for name in ("games", "violations"))
    print(f"{games:,} games; {wrong} violations; written to {config.out}")


def shown_players(rows: list[Record]) -> list[Player]:
    """Of each preset one setting with a bound: tuned for T if there is one, else the tightest."""
    order = [row["learner"] for row in rows if row["holds"] != "certificate"]
    bounded = [player for player in players() if player.label in order]
    bounded.sort(key=lambda player: ("horizon" in player.setting, -order.index(player.label)))
    return sorted({player.name: player for player in bounded}.values(), key=lambda p: p.name)


def games_to_play(config: Config) -> list[Task]:
    """All horizons at K experts; one horizon at the other K; windows of the real sequences."""
    cells = [
        (Cell(player, group, config.experts, t), config.budget)
        for player in players()
        for group in (DRAWN, DETERMINED)
        for t in config.horizons
    ]
    for player in players():
        # For the growth in K the worst opponent is enough: a bandit's is drawn, a tenth will do.
        groups = (DRAWN,) if player.bandit else (DRAWN, DETERMINED)
        for k, group in itertools.product(set(config.sweep) - {config.experts}, groups):
            cells.append((Cell(player, group, k, config.sweep_horizon), config.budget / 10))
    for player, source in itertools.product(players(), sources(config)):
        rounds, k = source.losses().shape
        horizons = [t for t in config.horizons if t <= rounds]
        cells += [(Cell(player, source, k, t), config.budget) for t in horizons]
    return [task for cell, budget in cells for task in split(cell, plan(cell, budget))]


def sources(config: Config) -> list[Source]:
    """The real sequences that were given."""
    given = []
    if config.relatives:
        given.append(Source("price relatives", config.relatives, {"kind": "relatives"}))
    if config.predictions:
        options: dict[str, Any] = {"kind": "predictions", "target": config.target}
        options |= {"columns": list(config.columns)} if config.columns else {}
        given.append(Source("predictions", config.predictions, options))
    return given


def worst_sequences(config: Config) -> str:
    """The exact worst case of two experts beside the one found by search, and one for more."""
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
