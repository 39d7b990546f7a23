#!/usr/bin/env python3
"""Wipe-outs: when they remove experts, that they never remove the best, what confidence gains.

The losses are negative rewards in [-1, 1]. The rule is told that they lie in [-L, L], so L > 1 is a
bound that is larger than needed.
"""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common.bands import curve, half_width, tidy
from common.command import at_least, run_command
from common.options import GameOptions
from common.output import table, write_picture, write_result
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from studies.wipeout_study.games import (
    ADVERSARIES,
    PROVABLE,
    MakeLosses,
    Outcome,
    Rule,
    comeback,
    play,
    steady,
)
from tqdm import tqdm

from experts import bounds
from nas_adapter.errors import UserError

SMOKE: dict[str, Any] = {"games": 20, "horizons": (50, 200), "jobs": 1}
GAPS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
BEHIND = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True)
class Config(GameOptions):
    """Wipe-outs: when they remove experts, whom they spare, and what confidence gains."""

    out: Path = Path("runs/wipeout")
    experts: int = 8
    """K."""
    horizons: tuple[int, ...] = (100, 1000, 10000)
    """T; the provable and the confidence rule are compared at the longest."""
    reward_bounds: tuple[float, ...] = (1.0, 2.0, 4.0)
    """L; rewards lie in [-1, 1]."""
    delta: float = 0.05
    """delta of the confidence rule."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, experts=2)
        if not self.horizons or min(self.horizons) < 10:
            raise UserError("--horizons must be numbers of at least 10")
        if (
            not self.reward_bounds
            or not 1 <= min(self.reward_bounds) <= max(self.reward_bounds) < math.inf
        ):
            raise UserError("--reward-bounds must be numbers of at least 1")
        if not 0 < self.delta < 1:
            raise UserError("--delta must lie in (0, 1)")


@dataclass(frozen=True)
class Setting:
    """One setting of the sweep: a kind of game, its parameters, and the rule."""

    name: str
    make: MakeLosses
    parameter: float
    """the gap, or the share of rounds in which the eventual best trails; nan: none"""
    horizon: int
    bound: float
    """L"""
    rule: Rule


def main(config: Config) -> None:
    """Play all settings, write result.json and the pictures, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    settings = sweep(config)
    work = (delayed(run)(setting, config) for setting in settings)
    results = Parallel(n_jobs=config.jobs, return_as="generator")(work)
    outcomes = dict(zip(settings, tqdm(results, total=len(settings), unit="setting"), strict=True))
    records = [record(setting, outcome) for setting, outcome in outcomes.items()]
    write_result(config.out, [*records, total(records)])
    write_picture(config.out, "when.png", when_picture(records, config))
    write_picture(config.out, "wipeout_bounds.png", bounds_picture(outcomes, config))
    write_picture(config.out, "risk.png", risk_picture(outcomes, config))
    columns = ("game", "rule", "gap", "behind", "L", "T", "games", "violations", "removal_mean",
        "removal_predicted", "regret_mean", "bound_gamma_mean", "bound_plain")  # fmt: skip
    print(table([*records, total(records)], columns))
    print(f"written to {config.out}")


def sweep(config: Config) -> list[Setting]:
    """All settings: i.i.d. games over gap, L and T; adversarial games; comebacks."""
    confident = Rule("confidence", config.delta)
    longest = max(config.horizons)
    # L only matters relative to the gap: one horizon, the longest but one, is enough to show it.
    scaled = sorted(config.horizons)[-2:][0]
    sizes = {(t, 1.0) for t in config.horizons} | {(scaled, b) for b in config.reward_bounds}
    settings = []
    for (horizon, bound), gap in itertools.product(sorted(sizes), GAPS):
        rules = (PROVABLE, confident) if bound == 1 else (PROVABLE,)
        for rule in rules:
            settings.append(Setting("iid", partial(steady, gap=gap), gap, horizon, bound, rule))
    for (name, make), horizon in itertools.product(ADVERSARIES.items(), config.horizons):
        settings.append(Setting(name, make, math.nan, horizon, 1.0, PROVABLE))
    for behind, rule in itertools.product(BEHIND, (PROVABLE, confident)):
        late = partial(comeback, behind=behind)
        settings.append(Setting("comeback", late, behind, longest, 1.0, rule))
    return settings


def run(setting: Setting, config: Config) -> Outcome:
    """Play all games of a setting."""
    # Both rules meet the same games: the seed does not depend on the rule.
    rng = np.random.default_rng([config.seed, setting.horizon, round(1e4 * setting.bound)])
    losses = setting.make(rng, setting.horizon, config.games, config.experts)
    return play(losses, 2 * setting.bound, setting.rule)


def record(setting: Setting, outcome: Outcome) -> dict[str, Any]:
    """One record of a setting; removal times as shares of T, over the experts 1, 2, ... ."""
    horizon, count = setting.horizon, outcome.loss.shape[-1]
    removal = outcome.removed_at[:, 1:]
    best_removed = float((outcome.removed_at[:, 0] <= horizon).mean())
    iid = setting.name == "iid"
    swept = not math.isnan(setting.parameter)
    return {
        "game": setting.name,
        "rule": setting.rule.name,
        "gap": setting.parameter if iid else None,
        "behind": setting.parameter if swept and not iid else None,
        "L": setting.bound,
        "T": horizon,
        "games": len(removal),
        "violations": int(outcome.lost_best.sum()) if setting.rule == PROVABLE else None,
        "best_in_hindsight_removed": float(outcome.lost_best.mean()),
        "best_in_mean_removed": best_removed if iid else None,
        "never_removed": float((removal > horizon).mean()),
        "removal_mean": float((removal / horizon).mean()),
        "removal_predicted": predicted(setting, count) if iid else None,
        "regret_mean": float(outcome.regret.mean()),
        "regret_half_width_95": float(half_width(outcome.regret)),
        "certificate_mean": float(outcome.certificate.mean()),
        "bound_gamma_mean": float(outcome.bound.mean()),
        "bound_plain": bounds.hedge_tuned(count, horizon, 2 * setting.bound),
        "regret_above_bound": int((outcome.regret > outcome.bound * (1 + 1e-12)).sum()),
    }


def predicted(setting: Setting, count: int) -> float:
    """Removal time, as a share of T, of an expert that falls behind by `gap` in every round.

    gap t = 2 L (T - t), or gap t = 2 L sqrt(2 t ln(K T / delta)).
    """
    loss_range, gap, horizon = 2 * setting.bound, setting.parameter, setting.horizon
    if setting.rule.delta is None:
        return 1 / (1 + gap / loss_range)
    if gap == 0:
        return 1.0
    log = math.log(count * horizon / setting.rule.delta)
    return min(1.0, 2 * log * (loss_range / gap) ** 2 / horizon)


def total(records: list[dict[str, Any]]) -> dict[str, Any]:
    """One record of all games under the provable rule."""
    ours = [r for r in records if r["rule"] == PROVABLE.name]
    return {
        "game": "all",
        "rule": PROVABLE.name,
        "games": sum(r["games"] for r in ours),
        "violations": sum(r["violations"] for r in ours),
        "regret_above_bound": sum(r["regret_above_bound"] for r in ours),
    }


def when_picture(records: list[dict[str, Any]], config: Config) -> Figure:
    """Removal times. Left: the provable rule over gap / 2L. Right: beside the confidence rule."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    iid = [r for r in records if r["game"] == "iid"]
    provable = [r for r in iid if r["rule"] == PROVABLE.name]
    sizes = sorted({(r["T"], r["L"]) for r in provable})
    for index, (horizon, bound) in enumerate(sizes):
        rows = [r for r in provable if (r["T"], r["L"]) == (horizon, bound)]
        x = [r["gap"] / (2 * bound) for r in rows]
        style = {"marker": "osD^v<>"[index % 7], "linestyle": "", "alpha": 0.8, "markersize": 5}
        y = [r["removal_mean"] for r in rows]
        left.plot(x, y, label=f"T = {horizon}, L = {bound:g}", **style)
    ratio = np.linspace(0, 0.5, 100)
    left.plot(ratio, 1 / (1 + ratio), color="0.3", lw=1, label="1 / (1 + gap / 2L)")
    tidy(left, "Provable wipe-out: mean time of removal", "gap of the means / 2L", "share of T")
    horizon = max(config.horizons)
    for name, color in ((PROVABLE.name, "C0"), ("confidence", "C1")):
        rows = [
            r for r in iid if (r["rule"], r["T"], r["L"]) == (name, horizon, 1) and r["gap"] > 0
        ]
        x = [r["gap"] for r in rows]
        label = name if name == PROVABLE.name else f"with probability {1 - config.delta:g}"
        right.plot(x, [r["removal_mean"] * horizon for r in rows], "o", color=color, label=label)
        foreseen = [r["removal_predicted"] * horizon for r in rows]
        right.plot(x, foreseen, color=color, lw=1, label=f"{label}: where the mean lead crosses")
    right.set(xscale="log", yscale="log")
    title = f"Provable against confident, i.i.d. rewards, T = {horizon}, L = 1"
    tidy(right, title, "gap of the means", "round of removal, mean over games")
    return figure


def bounds_picture(outcomes: dict[Setting, Outcome], config: Config) -> Figure:
    """Regret and its three bounds over the gap, under the provable rule."""
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.subplots()
    horizon = sorted(config.horizons)[-2:][0]
    chosen = [
        (setting.parameter, outcome)
        for setting, outcome in outcomes.items()
        if (setting.name, setting.rule, setting.horizon, setting.bound)
        == ("iid", PROVABLE, horizon, 1.0)
    ]
    gaps = [gap for gap, _ in chosen]
    plain = bounds.hedge_tuned(config.experts, horizon, 2.0)
    axes.axhline(plain, color="0.3", ls="--", label="bound without γ: B sqrt(T ln K / 2)")
    for name, label, color in (
        ("bound", "bound with γ: … + (1/η) Σ ln γ", "C1"),
        ("certificate", "certificate of the run", "C3"),
        ("regret", "realised regret to the best in hindsight", "C0"),
    ):
        values = np.stack([getattr(outcome, name) for _, outcome in chosen])
        curve(axes, gaps, values, label, color=color, marker="o", markersize=3)
    axes.set_ylim(bottom=0)
    title = f"Hedge with provable wipe-outs, K = {config.experts}, T = {horizon}, L = 1; "
    title += f"mean and 95 % band over {config.games} games"
    tidy(axes, title, "gap of the means", "regret, in units of reward", "lower right")
    return figure


def risk_picture(outcomes: dict[Setting, Outcome], config: Config) -> Figure:
    """Comebacks: how often the eventual best expert was removed, and the regret."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    horizon = max(config.horizons)
    for name, color in ((PROVABLE.name, "C0"), ("confidence", "C1")):
        chosen = [
            (setting.parameter, outcome)
            for setting, outcome in outcomes.items()
            if (setting.name, setting.rule.name) == ("comeback", name)
            and not math.isnan(setting.parameter)
        ]
        behind = [share for share, _ in chosen]
        label = name if name == PROVABLE.name else f"with probability {1 - config.delta:g}"
        lost = [outcome.lost_best.mean() for _, outcome in chosen]
        left.plot(behind, lost, "o-", color=color, label=label)
        regret = np.stack([outcome.regret for _, outcome in chosen])
        curve(right, behind, regret, label, color=color, marker="o", markersize=3)
    plain = bounds.hedge_tuned(config.experts, horizon, 2.0)
    right.axhline(plain, color="0.3", ls="--", label="bound for all sequences (provable rule)")
    x = "share of the game for which the eventual best trails"
    tidy(left, "An adversary that lets the best start badly", x, "share of games that lose it")
    title = f"What it costs: regret, mean and 95 % band, {config.games} games, T = {horizon}"
    tidy(right, title, x, "realised regret to the best in hindsight")
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
