#!/usr/bin/env python3
"""Online convex optimisation: every learner's regret beside its certificate, on three problems.

Rounds are drawn independently around a hidden point u; regret is to u, which is the best point of
the population. Absolute losses of one coordinate at a time, some rare (convex); squared distances
(strongly convex); squared errors of linear predictions (exp-concave).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from common.bands import curve, half_width, tidy
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from matplotlib.figure import Figure
from tqdm import tqdm

from experts import convex

SMOKE: dict[str, Any] = {"games": 4, "rounds": 60}
SIZE = 6


class Problem(Protocol):
    """Losses around a hidden point."""

    point: Any
    """u, (d,)"""
    title: str

    def learners(self) -> dict[str, Any]:
        """The learners that play it, by label."""

    def draw(self, rng: np.random.Generator, games: int) -> Any:
        """What a round's losses are made of, for each game."""

    def loss(self, x: Any, drawn: Any) -> tuple[Any, Any]:
        """f(x), (games,), and its gradient (games, d)."""


class Absolute:
    """f(x) = |x_i - y|, coordinate i with a chance in proportion to 1 / i**3."""

    point = np.where(np.arange(SIZE) % 2 == 0, 0.5, -0.5)
    title = "convex: |x_i - y|, box"

    def learners(self) -> dict[str, Any]:
        """For convex losses."""
        box = convex.Box(-1, 1)
        return {
            "OGD": convex.ogd(box),
            "AdaGrad": convex.adagrad(box),
            "linearised FTRL": convex.linearised_ftrl(box),
            "coin betting (no box)": convex.coin_betting(coordinates=True),
        }

    def draw(self, rng: np.random.Generator, games: int) -> Any:
        """Coordinates, and their targets."""
        chance = 1.0 / np.arange(1, SIZE + 1) ** 3
        index = rng.choice(SIZE, size=games, p=chance / chance.sum())
        return np.eye(SIZE)[index], self.point[index] + rng.uniform(-0.4, 0.4, games)

    def loss(self, x: Any, drawn: Any) -> tuple[Any, Any]:
        """|x_i - y|."""
        error = np.sum(x * drawn[0], axis=-1) - drawn[1]
        return np.abs(error), np.sign(error)[:, None] * drawn[0]


class Distance:
    """f(x) = |x - y|**2 / 2."""

    point = np.full(SIZE, 0.2)
    title = "strongly convex: |x - y|² / 2, ball"

    def learners(self) -> dict[str, Any]:
        """One for strongly convex losses, and others."""
        return {
            "OGD": convex.ogd(),
            "strongly convex OGD": convex.strongly_convex_ogd(1.0),
            "linearised FTRL": convex.linearised_ftrl(),
        }

    def draw(self, rng: np.random.Generator, games: int) -> Any:
        """y, (games, d)."""
        return self.point + rng.normal(0, 0.5, (games, SIZE))

    def loss(self, x: Any, drawn: Any) -> tuple[Any, Any]:
        """|x - y|**2 / 2."""
        return np.sum((x - drawn) ** 2, axis=-1) / 2, x - drawn


class Prediction:
    """f(x) = (<a, x> - b)**2 / 2, |a| = 1, |b| <= 1: an error of at most 2.

    f(x) - f(u) = <g, x - u> - <g, x - u>**2 / (2 error**2), so gamma = 1/4.
    """

    point = np.full(SIZE, 0.2)
    title = "exp-concave: (<a, x> - b)² / 2, ball"

    def learners(self) -> dict[str, Any]:
        """One for exp-concave losses, and others."""
        return {
            "OGD": convex.ogd(),
            "online Newton step": convex.online_newton_step(1 / 4),
            "AdaGrad, full matrix": convex.adagrad(full=True),
        }

    def draw(self, rng: np.random.Generator, games: int) -> Any:
        """a (games, d) and b (games,)."""
        rows = rng.normal(size=(games, SIZE))
        rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
        return rows, rows @ self.point + rng.choice([-0.5, 0.5], games)

    def loss(self, x: Any, drawn: Any) -> tuple[Any, Any]:
        """Half of the squared error."""
        error = np.sum(x * drawn[0], axis=-1) - drawn[1]
        return error**2 / 2, error[:, None] * drawn[0]


PROBLEMS: dict[str, Problem] = {
    "absolute": Absolute(),
    "distance": Distance(),
    "prediction": Prediction(),
}


@dataclass(frozen=True)
class Config:
    """Regret of convex learners beside their certificates."""

    games: int = 50
    """Independent games."""
    rounds: int = 5000
    """Rounds of a game."""
    seed: int = 0
    """Seed of every random choice."""
    out: Path = Path("runs/convex_losses")
    """Folder for result.json and the picture."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes above."""

    def __post_init__(self) -> None:
        at_least(self, games=2, rounds=10, seed=0)


class Curves(NamedTuple):
    """Of one learner, after each of R numbers of rounds, in S games."""

    regret: Any
    """(R, S)"""
    certificate: Any
    """(R, S)"""


def main(config: Config) -> None:
    """Play all problems, write result.json and the picture, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    points = np.unique(np.geomspace(10, config.rounds, 30).astype(int))
    found = {
        (name, label): play(problem, learner, points, config, f"{name}, {label}")
        for name, problem in PROBLEMS.items()
        for label, learner in problem.learners().items()
    }
    records = [row for (name, label), curves in found.items() for row in
        report(name, label, curves, points)]  # fmt: skip
    write_result(config.out, records)
    write_picture(config.out, "convex.png", picture(found, points, config))
    columns = ("problem", "learner", "T", "games", "regret", "half_width_95", "certificate",
        "violations")  # fmt: skip
    print(table([row for row in records if row["T"] == config.rounds], columns))
    print(f"written to {config.out}")


def play(problem: Problem, learner: Any, points: Any, config: Config, label: str) -> Curves:
    """All games of a learner, side by side."""
    rng = np.random.default_rng(config.seed)
    aim = np.broadcast_to(problem.point, (config.games, SIZE))
    state, regret = learner.init(0.0 * aim), np.zeros(config.games)
    rows = []
    for t in tqdm(range(1, config.rounds + 1), desc=label, unit="round", mininterval=1):
        drawn, point = problem.draw(rng, config.games), learner.predict(state)
        loss, gradient = problem.loss(point, drawn)
        regret = regret + loss - problem.loss(aim, drawn)[0]
        state = learner.update(state, point, gradient)
        if t in points:
            rows.append((regret, learner.certificate(state, aim)))
    return Curves(*(np.stack(column) for column in zip(*rows, strict=True)))


def report(name: str, label: str, curves: Curves, points: Any) -> list[dict[str, Any]]:
    """One record for each number of rounds; a violation is a game with regret > certificate."""
    return [
        {
            "problem": name,
            "learner": label,
            "T": rounds,
            "games": curves.regret.shape[1],
            "regret": float(curves.regret[i].mean()),
            "half_width_95": float(half_width(curves.regret[i])),
            "certificate": float(curves.certificate[i].mean()),
            "violations": int(np.sum(curves.regret[i] > curves.certificate[i] + 1e-9)),
        }
        for i, rounds in enumerate(points.tolist())
    ]


def picture(found: dict[tuple[str, str], Curves], points: Any, config: Config) -> Figure:
    """A panel for each problem: regret in full lines, certificates dashed."""
    figure = Figure(figsize=(4.2 * len(PROBLEMS), 4.4), layout="constrained")
    panels = figure.subplots(1, len(PROBLEMS), squeeze=False)[0]
    for axes, (name, problem) in zip(panels, PROBLEMS.items(), strict=True):
        for index, label in enumerate(problem.learners()):
            curves, color = found[name, label], f"C{index}"
            curve(axes, points, curves.regret, label, color=color)
            axes.plot(points, curves.certificate.mean(axis=-1), color=color, ls="--", lw=1)
        axes.set(xscale="log", yscale="log")
        axes.plot([], [], color="0.3", ls="--", lw=1, label="certificate")
        tidy(axes, problem.title, "rounds T", "regret to u, total loss", "upper left")
    title = f"Regret (full) beside its certificate (dashed): means over {config.games} games, 95 %"
    figure.suptitle(title, fontsize=11)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
