"""Plot of a trace: regret against its bounds, and weights over time.

matplotlib is imported on demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experts.numerics.figures import new_figure
from experts.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = ("C0", "C2", "C4", "C1")
_NAMED = 10
"""Experts with a line and a label of their own."""


def regret_and_weights(
    title: str,
    rounds: Array,
    curves: dict[str, Array],
    bound: Any,
    weight_rounds: Array,
    weights: Array,
) -> Figure:
    """Figure: above, regret of all seeds and problems against the bound; below, weights over time.

    Parameters
    ----------
    title
        What was played, one line.
    rounds : int (R,)
    curves
        Regrets, and bounds on them, by label: (R, S, ...) each.
    bound
        An a-priori bound as a function of the number of rounds, or None.
    weight_rounds : int (W,)
    weights : (W, S, ..., K)
    """
    figure = new_figure("Trace.plot", 8, 7)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _regret(above, title, rounds, curves, bound)
    _weights(below, rounds, weight_rounds, weights)
    return figure


def _regret(axes: Axes, title: str, rounds: Array, curves: dict[str, Array], bound: Any) -> None:
    colors = iter(_COLORS)
    games = {label: values.reshape(len(rounds), -1) for label, values in curves.items()}
    for label, values in games.items():
        _band(axes, rounds, values, "C3" if "certificate" in label else next(colors), label)
    count = next(iter(games.values())).shape[1]
    if bound is not None:
        curve = [float(bound(int(t))) for t in rounds]
        axes.plot(rounds, curve, color="0.3", linestyle="--", label="a-priori bound")
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set_ylabel("regret" + (": median, middle 80 % of the games" if count > 1 else ""))
    number = f"{count} games" if count > 1 else "one game"
    # A learner's repr can be long; the axes' width holds about this much of it.
    axes.set_title(f"{title}, {number}", fontsize=9, wrap=True)
    axes.legend(loc="best", frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _band(axes: Axes, rounds: Array, values: Array, color: str, label: str) -> None:
    """Draw the median of values (R, n), and a band with the middle 80 % of the games."""
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9], axis=1)
    if values.shape[1] > 1:
        axes.fill_between(rounds, low, high, color=color, alpha=0.2, linewidth=0)
    style = "-." if label.startswith("to ") else "-"  # two regrets may be the same
    axes.plot(rounds, middle, color=color, linestyle=style, label=label)


def _weights(axes: Axes, rounds: Array, weight_rounds: Array, all_weights: Array) -> None:
    """Draw the first problem's weights, mean over seeds; those largest at the end have a label."""
    weights = all_weights.mean(axis=1)
    weights = weights.reshape(len(weights), -1, weights.shape[-1])[:, 0]
    order = np.argsort(-weights[-1], kind="stable")
    shown = [(weights[:, k], f"expert {k}") for k in order[:_NAMED]]
    if len(order) > _NAMED:
        rest = weights[:, order[_NAMED:]].sum(axis=1)
        shown.append((rest, f"the other {len(order) - _NAMED}"))
    lines, labels = zip(*shown, strict=True)
    colors = [f"C{i}" for i in range(_NAMED)] + ["0.8"]
    axes.stackplot(weight_rounds, *lines, labels=labels, colors=colors, alpha=0.85)
    axes.set_ylim(0, 1)
    axes.set_xlim(rounds[0], max(rounds[-1], rounds[0] + 1))
    axes.set_xlabel("round")
    axes.set_ylabel("weight, mean over seeds" + (", problem 0" if all_weights.ndim > 3 else ""))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
