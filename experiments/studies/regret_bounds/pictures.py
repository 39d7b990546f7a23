"""Pictures of the bounds experiment, from its records."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import experts
from experts import bounds
from experts.environments import Given
from studies.regret_bounds.verdicts import Record

COLORS = [f"C{i}" for i in range(10)] + ["black", "gold", "darkgreen", "navy", "salmon"]
"""Colours of the opponents."""


def growth(found: list[Record], learners: list[str], k: int) -> Figure:
    """Panels of mean regret over the horizon, one for each learner: all opponents and the bound."""
    columns = min(4, max(2, len(learners)))
    height = -(-len(learners) // columns)
    figure = Figure(figsize=(2.8 * columns + 2.3, 2.6 * height + 1.6), layout="constrained")
    axes = figure.subplots(height, columns, sharex=True, squeeze=False)
    colors, drawn = _colors(found), set()
    for panel, learner in zip(axes.flat, learners, strict=False):
        mine = [r for r in found if r["learner"] == learner and r["experts"] == k]
        for name, color in colors.items():
            line = [(r["horizon"], r["mean_regret"]) for r in mine if r["opponent"] == name]
            line = [point for point in sorted(line) if point[1] > 0.1]  # the axis is logarithmic
            if line:
                drawn.add(name)
                panel.plot(*zip(*line, strict=True), "o-", color=color, markersize=3, linewidth=1)
        bound = sorted({(r["horizon"], r["bound"]) for r in mine if r["bound"] is not None})
        panel.plot([t for t, _ in bound], [b for _, b in bound], color="black", linestyle="--")
        holds = {"expectation": "bandit, on the mean", "probability": "bandit, with prob. 95 %"}
        note = holds.get(mine[0]["holds"])
        panel.set_title(learner + (f"\n({note})" if note else ""), fontsize=9)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.grid(alpha=0.3)
    for panel in axes.flat[len(learners) :]:
        panel.set_axis_off()
    for panel in axes.flat[max(0, len(learners) - columns) : len(learners)]:
        panel.tick_params(labelbottom=True)  # the lowest panel of its column
    handles = [
        Line2D([], [], color=color, marker="o", markersize=4, label=name)
        for name, color in colors.items()
        if name in drawn
    ]
    handles.append(Line2D([], [], color="black", linestyle="--", label="a-priori bound"))
    figure.legend(handles=handles, loc="outside right upper", fontsize=9, frameon=False)
    figure.supxlabel("rounds T", fontsize=10)
    figure.supylabel("mean regret, in units of loss", fontsize=10)
    figure.suptitle(f"Mean regret against every opponent, and the bound; K = {k} experts")
    return figure


def tightness(found: list[Record]) -> Figure:
    """Worst ratios of regret and bound, a row for each learner, a point for each opponent."""
    ratios: dict[tuple[str, str], float] = {}
    for record in found:
        key = (_row(record), record["opponent"])
        ratios[key] = max(ratios.get(key, 0.0), record["worst_ratio"])
    top: dict[str, float] = {}
    for (row, _), ratio in ratios.items():
        top[row] = max(top.get(row, 0.0), ratio)
    rows = sorted(top, key=lambda row: top[row])
    left = 10 ** np.floor(np.log10(min(top.values())))
    figure = Figure(figsize=(11, 0.27 * len(rows) + 1.8), layout="constrained")
    axes = figure.subplots()
    for i, (name, color) in enumerate(_colors(found).items()):
        shown = [(v, rows.index(row)) for (row, o), v in ratios.items() if o == name and v > left]
        x, y = zip(*shown, strict=True) if shown else ((), ())
        axes.scatter(x, y, s=30, color=color, marker="os^D"[i % 4], label=name, alpha=0.9)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.text(0.97, len(rows) - 0.4, "the bound", ha="right", va="bottom", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(left, 1.3)
    axes.set_ylim(-0.7, len(rows) + 0.5)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.grid(alpha=0.3)
    axes.set_xlabel(
        "largest regret / bound, over all T and K (mean regret if the bound is on a mean)"
    )
    axes.set_title("How tight the bounds are")
    figure.legend(loc="outside right upper", fontsize=9, frameon=False, title="opponent")
    return figure


def _colors(found: list[Record]) -> dict[str, Any]:
    names = sorted({record["opponent"] for record in found})
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def _row(record: Record) -> str:
    suffix = {"always": "", "certificate": " [certificate]"}
    return str(record["learner"]) + suffix.get(record["holds"], f" [{record['holds']}]")


def worst(rounds: int, two: dict[str, Any], many: Any) -> Figure:
    """Worst losses for tuned Hedge: for two experts (T, 2) by method, and for many (T, K)."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    lead, regret = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    learner, number = experts.hedge(horizon=rounds), np.arange(1, rounds + 1)
    for (name, losses), style in zip(two.items(), ("-", "--"), strict=True):
        ahead = np.diff(losses, axis=1)[:, 0].cumsum()
        lead.plot(number, ahead * np.sign(ahead[-1]), linestyle=style, label=name)
        regret.plot(number, _regret(learner, losses), linestyle=style, label=name)
    lead.set_ylabel("lead of the final best, in losses")
    lead.set_title("Two experts: neck and neck, then one runs away", fontsize=10)
    regret.axhline(bounds.hedge_tuned(2, rounds), color="black", linestyle=":", label="bound for T")
    regret.set_ylabel("regret to the best expert so far")
    regret.set_title("What it costs the learner", fontsize=10)
    for axes in (lead, regret):
        axes.legend(frameon=False, fontsize=9)
        axes.grid(alpha=0.3)
        axes.set_xlabel("round")
    k = many.shape[1]
    share = _regret(learner, many)[-1] / bounds.hedge_tuned(k, rounds)
    below = figure.add_subplot(grid[1, :])
    image = many[:, np.argsort(many.sum(axis=0), kind="stable")].T
    frame = (0.5, rounds + 0.5, k + 0.5, 0.5)
    below.imshow(image, aspect="auto", cmap="Greys", interpolation="nearest", extent=frame)
    below.set_yticks(range(1, k + 1))
    below.set_xlabel("round")
    below.set_ylabel("expert, best first")
    title = f"{k} experts, by search: {share:.1%} of the bound (black: loss 1, white: loss 0)"
    below.set_title(title, fontsize=10)
    figure.suptitle(f"The worst losses for hedge(horizon={rounds})")
    return figure


def _regret(learner: Any, losses: Any) -> Any:
    """Regret after every round, (T,)."""
    return experts.play(learner, Given(losses), record_every=1).regret[:, 0]
