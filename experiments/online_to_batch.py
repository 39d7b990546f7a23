#!/usr/bin/env python3
"""From online to batch: the excess risk of one final decision, and the regret that bounds it.

Losses are drawn i.i.d. from a population whose risk is known exactly, so no test set is needed.
Regret is to the population's best decision, over the rounds played.
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
from studies.online_to_batch.populations import Linear, Population, synthetic
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
DELTA = 0.05
"""delta of the bounds that hold with probability 1 - delta, for the average iterate."""
PROMISED = ("average", "anytime", "random")
"""Decisions whose expected excess risk is at most E[R_T] / T, by a theorem."""


@dataclass(frozen=True)
class Config:
    """The excess risk of one final decision, and the regret that bounds it."""

    games: int = 200
    """Independent games."""
    rounds: int = 3000
    """T; the learner needs no horizon, so the same games give the figures for all smaller T."""
    seed: int = 0
    """Seed of every random choice."""
    out: Path = Path("runs/online_to_batch")
    """Folder for result.json and the picture."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes above."""

    def __post_init__(self) -> None:
        at_least(self, games=2, rounds=10, seed=0)


class Curves(NamedTuple):
    """Excess risks and regrets of S games after each of R numbers of rounds."""

    points: Any
    """(R,): numbers of rounds"""
    excess: dict[str, Any]
    """decision -> (R, S): its risk less the smallest risk of all decisions"""
    regret: dict[str, Any]
    """"plays" or "anytime" -> (R, S): regret with gradients taken there, divided by the rounds"""
    bound: Any
    """(R,): the a-priori bound on either regret, divided by the rounds"""
    loss: Any
    """(R, S): mean loss of the plays so far"""
    least: float
    """the smallest risk of all decisions"""


def main(config: Config) -> None:
    """Play all cases, write result.json and the picture, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    cases: dict[str, Population] = {
        "linear": Linear(np.asarray([0.4, 0.45, 0.5, 0.5, 0.5, 0.5, 0.55, 0.6])),
        "squared": synthetic(np.random.default_rng(config.seed)),
    }
    curves = {name: run(name, population, config) for name, population in cases.items()}
    records = [row for name, found in curves.items() for row in report(name, found)]
    write_result(config.out, records)
    write_picture(config.out, "online_to_batch.png", picture(curves, config))
    columns = ("case", "decision", "T", "games", "excess_risk", "regret_over_t", "margin",
        "margin_low_95", "bound_over_t", "promised",
        "risk_missed", "excess_missed")  # fmt: skip
    print(table([r for r in records if r["T"] == config.rounds], columns))
    print(f"written to {config.out}")


def run(name: str, population: Population, config: Config) -> Curves:
    """Play two learners on the same draws: gradients at the plays, and at their average."""
    rng = np.random.default_rng(config.seed + 1)
    shape = (config.games, population.experts)
    learner = experts.adahedge()
    state = other = learner.init(np.zeros(shape))
    point = np.zeros(shape)
    total = np.zeros(shape)
    regret = {"plays": np.zeros(config.games), "anytime": np.zeros(config.games)}
    suffered, means = np.zeros(config.games), []
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
        suffered += population.loss(play, z)
        regret["plays"] += population.loss(play, z) - population.loss(best, z)
        regret["anytime"] += np.sum((step - best) * at_point, axis=-1)
        total += population.loss(np.eye(population.experts), z[:, None])
        state = learner.update(state, play, Feedback(slope))
        other = learner.update(other, step, Feedback(at_point))
        if t in points:
            means.append(suffered / t)
            for key, decision in decisions(plays[:t], point, total, rng).items():
                excess[key].append(population.risk(decision) - population.least)
            for key, sums in regret.items():
                over_t[key].append(sums / t)
    a_priori = [bounds.adahedge(population.experts, t, population.loss_range) for t in points]
    return Curves(
        points=points,
        excess={key: np.stack(found) for key, found in excess.items()},
        regret={key: np.stack(found) for key, found in over_t.items()},
        bound=np.asarray(a_priori) / points,
        loss=np.stack(means),
        least=population.least,
    )


def missed(curves: Curves, index: int) -> dict[str, float]:
    """Shares of the games in which a bound of the average iterate, for `DELTA`, was too small."""
    rounds, excess = int(curves.points[index]), curves.excess["average"][index]
    over_t, loss = curves.regret["plays"][index], curves.loss[index]
    risk = [bounds.batch_risk(min(each, 1.0), rounds, DELTA) for each in loss.tolist()]
    apart = [bounds.batch_excess_risk(each * rounds, rounds, DELTA) for each in over_t.tolist()]
    return {
        "risk_missed": float(np.mean(excess + curves.least > risk)),
        "excess_missed": float(np.mean(excess > apart)),
    }


def decisions(plays: Any, point: Any, total: Any, rng: np.random.Generator) -> dict[str, Any]:
    """The `DECISIONS` after t rounds, (S, K) each, from plays (t, S, K) and total losses (S, K)."""
    leader = experts.best_cumulative(total, np.ones(total.shape, dtype=bool))
    return {
        "average": experts.average_iterate(plays),
        "anytime": point,
        "random": experts.sample_iterate(plays, rng.random((len(total), 1))),
        "last": plays[-1],
        "leader": np.eye(total.shape[-1])[leader],
    }


def report(name: str, curves: Curves) -> list[dict[str, Any]]:
    """One record for each decision and number of rounds.

    `margin` is the mean over games of R_T / T - excess risk; `margin_low_95` and `margin_high_95`
    are its 95 % confidence interval. The theorem says that its expectation is at least 0;
    `violated` if the mean is below 0 by more than 4 standard errors. Of the average iterate also
    what is `missed`, which should be at most `DELTA`.
    """
    records = []
    for decision, excess in curves.excess.items():
        regret = curves.regret["anytime" if decision == "anytime" else "plays"]
        margin = regret - excess
        half = half_width(margin)
        for i, rounds in enumerate(curves.points.tolist()):
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
                "bound_over_t": float(curves.bound[i]),
                "promised": decision in PROMISED,
                "violated": middle < -4 * float(half[i]) / NORMAL_95,
                **(missed(curves, i) if decision == "average" else {}),
            })  # fmt: skip
    return records


def picture(cases: dict[str, Curves], config: Config) -> Figure:
    """Panels of excess risk over rounds, one for each case, with the lines that bound it."""
    figure = Figure(figsize=(4.5 * len(cases), 5), layout="constrained")
    panels = figure.subplots(1, len(cases), squeeze=False)[0]
    for axes, (name, curves) in zip(panels, cases.items(), strict=True):
        axes.plot(curves.points, curves.bound, color="0.3", ls=":", label="a-priori bound / T")
        for key, label, style in (
            ("plays", "E[regret] / T, gradients at the plays", "--"),
            ("anytime", "E[regret] / T, gradients at the average", "-."),
        ):
            curve(axes, curves.points, curves.regret[key], label, color="0.3", ls=style, lw=1)
        for index, (key, label) in enumerate(DECISIONS.items()):
            curve(axes, curves.points, curves.excess[key], label, color=f"C{index}")
        axes.set(xscale="log", yscale="log")
        # Log axes cannot show an excess of 0: the decisions with a guarantee set the lower limit.
        axes.set_ylim(bottom=min(curves.excess[key].mean(axis=-1).min() for key in PROMISED) / 10)
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
