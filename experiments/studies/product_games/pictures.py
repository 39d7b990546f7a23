"""Pictures of product_games.py, from its records and traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from common.bands import curve, tidy
from matplotlib.figure import Figure

from experts import Trace

Records = list[dict[str, Any]]

NAMES = {
    "edges": "per edge, each sees its own operation's loss",
    "total": "per edge, all fed the one total loss",
    "joint": "one bandit over all architectures",
}


def regret(curves: Mapping[str, Trace], full: Records, bound: Any, title: str) -> Figure:
    """Regret with full information. Left: over the longest game. Right: at the end, over T.

    `curves` has the longest game's trace for each kind of losses; `bound(t)` is the bound after t
    of its rounds.
    """
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    labels = {"noise": "all operations alike", "gap": "one better on each edge"}
    for index, (kind, trace) in enumerate(curves.items()):
        color = f"C{index}"
        total = trace.regret[:, 0].sum(axis=-1)
        curve(left, trace.rounds, total, f"regret, {labels[kind]}", color=color)
        promised = np.asarray(trace.certificate)[:, 0].sum(axis=-1)
        curve(left, trace.rounds, promised, "its certificate", color=color, ls="--")
        rows = [r for r in full if r["what"].endswith(kind)]
        lengths, middle, half = columns(rows, "T", "regret", "half_width_95")
        right.errorbar(lengths, middle, half, fmt="o-", color=color, label=labels[kind], ms=4)
    at = [bound(int(t)) for t in trace.rounds]
    left.plot(trace.rounds, at, "k:", label="ln|A| / η + (η t / 8) Σ B²")
    tidy(left, title, "rounds t", "realised regret to the best architecture so far")
    tuned, naive = columns(rows, "bound", "bound_naive")
    right.plot(lengths, tuned, "k:", label="sqrt(T ln|A| Σ B² / 2)")
    right.plot(lengths, naive, ":", color="0.6", label="not looking inside: (Σ B)² for Σ B²")
    right.set(xscale="log", yscale="log")
    title = f"Each tuned to its own T; means and 95 % intervals, {rows[0]['games']} games"
    tidy(right, title, "rounds T", "realised regret to the best architecture")
    return figure


def cost(same: Records, bandits: Records) -> Figure:
    """Cost over |A|. Left: seconds a round. Right: pseudo-regret of the bandits."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    sizes, joint, per_edge = columns(same, "architectures", "seconds_joint", "seconds_per_edge")
    left.plot(sizes, joint, "C3o-", label="full information, one weight an architecture", ms=4)
    left.plot(sizes, per_edge, "C4o-", label="full information, per edge", ms=4)
    for index, (how, label) in enumerate(NAMES.items()):
        color = f"C{index}"
        rows = [r for r in bandits if r["what"] == f"bandit: {how}"]
        x, y, half, bound, seconds = columns(
            rows, "architectures", "regret", "half_width_95", "bound", "seconds_a_round"
        )
        right.errorbar(x, y, half, fmt="o-", color=color, label=label, ms=4)
        right.plot(x, bound, ":", color=color)
        left.plot(x, seconds, "s--", color=color, label=f"bandit: {label}", ms=4)
    right.plot(x, columns(rows, "uniform_regret")[0], color="0.4", label="uniform play")
    right.plot([], [], ":", color="0.4", label="bound of each, in its colour")
    left.set(xscale="log", yscale="log")
    right.set(xscale="log", yscale="log")
    tidy(left, "One game, plain numpy: predict, (draw,) update", "|A|", "seconds a round")
    title = f"Exp3 tuned to T = {rows[0]['T']}; means and 95 % intervals, {rows[0]['games']} games"
    tidy(right, title, "|A|", "pseudo-regret, total loss")
    return figure


def columns(rows: Records, *names: str) -> list[Any]:
    """Columns of records as arrays, one for each name."""
    return [np.asarray([row[name] for row in rows]) for name in names]
