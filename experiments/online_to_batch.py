#!/usr/bin/env python3
"""From online to batch: the excess risk of one decision against the regret that it came from.

Losses are i.i.d. from a population whose risk is known exactly, so nothing is estimated on a test
set. Regret is to the best decision of the population, over the rounds played.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common.bands import NORMAL_95, curve, half_width, tidy
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from matplotlib.figure import Figure
from studies.online_to_batch.populations import Linear, Population, from_table, synthetic
from tqdm import tqdm

import experts
from experts import Feedback, bounds

SMOKE: dict[str, Any] = {"games": 100, "rounds": 100}
DECISIONS = {
    "average": "average iterate",
    "anytime": "last iterate, anytime conversion",
    "random": "random iterate",
    "last": "last iterate (no guarantee)",
    "leader": "best expert so far (no guarantee)",
}
PROMISED = ("average", "anytime", "random")
"""Decisions whose expected excess risk is at most E[R_T] / T."""


@dataclass(frozen=True)
class Config:
    """The excess risk of one decision against the regret that it came from."""

    games: int = 200
    """Independent games."""
    rounds: int = 3000
    """T; all shorter games are read off on the way, as the learner needs no horizon."""
    table: Path | None = None
    """CSV with a header: a target and forecasts of it; adds a case on real data."""
    target: str = "target"
    """Column of the table."""
    forecasters: tuple[str, ...] = ("gam", "ar", "gbm")
    """Columns of the table."""
    seed: int = 0
    """Of every random choice."""
    out: Path = Path("runs/online_to_batch")
    """Folder for the files."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes above."""

    def __post_init__(self) -> None:
        at_least(self, games=2, rounds=10, seed=0)


class Game(NamedTuple):
    """What was found at R points of S games."""

    points: Any
    """(R,): rounds played"""
    excess: dict[str, Any]
    """decision -> (R, S): risk less the least risk of all decisions"""
    regret: dict[str, Any]
    """"plays", "anytime" -> (R, S): the regret that promises it, divided by the rounds"""
    bound: Any
    """(R,): the a-priori bound on either regret, divided by the rounds"""


def main(config: Config) -> None:
    if config.smoke:
        config = replace(config, **SMOKE)
    cases: dict[str, Population] = {
        "linear": Linear(np.asarray([0.4, 0.45, 0.5, 0.5, 0.5, 0.5, 0.55, 0.6])),
        "squared": synthetic(np.random.default_rng(config.seed)),
    }
    if config.table is not None:
        name = "squared (table)"
        cases[name] = from_table(config.table, config.target, config.forecasters)
    games = {name: run(name, population, config) for name, population in cases.items()}
    records = [row for name, game in games.items() for row in report(name, game)]
    write_result(config.out, records)
    write_picture(config.out, "online_to_batch.png", picture(games, config))
    columns = ("case", "decision", "T", "games", "excess_risk", "regret_over_t", "margin",
        "margin_low_95", "bound_over_t", "promised")  # fmt: skip
    print(table([r for r in records if r["T"] == config.rounds], columns))
    print(f"written to {config.out}")


def run(name: str, population: Population, config: Config) -> Game:
    """Two learners on the same draws: gradients at the plays, and at the plays' average."""
    rng = np.random.default_rng(config.seed + 1)
    shape = (config.games, population.experts)
    learner = experts.adahedge()
    state = other = learner.init(np.zeros(shape))
    point = np.zeros(shape)
    total = np.zeros(shape)
    regret = {"plays": np.zeros(config.games), "anytime": np.zeros(config.games)}
    plays = np.empty((config.rounds, *shape))
    points = np.unique(np.geomspace(10, config.rounds, 25).astype(int))
    excess: dict[str, list[Any]] = {key: [] for key in DECISIONS}
    over_t: dict[str, list[Any]] = {key: [] for key in regret}
    best = population.best
    for t in tqdm(range(1, config.rounds + 1), desc=name, unit="round", mininterval=1):
        z = population.draw(rng, (config.games,))
        play, step = learner.predict(state), learner.predict(other)
        point = experts.anytime_iterate(point, step, t)
        plays[t - 1] = play
        slope, at_point = population.gradient(play, z), population.gradient(point, z)
        regret["plays"] += population.loss(play, z) - population.loss(best, z)
        regret["anytime"] += np.sum((step - best) * at_point, axis=-1)
        total += population.loss(np.eye(population.experts), z[:, None])
        state = learner.update(state, play, Feedback(slope))
        other = learner.update(other, step, Feedback(at_point))
        if t in points:
            for key, decision in decisions(plays[:t], point, total, rng).items():
                excess[key].append(population.risk(decision) - population.least)
            for key, sums in regret.items():
                over_t[key].append(sums / t)
    a_priori = [bounds.adahedge(population.experts, t, population.loss_range) for t in points]
    return Game(
        points=points,
        excess={key: np.stack(found) for key, found in excess.items()},
        regret={key: np.stack(found) for key, found in over_t.items()},
        bound=np.asarray(a_priori) / points,
    )


def decisions(plays: Any, point: Any, total: Any, rng: np.random.Generator) -> dict[str, Any]:
    """One (S, K) for each of `DECISIONS`, after plays (t, S, K) and experts' losses (S, K)."""
    leader = experts.best_cumulative(total, np.ones(total.shape, dtype=bool))
    return {
        "average": experts.average_iterate(plays),
        "anytime": point,
        "random": experts.sample_iterate(plays, rng.random((len(total), 1))),
        "last": plays[-1],
        "leader": np.eye(total.shape[-1])[leader],
    }


def report(name: str, game: Game) -> list[dict[str, Any]]:
    """One record for each decision and number of rounds.

    `margin` is the mean of R_T / T - excess risk over the games, `margin_low_95` and
    `margin_high_95` its 95 % confidence interval. The theorem says that its expectation is at
    least 0; `violated` if the mean is more than 4 standard errors below.
    """
    records = []
    for decision, excess in game.excess.items():
        regret = game.regret["anytime" if decision == "anytime" else "plays"]
        margin = regret - excess
        half = half_width(margin)
        for i, rounds in enumerate(game.points.tolist()):
            middle = float(margin[i].mean())
            records.append({
                "case": name,
                "decision": decision,
                "T": rounds,
                "games": excess.shape[1],
                "excess_risk": float(excess[i].mean()),
                "excess_half_width_95": float(half_width(excess[i])),
                "regret_over_t": float(regret[i].mean()),
                "margin": middle,
                "margin_low_95": middle - float(half[i]),
                "margin_high_95": middle + float(half[i]),
                "bound_over_t": float(game.bound[i]),
                "promised": decision in PROMISED,
                "violated": middle < -4 * float(half[i]) / NORMAL_95,
            })  # fmt: skip
    return records


def picture(games: dict[str, Game], config: Config) -> Figure:
    """A panel for each case: excess risks, and below which line they are promised to be."""
    figure = Figure(figsize=(4.5 * len(games), 5), layout="constrained")
    panels = figure.subplots(1, len(games), squeeze=False)[0]
    for axes, (name, game) in zip(panels, games.items(), strict=True):
        axes.plot(game.points, game.bound, color="0.3", ls=":", label="a-priori bound / T")
        for key, label, style in (
            ("plays", "E[regret] / T, gradients at the plays", "--"),
            ("anytime", "E[regret] / T, gradients at the average", "-."),
        ):
            curve(axes, game.points, game.regret[key], label, color="0.3", ls=style, lw=1)
        for index, (key, label) in enumerate(DECISIONS.items()):
            curve(axes, game.points, game.excess[key], label, color=f"C{index}")
        axes.set(xscale="log", yscale="log")
        # An excess of 0 has no place here: the decisions with a promise say how far down to show.
        axes.set_ylim(bottom=min(game.excess[key].mean(axis=-1).min() for key in PROMISED) / 10)
        tidy(axes, f"{name} loss", "rounds T", "excess risk (exact)", None)
    lines, labels = panels[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    figure.suptitle(f"AdaHedge; means and 95 % bands over {config.games} games", fontsize=11)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
