#!/usr/bin/env python3
"""Exp3, Exp3-IX and Tsallis-INF beside UCB1 and Thompson sampling, on problems of four kinds.

All learners meet the same losses. Three quantities, means over games of the player's loss less

- pseudo-regret: that of the arm with the smallest sum of means. What the bounds of Exp3 and
  Tsallis-INF are about.
- realised regret: that of the arm that was best in hindsight, game by game; never less in the
  mean. What the bound of Exp3-IX is about, with probability 1 - delta.
- regret to the sequence: that of the best arm of every round; no learner here promises anything.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common.bands import NORMAL_95, curve, half_width, tidy
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from studies.synthetic_bandits.problems import PROBLEMS, coins, thompson, ucb1
from tqdm import tqdm

import experts
from experts import bounds
from experts.environments import Given
from nas_adapter.errors import UserError

Array = Any

SMOKE: dict[str, Any] = {"games": 20, "rounds": 2000, "jobs": 1}
GAMES_AT_ONCE = 20
DELTA = 0.05
"""Of Exp3-IX's bound."""
TITLES = {
    "stochastic": "Stochastic: fixed means, gap {gap:g}",
    "constrained": "Adversarial: fixed gap {gap:g}, the level moves",
    "shrinking": "Adversarial: gap sqrt(K / t) / 2",
    "switching": "Switching: the good arm changes 9 times",
}


@dataclass(frozen=True)
class Config:
    """Exp3, Exp3-IX and Tsallis-INF beside UCB1 and Thompson sampling."""

    games: int = 200
    """Independent games of every learner on every problem."""
    rounds: int = 100_000
    """T; Exp3-IX is tuned to it, the others need no horizon."""
    arms: int = 8
    """K."""
    gap: float = 0.125
    """Between the best arm's mean loss and the others'."""
    seed: int = 0
    """Of every random choice."""
    jobs: int = -1
    """Processes; -1: as many as there are cores."""
    out: Path = Path("runs/bandits")
    """Folder for the files."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes above."""

    def __post_init__(self) -> None:
        at_least(self, games=2, rounds=1000, arms=2, seed=0)
        if not 0 < self.gap <= 0.5:
            raise UserError("--gap must lie in (0, 1/2]")


class Contender(NamedTuple):
    """A learner in the contest, and what is promised of it."""

    learner: Any
    """None: one of the compiled references"""
    bound: Callable[[int, int], float] | None = None
    """from K and T to an a-priori bound that holds against every sequence, if there is one"""
    bound_on: str = "pseudo-regret"


class Regrets(NamedTuple):
    """At R recorded rounds of G games, (R, G) each."""

    pseudo: Array
    realised: Array
    sequence: Array


def main(config: Config) -> None:
    if config.smoke:
        config = replace(config, **SMOKE)
    starts = range(0, config.games, GAMES_AT_ONCE)
    work = [(problem, first) for problem in PROBLEMS for first in starts]
    running = Parallel(n_jobs=config.jobs, return_as="generator")(
        delayed(play)(problem, first, config) for problem, first in work
    )
    parts: dict[str, list[dict[str, Regrets]]] = {problem: [] for problem in PROBLEMS}
    bar = tqdm(running, total=len(work), unit=f"x{GAMES_AT_ONCE} games")
    for (problem, _), found in zip(work, bar, strict=True):
        parts[problem].append(found)
    regrets = {
        problem: {learner: joined([part[learner] for part in found]) for learner in found[0]}
        for problem, found in parts.items()
    }
    records = [
        record(problem, learner, regret, config)
        for problem, of_learner in regrets.items()
        for learner, regret in of_learner.items()
    ]
    write_result(config.out, records)
    write_picture(config.out, "bandits.png", picture(regrets, config, logarithmic=False))
    write_picture(config.out, "bandits_growth.png", picture(regrets, config, logarithmic=True))
    columns = ("problem", "learner", "T", "games", "pseudo_regret", "pseudo_half_width_95",
        "realised_regret", "sequence_regret", "bound", "exponent", "violated")  # fmt: skip
    print(table(records, columns))
    print(f"written to {config.out}")


def recorded(config: Config) -> Array:
    """Rounds, as `play` of the package records them."""
    every = -(-config.rounds // 1000)
    return np.minimum(np.arange(every, config.rounds + every, every), config.rounds)


def contenders(config: Config) -> dict[str, Contender]:
    return {
        "Exp3": Contender(experts.exp3(), bounds.exp3_anytime),
        "Exp3-IX (tuned to T)": Contender(
            experts.exp3_ix(horizon=config.rounds),
            partial(bounds.exp3_ix, delta=DELTA),
            f"realised regret, with probability {1 - DELTA:g}",
        ),
        "Tsallis-INF": Contender(experts.tsallis_inf(), bounds.tsallis_inf),
        "Tsallis-INF (reduced variance)": Contender(experts.tsallis_inf("reduced")),
        "UCB1": Contender(None),
        "Thompson": Contender(None),
    }


def play(problem: str, first: int, config: Config) -> dict[str, Regrets]:
    """The games first, first + 1, ... of all learners, on the same losses."""
    games = min(GAMES_AT_ONCE, config.games - first)
    rng = np.random.default_rng([config.seed, list(PROBLEMS).index(problem), first])
    means = PROBLEMS[problem](config.rounds, config.arms, config.gap)
    losses = coins(rng, means, games)
    books = bookkeeper(losses, means, recorded(config) - 1)
    found = {}
    learners = {name: c.learner for name, c in contenders(config).items() if c.learner}
    for name, learner in learners.items():
        # A batch of games for one seed: each draws its own arms.
        seeds = [int(rng.integers(2**31))]
        trace = experts.play(
            learner, Given(losses, (0.0, 1.0)), seeds=seeds, feedback="bandit", progress=False
        )
        found[name] = books(trace.loss[:, 0])
    for name, pulled in (("UCB1", ucb1(losses)), ("Thompson", thompson(losses, rng))):
        suffered = np.take_along_axis(losses, pulled[..., None], axis=-1)[..., 0]
        found[name] = books(suffered.cumsum(axis=0)[recorded(config) - 1])
    return found


def bookkeeper(losses: Array, means: Array, rows: Array) -> Callable[[Array], Regrets]:
    """From the player's cumulative loss (R, G) after the rounds `rows` to its regrets."""
    total = np.stack([losses[..., k].cumsum(axis=0)[rows] for k in range(losses.shape[-1])])
    best_of_round = losses[np.arange(len(losses)), :, means.argmin(axis=1)].cumsum(axis=0)[rows]
    # The best arm may depend on when the game ends, so this is looked up for every row.
    fixed = means.cumsum(axis=0)[rows].argmin(axis=1)
    best_in_mean = total[fixed, np.arange(len(rows))]
    best_in_hindsight = total.min(axis=0)
    return lambda suffered: Regrets(
        pseudo=suffered - best_in_mean,
        realised=suffered - best_in_hindsight,
        sequence=suffered - best_of_round,
    )


def joined(parts: list[Regrets]) -> Regrets:
    """All games."""
    return Regrets(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))


def record(problem: str, learner: str, regret: Regrets, config: Config) -> dict[str, Any]:
    """The end of the game, and how pseudo-regret grew.

    `exponent` is the slope of ln pseudo-regret over ln T in the last decade of rounds; growth as
    ln T shows as two decades with the same rise.
    """
    hundredth, tenth, middle = (
        float(regret.pseudo[len(regret.pseudo) // part - 1].mean()) for part in (100, 10, 1)
    )
    rising = middle > 0 and tenth > 0
    return {
        "problem": problem,
        "learner": learner,
        "arms": config.arms,
        "T": config.rounds,
        "games": config.games,
        "pseudo_regret": middle,
        "pseudo_half_width_95": float(half_width(regret.pseudo[-1])),
        "realised_regret": float(regret.realised[-1].mean()),
        "realised_half_width_95": float(half_width(regret.realised[-1])),
        "sequence_regret": float(regret.sequence[-1].mean()),
        "sequence_half_width_95": float(half_width(regret.sequence[-1])),
        "rise_decade_before": tenth - hundredth,
        "rise_last_decade": middle - tenth,
        "exponent": math.log10(middle / tenth) if rising else None,
        **verdict(contenders(config)[learner], regret, config),
    }


def verdict(contender: Contender, regret: Regrets, config: Config) -> dict[str, Any]:
    """The bound, on what it is, and whether the games speak against it.

    `violated`: an expectation's bound, if the mean is above it by more than 4 standard errors; a
    bound with probability 1 - delta, if it fails in more games than delta and chance explain.
    """
    if contender.bound is None:
        return dict.fromkeys(("bound", "bound_on", "games_above_bound", "violated"))
    bound = contender.bound(config.arms, config.rounds)
    exceeding = float((regret.realised[-1] > bound).mean())
    pseudo = regret.pseudo[-1]
    in_mean = bool(pseudo.mean() - 4 * half_width(pseudo) / NORMAL_95 > bound)
    chance = 4 * math.sqrt(DELTA * (1 - DELTA) / config.games)
    in_mean_only = contender.bound_on == "pseudo-regret"
    return {
        "bound": bound,
        "bound_on": contender.bound_on,
        "games_above_bound": exceeding,
        "violated": in_mean if in_mean_only else exceeding > DELTA + chance,
    }


def picture(regrets: dict[str, dict[str, Regrets]], config: Config, *, logarithmic: bool) -> Figure:
    """A panel for each problem: pseudo-regret over rounds; to the sequence where arms switch."""
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    rounds = recorded(config)
    for axes, (problem, of_learner) in zip(
        figure.subplots(2, 2).flat, regrets.items(), strict=True
    ):
        tracking = problem == "switching"
        for index, (learner, regret) in enumerate(of_learner.items()):
            reference = contenders(config)[learner].learner is None
            style = {"color": f"C{index}", "ls": "--" if reference else "-", "lw": 1.3}
            curve(axes, rounds, regret.sequence if tracking else regret.pseudo, learner, **style)
        if not tracking:
            bound = [bounds.tsallis_inf(config.arms, t) for t in rounds]
            axes.plot(rounds, bound, color="0.4", ls=":", label="bound of Tsallis-INF, 4 sqrt(K T)")
        axes.set_xscale("log")
        if logarithmic:
            axes.set_yscale("log")
            axes.set_ylim(bottom=5)
        else:  # as high as the learners need: the bound leaves the frame
            highest = max(r.pseudo[-1].mean() for r in of_learner.values())
            axes.set_ylim(0, None if tracking else 1.15 * highest)
        what = "regret to the best arm of every round" if tracking else "pseudo-regret"
        tidy(axes, TITLES[problem].format(gap=config.gap), "rounds", what, None)
    lines, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    title = f"K = {config.arms}; means and 95 % bands over {config.games} games"
    figure.suptitle(title, fontsize=11)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
