#!/usr/bin/env python3
"""Learners against each other: duality gap and certificate, at random matrices and Kuhn poker."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common.bands import tidy
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

import experts
from experts import predictive_regret_matching, regret_matching, regret_matching_plus
from experts.games import Match, ZeroSum, kuhn, matrix_game, tree_game

SMOKE: dict[str, Any] = {"games": 5, "rounds": 50}
ACTIONS = 10
PLUS: dict[str, bool] = {"alternating": True, "linear": True}
ETA = 2 * (math.sqrt(2) - 1)
"""The largest rate for which optimistic Hedge's regret is constant, for payoffs in [0, 1]."""

Contender = tuple[str, Any, dict[str, bool]]
"""Its name, the learner that both players use, options of the match."""


@dataclass(frozen=True)
class Config:
    """Duality gap and certificate of learners that play each other."""

    games: int = 50
    """Random matrix games."""
    rounds: int = 10_000
    """T."""
    seed: int = 0
    """Seed of the matrices."""
    out: Path = Path("runs/self_play")
    """Folder for result.json and the picture."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes above."""

    def __post_init__(self) -> None:
        at_least(self, games=1, rounds=1, seed=0)


def main(config: Config) -> None:
    """Play all games, write result.json and the picture, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    payoffs = np.random.default_rng(config.seed).random((config.games, ACTIONS, ACTIONS))
    cases: dict[str, tuple[ZeroSum, list[Contender]]] = {
        "matrices": (matrix_game(payoffs), matrix_learners(config.rounds)),
        "Kuhn poker": (tree_game(kuhn()), POKER),
    }
    records = [
        row
        for case, (game, contenders) in cases.items()
        for contender in contenders
        for row in run(case, game, contender, config.rounds)
    ]
    write_result(config.out, records)
    write_picture(config.out, "self_play.png", picture(records, config))
    columns = ("case", "learner", "T", "gap", "certificate", "violations")
    print(table([r for r in records if r["T"] == config.rounds], columns))
    print(f"written to {config.out}")


def matrix_learners(rounds: int) -> list[Contender]:
    """Those that play the matrices; Hedge is tuned for T."""
    return [
        ("Hedge, tuned for T", experts.hedge(horizon=rounds), {}),
        ("regret matching", regret_matching(), {}),
        ("RM+, alternating, linear", regret_matching_plus(), PLUS),
        ("optimistic Hedge", experts.optimistic_hedge(ETA), {}),
    ]


POKER: list[Contender] = [
    ("CFR: regret matching", regret_matching(), {}),
    ("CFR with AdaHedge", experts.adahedge(), {}),
    ("CFR+: RM+, alternating, linear", regret_matching_plus(), PLUS),
    ("predictive CFR+", predictive_regret_matching(), PLUS),
]


def run(case: str, game: ZeroSum, contender: Contender, rounds: int) -> list[dict[str, Any]]:
    """One record for each of some numbers of rounds; means over the games, if there are several."""
    name, learner, options = contender
    points, records = set(np.unique(np.geomspace(1, rounds, 60).astype(int)).tolist()), []
    match = Match.open(learner, learner, game, **options)
    for t in tqdm(range(1, rounds + 1), desc=name, unit="round", mininterval=1):
        match = match.step()
        if t in points:
            gap, certificate = np.asarray(match.gap), np.asarray(match.certificate)
            records.append({
                "case": case,
                "learner": name,
                "T": t,
                "gap": float(gap.mean()),
                "certificate": float(certificate.mean()),
                "violations": int(np.sum(gap > certificate + 1e-9)),
            })  # fmt: skip
    return records


def picture(records: list[dict[str, Any]], config: Config) -> Figure:
    """A panel for each case: gaps as lines, the certificates above them dashed."""
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    matrices = f"{config.games} random {ACTIONS} x {ACTIONS} matrices in [0, 1] (means)"
    draw(left, [r for r in records if r["case"] == "matrices"], matrices)
    draw(right, [r for r in records if r["case"] != "matrices"], "Kuhn poker (ante 1, bet 1)")
    figure.suptitle("Duality gap of the average strategies (lines) and certificate (dashed)")
    return figure


def draw(axes: Axes, records: list[dict[str, Any]], title: str) -> None:
    """One panel."""
    for index, name in enumerate(dict.fromkeys(r["learner"] for r in records)):
        own = [r for r in records if r["learner"] == name]
        for key, style, label in (("gap", "-", name), ("certificate", "--", None)):
            x, y = [r["T"] for r in own], [r[key] for r in own]
            axes.plot(x, y, style, color=f"C{index}", label=label)
    axes.set(xscale="log", yscale="log")
    tidy(axes, title, "rounds T", "duality gap (payoff units)", "lower left")


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
