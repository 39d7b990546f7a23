#!/usr/bin/env python3
"""Changing worlds: regret over every interval of rounds, and against a target that moves.

Experts whose best one changes, at times that are not known: the largest regret over all intervals
of each length. A target that walks round a circle, at several speeds: regret to its whole path.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common.bands import curve, half_width, tidy
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from matplotlib.figure import Figure
from tqdm import tqdm

import experts
from experts import Feedback, IntervalLedger, bounds, convex
from experts.learners.strongly_adaptive import covering

SMOKE: dict[str, Any] = {"games": 3, "rounds": 64}
EXPERTS = 8
SPEEDS = np.asarray([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
"""Rounds of the circle in a game."""


@dataclass(frozen=True)
class Config:
    """Regret over intervals, and to a moving target."""

    games: int = 20
    """Independent games."""
    rounds: int = 4096
    """Rounds of a game."""
    seed: int = 0
    """Seed of every random choice."""
    out: Path = Path("runs/changing_worlds")
    """Folder for result.json and the picture."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes above."""

    def __post_init__(self) -> None:
        at_least(self, games=2, rounds=32, seed=0)


def main(config: Config) -> None:
    """Play both kinds of games, write result.json and the picture, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    lengths = np.unique(np.geomspace(1, config.rounds, 25).astype(int))
    intervals, certified = over_intervals(lengths, config)
    paths, promised = along_paths(config)
    limits = [bounds.strongly_adaptive(EXPERTS, config.rounds, n) for n in lengths.tolist()]
    walked = path_lengths(config.rounds)
    moving = [bounds.ader(2.0, config.rounds, p) for p in walked.tolist()]
    records = [
        *records_of("interval", "length", lengths, intervals, certified, limits),
        *records_of("path", "path_length", walked, paths, promised, moving),
    ]
    write_result(config.out, records)
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_intervals(left, lengths, intervals, certified, limits)
    draw_paths(right, walked, paths, promised, moving)
    figure.suptitle(
        f"T = {config.rounds}; means over {config.games} games, 95 % bands", fontsize=11
    )
    write_picture(config.out, "changing_worlds.png", figure)
    columns = ("case", "learner", "length", "path_length", "regret", "half_width_95",
        "certificate", "bound", "violations")  # fmt: skip
    shown = [row for row in records if row.get("length", config.rounds) in {1, config.rounds // 4,
        config.rounds}]  # fmt: skip
    print(table(shown, columns))
    print(f"written to {config.out}")


def over_intervals(lengths: Any, config: Config) -> tuple[dict[str, Any], Any]:
    """Learner -> the largest regret over the intervals of each length, (lengths, games).

    And so the largest certificate, of the strongly adaptive learner.
    """
    rng = np.random.default_rng(config.seed)
    shape = (config.rounds, config.games, EXPERTS)
    # The best expert changes in one round of T / 6 on average, never to itself.
    moves = rng.integers(1, EXPERTS, shape[:2]) * (rng.random(shape[:2]) < 6 / config.rounds)
    best = np.cumsum(moves, axis=0) % EXPERTS
    means = np.where(np.arange(EXPERTS) == best[..., None], 0.2, 0.5)
    losses = (rng.random(shape) < means).astype(float)
    adaptive = experts.REGISTRY["strongly_adaptive"].make(config.rounds)
    learners: dict[str, Any] = {
        "strongly adaptive": adaptive,
        "Hedge": experts.hedge(horizon=config.rounds),
        "Fixed Share, told 6 changes": experts.fixed_share(
            eta=np.sqrt(8 * 7 * np.log(config.rounds) / config.rounds), alpha=6 / config.rounds
        ),
    }
    found, certificates = {}, []
    for label, learner in learners.items():
        state, plays = learner.init(losses[0]), []
        for loss in tqdm(losses, desc=label, unit="round", mininterval=1):
            plays.append(learner.predict(state))
            state = learner.update(state, plays[-1], Feedback(loss))
            if learner is adaptive:
                certificates.append(adaptive.interval_certificate(state).max(axis=-1))
        ledger = IntervalLedger.of(np.stack(plays), losses)
        found[label] = np.stack([ledger.worst(n) for n in lengths.tolist()])
    return found, np.stack([largest(np.stack(certificates), n) for n in lengths.tolist()])


def largest(certificates: Any, length: int) -> Any:
    """The largest certificate of an interval of this length, (games,), from blocks' (T, games, J).

    An interval's is the sum of those of its blocks, which are known when a block ends.
    """
    sums = [
        sum(certificates[(i + 1) * 2**j - 1, :, j] for j, i in covering(start, start + length))
        for start in range(len(certificates) - length + 1)
    ]
    return np.max(sums, axis=0)


def along_paths(config: Config) -> tuple[dict[str, Any], Any]:
    """Learner -> regret to the target's path, (speeds, games), and Ader's certificate.

    Losses are distances from the target, as it is seen.
    """
    rng = np.random.default_rng(config.seed)
    ader = convex.ader(config.rounds)
    learners: dict[str, Any] = {
        "Ader": ader,
        "OGD, adaptive rate": convex.ogd(),
        "OGD, D / (G sqrt(T))": convex.ogd(horizon=config.rounds),
    }
    states = {label: learner.init(np.zeros((len(SPEEDS), config.games, 2))) for label, learner in
        learners.items()}  # fmt: skip
    regret = {label: np.zeros((len(SPEEDS), config.games)) for label in learners}
    for t in tqdm(range(config.rounds), desc="paths", unit="round", mininterval=1):
        aim = target(t / (config.rounds - 1))[:, None]
        seen = aim + rng.normal(0, 0.3, (1, config.games, 2))
        for label, learner in learners.items():
            point = learner.predict(states[label])
            apart = np.linalg.norm(point - seen, axis=-1)
            regret[label] += apart - np.linalg.norm(aim - seen, axis=-1)
            slope = (point - seen) / np.maximum(apart, 1e-12)[..., None]
            states[label] = learner.update(states[label], point, slope)
    return regret, ader.dynamic(states["Ader"], path_lengths(config.rounds)[:, None, None])


def target(part: float) -> Any:
    """Where the target is when this part of the game is over, (speeds, 2)."""
    angle = 2 * np.pi * SPEEDS * part
    return 0.8 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def path_lengths(rounds: int) -> Any:
    """Sums of the target's steps, (speeds,)."""
    walk = np.stack([target(t / (rounds - 1)) for t in range(rounds)])
    return np.linalg.norm(np.diff(walk, axis=0), axis=-1).sum(axis=0)


def records_of(
    case: str, key: str, points: Any, found: dict[str, Any], certified: Any, limits: list[float]
) -> list[dict[str, Any]]:
    """One record for each learner and point; the certificate and the bound are the first one's."""
    promises = [
        {
            "certificate": float(certified[i].mean()),
            "bound": limits[i],
            "violations": int(np.sum(regret > np.minimum(certified[i], limits[i]) + 1e-9)),
        }
        for i, regret in enumerate(next(iter(found.values())))
    ]
    return [
        {
            "case": case,
            "learner": label,
            key: point,
            "regret": float(regret[i].mean()),
            "half_width_95": float(half_width(regret[i])),
            **(promises[i] if first == 0 else {}),
        }
        for first, (label, regret) in enumerate(found.items())
        for i, point in enumerate(points.tolist())
    ]


def draw_intervals(
    axes: Any, lengths: Any, found: dict[str, Any], certified: Any, limits: list[float]
) -> None:
    """Regret over the worst interval of each length."""
    for index, (label, regret) in enumerate(found.items()):
        curve(axes, lengths, regret, label, color=f"C{index}")
    means = certified.mean(axis=-1)
    axes.plot(lengths, means, color="C0", ls="--", label="strongly adaptive: largest certificate")
    axes.plot(lengths, limits, color="C0", ls=":", label="strongly adaptive: bound")
    axes.plot(lengths, lengths, color="0.7", lw=1, label="length: no regret is larger")
    axes.set(xscale="log", yscale="log")
    axes.set_ylim(bottom=1)
    title = f"{EXPERTS} experts, the best one changes six times"
    tidy(axes, title, "length of the interval, rounds", "largest regret, loss", "upper left")


def draw_paths(
    axes: Any, walked: Any, found: dict[str, Any], certified: Any, limits: list[float]
) -> None:
    """Regret to the path of the target."""
    for index, (label, regret) in enumerate(found.items()):
        curve(axes, walked, regret, label, color=f"C{index}", marker=".")
    axes.plot(walked, certified.mean(axis=-1), color="C0", ls="--", label="Ader's certificate")
    axes.plot(walked, limits, color="C0", ls=":", label="Ader's bound")
    axes.set_ylim(bottom=0)
    title = "a target on a circle, seen with noise, in a ball"
    tidy(axes, title, "length of its path P", "regret to the path, loss", "upper left")


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
