"""The pictures of the bounds experiment."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from regret_verdicts import Record

import experts
from experts import bounds
from experts.environments import Given


def growth(found: list[Record], learners: list[str], k: int) -> Figure:
    """A panel for each learner: mean regret of each opponent, and the bound, over the horizon."""
    columns = 4
    height = -(-len(learners) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.7 * height + 0.8), layout="constrained")
    axes = figure.subplots(height, columns, sharex=True, squeeze=False)
    names = list(dict.fromkeys(record["opponent"] for record in found if record["experts"] == k))
    colors = {name: f"C{i % 10}" for i, name in enumerate(names)}
    for panel, learner in zip(axes.flat, learners, strict=False):
        mine = [r for r in found if r["learner"] == learner and r["experts"] == k]
        for name in names:
            line = [(r["horizon"], r["mean_regret"]) for r in mine if r["opponent"] == name]
            line = [(t, y) for t, y in sorted(line) if y > 0.05]  # zero has no logarithm
            marker = "os"[names.index(name) >= 10]
            panel.plot(*zip(*line, strict=True) if line else ([], []), color=colors[name],
                       marker=marker, markersize=3.5, linewidth=1, label=name)  # fmt: skip
        bound = sorted({(r["horizon"], r["bound"]) for r in mine})
        kind = {"expectation": "in expectation", "probability": "with probability 95 %"}
        panel.plot(*zip(*bound, strict=True), color="black", linestyle="--", label="a-priori bound")
        note = kind.get(mine[0]["holds"])
        panel.set_title(learner + (f"\nbandit; bound {note}" if note else ""), fontsize=9)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.grid(alpha=0.3)
    for panel in axes.flat[len(learners) :]:
        panel.set_axis_off()
    figure.supxlabel("rounds T")
    figure.supylabel(
        "mean regret (in losses; 1 = the largest loss of a round, where no range is given)"
    )
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9, frameon=False)
    figure.suptitle(f"Mean regret against every opponent, and the bound; K = {k} experts")
    return figure


def tightness(found: list[Record]) -> Figure:
    """A row for each learner: the worst ratio of each opponent, 1 is the bound itself."""
    best: dict[str, float] = {}
    for record in found:
        name = _row(record)
        best[name] = max(best.get(name, 0.0), record["worst_ratio"])
    rows = sorted(best, key=lambda name: best[name])
    names = list(dict.fromkeys(record["opponent"] for record in found))
    figure = Figure(figsize=(10, 0.27 * len(rows) + 1.8), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(names):
        ratios: dict[str, float] = {}
        for record in found:
            if record["opponent"] == name:
                row = _row(record)
                ratios[row] = max(ratios.get(row, 0.0), record["worst_ratio"])
        shown = [(ratio, rows.index(row)) for row, ratio in ratios.items() if ratio > 1e-4]
        x, y = zip(*shown, strict=True) if shown else ((), ())
        axes.scatter(x, y, s=28, color=f"C{i % 10}", marker="os^"[i // 5], label=name, alpha=0.8)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.text(1.0, len(rows) - 0.4, "bound", ha="center", va="bottom", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlim(left=1e-3, right=1.6)
    axes.set_ylim(-0.7, len(rows) + 0.3)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.grid(alpha=0.3)
    axes.set_xlabel(
        "largest regret / bound found, over all horizons (mean regret for bounds in expectation)"
    )
    axes.set_title("How tight the bounds are")
    axes.legend(loc="upper left", fontsize=8, framealpha=0.9, title="opponent")
    return figure


def _row(record: Record) -> str:
    suffix = {"always": "", "certificate": " [certificate]"}
    return str(record["learner"]) + suffix.get(record["holds"], f" [{record['holds']}]")


def worst(rounds: int, two: dict[str, Any], many: Any) -> Figure:
    """Worst losses for tuned Hedge: `two` (T, 2) by how they were found, and `many` (T, K)."""
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
    """After every round, (T,)."""
    return experts.play(learner, Given(losses), record_every=1).regret[:, 0]
