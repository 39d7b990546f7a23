"""Pictures of a trace. The only file of the package that knows matplotlib; imported on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experts.trace import Trace
from experts.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED = 10
"""Experts with a line and a label of their own."""


def trace(game: Trace, bound: Any = None) -> Figure:
    """Regret of all seeds and problems against the bound; below it the weights over time."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (optional, and slow to import)
    except ImportError as missing:
        raise ImportError("Trace.plot needs matplotlib: pip install matplotlib") from missing
    figure = Figure(figsize=(8, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _regret(above, game, bound)
    _weights(below, game)
    return figure


def _regret(axes: Axes, game: Trace, bound: Any) -> None:
    regret = game.regret.reshape(len(game.rounds), -1)
    _band(axes, game.rounds, regret, "C0", "regret")
    if game.certificate is not None:
        certificate = game.certificate.reshape(len(game.rounds), -1)
        _band(axes, game.rounds, certificate, "C3", "certificate of the learner")
    if bound is not None:
        curve = [float(bound(int(t))) for t in game.rounds]
        axes.plot(game.rounds, curve, color="0.3", linestyle="--", label="a-priori bound")
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set_ylabel("regret to the best expert so far")
    games = f"{regret.shape[1]} games" if regret.shape[1] > 1 else "one game"
    # The learner's repr can be long; the axes' width holds about this much of it.
    axes.set_title(f"{game.learner}\n{games}, {game.feedback} feedback", fontsize=9, wrap=True)
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _band(axes: Axes, rounds: Array, values: Array, color: str, label: str) -> None:
    """Median of values (R, n), and where the middle 80 % of the games are."""
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9], axis=1)
    if values.shape[1] > 1:
        axes.fill_between(rounds, low, high, color=color, alpha=0.2, linewidth=0)
        label += " (median, middle 80 % of the games)"
    axes.plot(rounds, middle, color=color, label=label)


def _weights(axes: Axes, game: Trace) -> None:
    """Mean over seeds of the first problem's weights, the largest at the end by name."""
    weights = game.weights.mean(axis=1)
    weights = weights.reshape(len(weights), -1, weights.shape[-1])[:, 0]
    order = np.argsort(-weights[-1], kind="stable")
    shown = [(weights[:, k], f"expert {k}") for k in order[:_NAMED]]
    if len(order) > _NAMED:
        rest = weights[:, order[_NAMED:]].sum(axis=1)
        shown.append((rest, f"the other {len(order) - _NAMED}"))
    lines, labels = zip(*shown, strict=True)
    colors = [f"C{i}" for i in range(_NAMED)] + ["0.8"]
    axes.stackplot(game.weight_rounds, *lines, labels=labels, colors=colors, alpha=0.85)
    axes.set_ylim(0, 1)
    axes.set_xlim(game.rounds[0], max(game.rounds[-1], game.rounds[0] + 1))
    axes.set_xlabel("round")
    axes.set_ylabel("weight, mean over seeds" + (", problem 0" if game.loss.ndim > 2 else ""))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
