#!/usr/bin/env python3
"""The product theorem in numbers: one learner over all architectures, or one on every edge.

With full information both have the same distribution in every round, the edges at a fraction of the
cost, and regret below ln|A| / eta + (eta T / 8) sum_e B_e**2. With bandit feedback three ways are
compared: every edge sees its own loss, every edge is told the architecture's loss, or one bandit
over all architectures.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common.bands import NORMAL_95, half_width
from common.command import at_least, run_command
from common.options import GameOptions
from common.output import table, write_picture, write_result
from joblib import Parallel, delayed
from studies.product_games.joint import (
    Architectures,
    differences,
    fed_the_total,
    outer,
    seconds_a_round,
)
from studies.product_games.pictures import NAMES, cost, regret
from tqdm import tqdm

import experts
from experts import bounds
from experts.environments import Given
from nas_adapter.errors import UserError

Array = Any
Records = list[dict[str, Any]]

SMOKE: dict[str, Any] = {
    "most_edges": 3, "check_rounds": 20, "rounds": 300, "games": 20, "bandit_rounds": 500,
    "bandit_games": 5, "bandit_edges": 3, "jobs": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Config(GameOptions):
    """One learner over all architectures against one on every edge."""

    out: Path = Path("runs/product")
    operations: int = 5
    """K on every edge, with full information."""
    most_edges: int = 7
    """E = 1, 2, ... up to this: |A| = K**E, 78125 by default."""
    check_rounds: int = 100
    """Rounds in which joint and per-edge distributions are compared."""
    rounds: int = 3000
    """T of the regret curves, each from --games games, and the longest of the shorter horizons."""
    bandit_operations: int = 4
    """K on every edge in the bandit games."""
    bandit_edges: int = 6
    """E = 1, 2, ... up to this in the bandit games: |A| = 4096 by default."""
    bandit_rounds: int = 10_000
    """T of the bandit games."""
    bandit_games: int = 20
    """Independent bandit games."""
    gap: float = 0.2
    """Gap: the best operation's mean loss is 1/2 less this, the others' 1/2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, operations=2, most_edges=1, check_rounds=1, rounds=100)
        at_least(self, bandit_operations=2, bandit_edges=1, bandit_rounds=100, bandit_games=2)
        if self.operations**self.most_edges > 10**6:
            raise UserError("--operations ** --most-edges must be at most 10**6 architectures")
        if self.bandit_operations**self.bandit_edges > 10**4:
            raise UserError("--bandit-operations ** --bandit-edges must be at most 10**4")
        if not 0 < self.gap <= 0.5:
            raise UserError("--gap must lie in (0, 1/2]")


def main(config: Config) -> None:
    """Compare, play, time; write result.json and the pictures, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    same = [compare(edges, config) for edges in steps(config.most_edges, "joint = per edge")]
    curves, full = {}, []
    for kind in ("noise", "gap"):
        curves[kind], records = full_information(kind, config)
        full += records
    work = [(e, how) for e in range(1, config.bandit_edges + 1) for how in NAMES]
    work.reverse()  # the longest first
    running = Parallel(n_jobs=config.jobs, return_as="generator")(
        delayed(bandit)(edges, how, config) for edges, how in work
    )
    bandits = list(tqdm(running, total=len(work), desc="bandits", unit="setting"))[::-1]
    for row, (edges, how) in zip(bandits, reversed(work), strict=True):
        # Timed here, where no other process disturbs it.
        row["seconds_a_round"] = seconds_a_bandit_round(edges, how, config)
    write_result(config.out, [*same, *full, *bandits])
    write_picture(config.out, "product_regret.png", regret(curves, full, *longest(config)))
    write_picture(config.out, "product_cost.png", cost(same, bandits))
    columns = ("what", "edges", "architectures", "T", "games", "largest_relative_difference",
        "seconds_joint", "seconds_per_edge", "regret", "half_width_95", "bound", "bound_naive",
        "violations", "seconds_a_round")  # fmt: skip
    print(table([*same, *full, *bandits], columns))
    print(f"written to {config.out}")


def steps(most: int, name: str) -> Any:
    """Numbers of edges 1, ..., `most`, with a progress bar."""
    return tqdm(range(1, most + 1), desc=name, unit="size")


def ranges(edges: int) -> Array:
    """Ranges B_e of the edges' losses, (E,): from 1 down to 1/2."""
    return np.linspace(1, 0.5, edges)


def tuned(edges: int, count: int, rounds: int) -> float:
    """Learning rate eta = sqrt(8 ln|A| / (T sum_e B_e**2))."""
    return math.sqrt(8 * edges * math.log(count) / rounds) / math.hypot(*ranges(edges))


def compare(edges: int, config: Config) -> dict[str, Any]:
    """One record of joint and per-edge learner: largest difference, seconds a round in numpy."""
    rng = np.random.default_rng([config.seed, edges])
    shape = (config.check_rounds, edges, config.operations)
    losses = rng.random(shape) * ranges(edges)[:, None]
    learner = experts.hedge(tuned(edges, config.operations, len(losses)))
    absolute, relative = differences(learner, losses)
    return {
        "what": "full information: joint against per edge",
        "edges": edges,
        "architectures": config.operations**edges,
        "T": len(losses),
        "largest_difference": absolute,
        "largest_relative_difference": relative,
        "seconds_joint": seconds_a_round(learner, outer(losses[0], np.add), bandit=False),
        "seconds_per_edge": seconds_a_round(learner, losses[0], bandit=False),
    }


def full_information(kind: str, config: Config) -> tuple[experts.Trace, Records]:
    """Games of the per-edge learner, tuned to each of several horizons; the longest one's trace.

    An architecture's loss is the sum of its edges' losses, so the sum of the edges' regrets to
    their best operations is the regret to the best architecture in hindsight.
    """
    edges = config.most_edges
    size, b = config.operations**edges, ranges(edges)
    whole = math.hypot(*b)
    records = []
    for rounds in np.unique(np.geomspace(100, config.rounds, 6).astype(int)).tolist():
        rng = np.random.default_rng([config.seed, rounds])
        losses = rng.random((rounds, config.games, edges, config.operations))
        means = np.full(config.operations, 0.5)
        means[0] -= config.gap if kind == "gap" else 0
        losses = np.less(losses, means) * b[:, None]
        eta = tuned(edges, config.operations, rounds)
        trace = experts.play(experts.hedge(eta), Given(losses), progress=False)
        total = trace.regret[:, 0].sum(axis=-1)
        certificate = np.asarray(trace.certificate)[:, 0].sum(axis=-1)
        at = np.asarray([bounds.hedge(size, int(t), eta, whole) for t in trace.rounds])
        records.append({
            "what": f"full information: {kind}",
            "edges": edges,
            "architectures": size,
            "T": rounds,
            "games": config.games,
            "regret_kind": "realised, to the best architecture in hindsight",
            "regret": float(total[-1].mean()),
            "half_width_95": float(half_width(total[-1])),
            "worst_regret": float(total[-1].max()),
            "certificate": float(certificate[-1].mean()),
            "bound": bounds.hedge_tuned(size, rounds, whole),
            # For a learner over A that does not use the structure: losses of range sum_e B_e.
            "bound_naive": bounds.hedge_tuned(size, rounds, float(b.sum())),
            "violations": int((total > at[:, None] * (1 + 1e-12)).any(axis=0).sum()),
        })  # fmt: skip
    return trace, records


def longest(config: Config) -> tuple[Callable[[int], float], str]:
    """Bound after t rounds of the longest game of `full_information`, and a title for it."""
    edges, count = config.most_edges, config.operations
    eta, whole = tuned(edges, count, config.rounds), math.hypot(*ranges(edges))
    title = f"Hedge over |A| = {count}^{edges} = {count**edges}, tuned to T = {config.rounds}"
    return lambda t: bounds.hedge(count**edges, t, eta, whole), title


def bandit(edges: int, how: str, config: Config) -> dict[str, Any]:
    """One record of Exp3, tuned to T, in one of the three bandit games on the same losses.

    Its pseudo-regret, in units of total loss, is estimated by the mean over games of the player's
    loss less that of the architecture with the smallest mean (operation 0 on every edge).
    """
    rounds, games, count = config.bandit_rounds, config.bandit_games, config.bandit_operations
    rng = np.random.default_rng([config.seed, 7, edges])
    means = np.full(count, 0.5)
    means[0] -= config.gap
    losses = np.less(rng.random((rounds, games, edges, count)), means).astype(float)
    suffered, bound = play_bandit(how, losses, rng)
    regret = suffered - losses[..., 0].sum(axis=(0, 2))
    middle, half = float(regret.mean()), float(half_width(regret))
    return {
        "what": f"bandit: {how}",
        "edges": edges,
        "architectures": count**edges,
        "T": rounds,
        "games": games,
        "regret_kind": "pseudo, to the architecture with the smallest mean",
        "regret": middle,
        "half_width_95": half,
        "uniform_regret": rounds * edges * config.gap * (1 - 1 / count),
        "bound": bound,
        # A bound in expectation: violated if the mean is above it by more than 4 standard errors.
        "violations": int(middle - 4 * half / NORMAL_95 > bound),
    }


def play_bandit(how: str, losses: Array, rng: np.random.Generator) -> tuple[Array, float]:
    """Play losses (T, S, E, K): the player's total loss (S,), and the bound on its regret."""
    rounds, games, edges, count = losses.shape
    learner = experts.exp3(horizon=rounds)
    options: dict[str, Any] = {"feedback": "bandit", "progress": False}
    if how == "edges":
        trace = experts.play(learner, Given(losses, (0.0, 1.0)), **options)
        return trace.loss[-1, 0].sum(axis=-1), edges * bounds.exp3(count, rounds)
    if how == "total":
        suffered = fed_the_total(learner, losses, rng).sum(axis=0)
        return suffered, edges * edges * bounds.exp3(count, rounds)
    trace = experts.play(learner, Architectures(losses), seeds=games, **options)
    return trace.loss[-1] * edges, edges * bounds.exp3(count**edges, rounds)


def seconds_a_bandit_round(edges: int, how: str, config: Config) -> float:
    """Seconds that a round of one bandit game takes in numpy."""
    loss = np.full((edges, config.bandit_operations), 0.5)
    loss = outer(loss, np.add) / edges if how == "joint" else loss
    return seconds_a_round(experts.exp3(horizon=config.bandit_rounds), loss, bandit=True)


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
