#!/usr/bin/env python3
"""Exp3, Exp3-IX and Tsallis-INF beside UCB1 and Thompson sampling, on four kinds of problems.

All learners meet the same losses. Three regrets are measured; each is the player's loss less the
loss of another strategy:

- pseudo-regret: the arm with the smallest sum of means. Its mean over games is what the bounds of
  Exp3 and Tsallis-INF are about.
- realised regret: the best arm in hindsight of each game; in the mean at least the pseudo-regret.
  The bound of Exp3-IX is about it, with probability 1 - delta.
- regret to the sequence: the best arm of every round. No learner here has a bound on it.
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
from common.options import GameOptions
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
"""delta of Exp3-IX's bound."""
TITLES = {
    "stochastic": "Stochastic: fixed means, gap {gap:g}",
    "constrained": "Adversarial: fixed gap {gap:g}, the level moves",
    "shrinking": "Adversarial: gap sqrt(K / t) / 2",
    "switching": "Switching: the good arm changes 9 times",
}


@dataclass(frozen=True)
class Config(GameOptions):
    """Exp3, Exp3-IX and Tsallis-INF beside UCB1 and Thompson sampling."""

    games: int = 200
    out: Path = Path("runs/bandits")
    rounds: int = 100_000
    """T; Exp3-IX is tuned to it, the others need no horizon."""
    arms: int = 8
    """K."""
    gap: float = 0.125
    """Difference of the best arm's mean loss and the others'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, rounds=1000, arms=2)
        if not 0 < self.gap <= 0.5:
            raise UserError("--gap must lie in (0, 1/2]")


class Contender(NamedTuple):
    """A learner in the comparison, and the bound on its regret."""

    learner: Any
    """None: UCB1 or Thompson sampling, which are compiled functions"""
    bound: Callable[[int, int], float] | None = None
    """(K, T) -> an a-priori bound that holds for every loss sequence, if there is one"""
    bound_on: str = "pseudo-regret"
    """the regret that the bound is on"""


class Regrets(NamedTuple):
    """The three regrets after R recorded rounds of G games, (R, G) each."""

    pseudo: Array
    realised: Array
    sequence: Array


def main(config: Config) -> None:
    """Play all games, write result.json and the pictures, print the table."""
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
    """The rounds that `experts.play` records, (R,)."""
    every = -(-config.rounds // 1000)
    return np.minimum(np.arange(every, config.rounds + every, every), config.rounds)


def contenders(config: Config) -> dict[str, Contender]:
    """The learners by name."""
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
    """Play games `first`, `first` + 1, ... of all learners on the same losses; their regrets."""
    games = min(GAMES_AT_ONCE, config.games - first)
    rng = np.random.default_rng([config.seed, list(PROBLEMS).index(problem), first])
    means = PROBLEMS[problem](config.rounds, config.arms, config.gap)
    losses = coins(rng, means, games)
    books = bookkeeper(losses, means, recorded(config) - 1)
    found = {}
    learners = {name: c.learner for name, c in contenders(config).items() if c.learner}
    for name, learner in learners.items():
        # One seed for the batch of games: each game draws its own arms.
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
    """Function from the player's cumulative loss (R, G) after the rounds `rows` to its regrets."""
    total = np.stack([losses[..., k].cumsum(axis=0)[rows] for k in range(losses.shape[-1])])
    best_of_round = losses[np.arange(len(losses)), :, means.argmin(axis=1)].cumsum(axis=0)[rows]
    # Which arm is best may depend on when the game ends, so it is found for every row.
    fixed = means.cumsum(axis=0)[rows].argmin(axis=1)
    best_in_mean = total[fixed, np.arange(len(rows))]
    best_in_hindsight = total.min(axis=0)
    return lambda suffered: Regrets(
        pseudo=suffered - best_in_mean,
        realised=suffered - best_in_hindsight,
        sequence=suffered - best_of_round,
    )


def joined(parts: list[Regrets]) -> Regrets:
    """Regrets of all games, from those of batches."""
    return Regrets(*(np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True)))


def record(problem: str, learner: str, regret: Regrets, config: Config) -> dict[str, Any]:
    """One record of a learner on a problem: regrets at the end, and the pseudo-regret's growth.

    `exponent` is the slope of ln pseudo-regret over ln T from T / 10 to T. If the pseudo-regret
    grows as ln T, it rises from T / 100 to T / 10 as much as from T / 10 to T.
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
    """The bound, the regret that it is on, and whether the games contradict it.

    `violated`: for a bound on the mean, whether the mean is above it by more than 4 standard
    errors; for one with probability 1 - delta, whether it fails in a share of games above delta by
    more than 4 standard errors.
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
    """Panels of pseudo-regret over rounds; of regret to the sequence for the switching problem."""
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
        else:  # as high as the learners need, not the bound
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
