#!/usr/bin/env python3
"""Bandits that see a context, beside their bounds: Exp4, LinUCB, linear Thompson, RealLinExp3.

Each is played where its bound holds. The regret is the pseudo-regret: the expected loss of the arms
pulled, less that of the best expert (Exp4), of the best arm of every round (LinUCB, Thompson), or
of the best map from contexts to arms (RealLinExp3).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common.bands import NORMAL_95, curve, half_width, tidy
from common.command import at_least, run_command
from common.options import GameOptions
from common.output import table, write_picture, write_result
from joblib import Parallel, delayed
from matplotlib.figure import Figure

from experts import Feedback, bounds, contextual, draw

Array = Any

SMOKE: dict[str, Any] = {"games": 10, "rounds": 200, "jobs": 1}
POINTS = 100
DELTA = 0.05
NOISE = 0.5


@dataclass(frozen=True)
class Config(GameOptions):
    """Bandits that see a context, beside their bounds."""

    out: Path = Path("runs/contextual")
    rounds: int = 5000
    """T."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, rounds=POINTS)


class Case(NamedTuple):
    """A policy in a world where its bound holds."""

    title: str
    policy: Any
    world: Any
    rivals: Callable[[Array, Array], Array]
    """contexts and expected losses of n rounds -> those of what is compared with, (n, G, C)"""
    bound: Callable[[int], float]
    """t -> the a-priori bound after t rounds"""
    holds: str
    """in what sense the bound holds"""


class Record(NamedTuple):
    """After R recorded rounds of G games."""

    regret: Array
    """(R, G)"""
    certificate: Array | None
    """(R, G), of a policy that computes one"""


def cases(config: Config) -> dict[str, Case]:
    """The comparisons by name."""
    advice = contextual.GoodAdvice(experts=16, arms=8)
    sphere = contextual.LinearLosses(arms=10, dimension=5, deviation=NOISE, norm=1.0)
    prior = contextual.LinearLosses(arms=10, dimension=5, deviation=NOISE, norm=None)
    finite = switching(config.rounds)
    tuned = contextual.real_linexp3(finite.contexts, horizon=config.rounds)
    cost = 3 * ((np.e - 2) * 2 + tuned.leverage)
    return {
        "exp4": Case(
            "Exp4: 16 experts, 8 arms",
            contextual.exp4(),
            advice,
            lambda contexts, means: np.sum(contexts * means[..., None, :], axis=-1),
            # A round's spread: half of the advice is even, the other halves cover all arms at most.
            lambda t: bounds.exp4_anytime(16, t * (0.5 + 0.5 * 8)),
            "in the mean",
        ),
        "linucb": Case(
            "LinUCB: 10 arms, 5 dimensions",
            contextual.linucb(noise=NOISE, delta=DELTA),
            sphere,
            best_arm,
            lambda t: bounds.linucb(5, t, DELTA, noise=NOISE),
            f"with probability {1 - DELTA:g}",
        ),
        "linear_thompson": Case(
            "Linear Thompson sampling: θ* from its prior",
            contextual.linear_thompson(ridge=NOISE**2, noise=NOISE),
            prior,
            best_arm,
            lambda t: bounds.linear_thompson(5, 10, t, NOISE**2, NOISE),
            "in the mean over θ*",
        ),
        "real_linexp3": Case(
            "RealLinExp3: the good map changes after a third",
            tuned,
            finite,
            best_map(finite),
            lambda t: np.log(3) / tuned.rate + tuned.rate * t * cost,
            "in the mean",
        ),
    }


def best_arm(contexts: Array, means: Array) -> Array:
    """The best arm of every round, (n, G, 1)."""
    return means.min(axis=-1, keepdims=True)


def switching(rounds: int) -> contextual.FiniteContexts:
    """Intercepts and slopes of three arms, which change places after a third of the rounds."""
    contexts = contextual.shared(np.asarray([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]), 3)
    first = np.asarray([[0.2, 0.6], [0.8, -0.6], [0.5, 0.0]])
    late = np.arange(rounds)[:, None, None] >= rounds // 3
    return contextual.FiniteContexts(contexts, np.where(late, np.roll(first, 1, axis=0), first))


def best_map(world: contextual.FiniteContexts) -> Callable[[Array, Array], Array]:
    """The map from contexts to arms that is best over all rounds, in the mean of the contexts."""
    arms = np.einsum("jka,tka->jk", world.contexts, world.parameters).argmin(axis=-1)

    def rivals(contexts: Array, means: Array) -> Array:
        shown = np.all(contexts[..., None, :, :] == world.contexts, axis=(-2, -1)).argmax(axis=-1)
        return np.take_along_axis(means, arms[shown][..., None], axis=-1)

    return rivals


def recorded(config: Config) -> Array:
    """The rounds after which the regret is recorded, (R,)."""
    return np.linspace(config.rounds / POINTS, config.rounds, POINTS).astype(int)


def play(name: str, config: Config) -> Record:
    """All games of a case at once."""
    case = cases(config)[name]
    of_worlds = [np.random.default_rng((config.seed, game)) for game in range(config.games)]
    draws = np.random.default_rng((config.seed, config.games))
    course = case.world.start(of_worlds)
    state: Any = None
    met: Array = np.zeros(config.games)
    rivals: Array = 0.0
    regrets, certificates = [], []
    for count in np.diff(recorded(config), prepend=0):
        contexts, losses, means = course.told(int(count))
        state = case.policy.init(contexts[0]) if state is None else state
        for context, loss, mean in zip(contexts, losses, means, strict=True):
            play = case.policy.predict(state, context, draws.random(loss.shape))
            arm = draw(play, draws.random((config.games, 1)))
            state = case.policy.update(state, context, play, Feedback(loss, arm, play))
            met = met + np.sum(arm * mean, axis=-1)
        rivals = rivals + case.rivals(contexts, means).sum(axis=0)
        regrets.append(met - rivals.min(axis=-1))
        if hasattr(case.policy, "certificate"):
            certificates.append(case.policy.certificate(state))
    return Record(np.stack(regrets), np.stack(certificates) if certificates else None)


def main(config: Config) -> None:
    """Play all games, write result.json and the picture, print the table."""
    if config.smoke:
        config = replace(config, **SMOKE)
    known = cases(config)
    found = Parallel(n_jobs=config.jobs)(delayed(play)(name, config) for name in known)
    of_case = dict(zip(known, found, strict=True))
    records = [summary(name, known[name], record, config) for name, record in of_case.items()]
    write_result(config.out, records)
    write_picture(config.out, "contextual.png", picture(known, of_case, config))
    columns = (
        "policy",
        "T",
        "games",
        "regret",
        "half_width_95",
        "certificate",
        "bound",
        "violated",
    )
    print(table(records, columns))
    print(f"written to {config.out}")


def summary(name: str, case: Case, record: Record, config: Config) -> dict[str, Any]:
    """The regret at the end beside its bound, and whether the games contradict the bound.

    `violated`: in the mean, by more than 4 standard errors; with probability 1 - delta, in a share
    of games that is above delta by more than 4 standard errors.
    """
    last, bound = record.regret[-1], float(case.bound(config.rounds))
    half = float(half_width(last))
    violated = bool(last.mean() - 4 * half / NORMAL_95 > bound)
    if record.certificate is not None:
        broken = np.any(record.regret > record.certificate, axis=0).mean()
        violated = bool(broken > DELTA + 4 * (DELTA * (1 - DELTA) / config.games) ** 0.5)
        violated |= bool(record.certificate[-1].max() > bound)
    return {
        "policy": name,
        "T": config.rounds,
        "games": config.games,
        "regret": float(last.mean()),
        "half_width_95": half,
        "certificate": None if record.certificate is None else float(record.certificate[-1].mean()),
        "bound": bound,
        "holds": case.holds,
        "violated": violated,
    }


def picture(known: dict[str, Case], found: dict[str, Record], config: Config) -> Figure:
    """A panel for each policy: regret, certificate and bound over rounds."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    rounds = recorded(config)
    for axes, (name, record) in zip(figure.subplots(2, 2).flat, found.items(), strict=True):
        case = known[name]
        curve(axes, rounds, record.regret, "pseudo-regret, mean and 95 % band", color="C0")
        if record.certificate is not None:
            curve(
                axes, rounds, record.certificate, "certificate, computed along the path", color="C3"
            )
        bound = [case.bound(t) for t in rounds]
        axes.plot(rounds, bound, color="0.3", ls="--", label=f"bound, {case.holds}")
        far = bound[-1] > 10 * record.regret[-1].mean()
        if far:
            axes.set_yscale("log")
            axes.set_ylim(bottom=1)
        where = "lower right" if far else "upper left"
        tidy(axes, case.title, "rounds", "regret, in units of loss", where)
    figure.suptitle(f"Bandits that see a context: {config.games} games each", fontsize=11)
    return figure


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
