"""Three pictures of a table of forecasts: weights over time, losses summed up, and scores.

matplotlib is imported on demand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experts.forecasting.fitted import Fitted
from experts.forecasting.history import History
from experts.forecasting.scores import (
    OURS,
    UNIFORM,
    ScoreTable,
    compared,
    forecasters,
    losses_of,
)
from experts.numerics.figures import new_figure
from experts.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOT = "the plot"
"""What needs matplotlib."""
_NAMED = 9
"""Experts with a colour of their own."""
_PALE = "0.75"
"""The colour of the others."""
_POINTS = 1000
"""Longer tables are thinned to so many points of time: no screen has more."""


class Course(NamedTuple):
    """What happened over T points of time; series and groups of the same time are averaged."""

    time: Array
    """(T,): dates, numbers, or the rows' numbers"""
    label: str
    """what `time` is"""
    weights: Array
    """(T, K): coefficients of the experts"""
    names: Sequence[str]
    """of the experts"""
    ahead: Mapping[str, Array]
    """(T,) by forecaster: its loss less ours, summed up to here, a mean over series and groups"""
    scores: ScoreTable

    @property
    def convex(self) -> bool:
        """Whether the weights can be stacked: none is negative, and they add up to 1 at most."""
        return bool(self.weights.min() >= 0 and self.weights.sum(axis=1).max() <= 1 + 1e-9)


def course(fitted: Fitted, history: History, names: Sequence[str], dated: bool) -> Course:
    """The course of a model's rows; `dated`: their times are dates."""
    forecasts = forecasters(fitted, history, names)
    time = history.number if history.time is None else history.time
    losses = {
        name: losses_of(name, each, history.observed, fitted.setup.loss)
        for name, each in forecasts.items()
    }
    scores = compared(losses, fitted.setup.loss, OURS, time)
    when, point = np.unique(time, return_inverse=True)
    count = np.bincount(point)

    def mean(rows: Array) -> Array:
        return np.bincount(point, rows) / count

    flat = history.weights.reshape(len(time), -1, len(names)).mean(axis=1)
    weights = np.stack([mean(column) for column in flat.T], axis=1)
    ours = losses.pop(OURS)
    ahead = {
        name: np.cumsum(mean(np.nan_to_num(each - ours, nan=0.0).mean(axis=1)))
        for name, each in losses.items()
    }
    kept = np.unique(np.linspace(0, len(when) - 1, _POINTS).round().astype(int))
    shown = when.astype("datetime64[ns]") if dated else when
    label = "row" if history.time is None else "date" if dated else "time"
    return Course(
        shown[kept],
        label,
        weights[kept],
        names,
        {name: each[kept] for name, each in ahead.items()},
        scores,
    )


def pictures(found: Course) -> Figure:
    """All three in one figure."""
    last = 0.8 + 0.25 * len(found.scores)
    figure = new_figure(PLOT, 8.0, 7.0 + last)
    above, middle, below = figure.subplots(3, 1, height_ratios=(3.5, 3.5, last))
    draw_weights(above, found)
    draw_losses(middle, found)
    draw_scores(below, found)
    return figure


def draw_weights(axes: Axes, found: Course) -> None:
    """Weights over time, stacked if they are shares of 1."""
    size = np.abs(found.weights).mean(axis=0)
    shown, rest = _largest(size)
    lines = [found.weights[:, k] for k in shown]
    labels = [found.names[k] for k in shown]
    colors = [_color(found, name) for name in labels]
    if len(rest):
        lines.append(found.weights[:, rest].sum(axis=1))
        labels.append(f"the other {len(rest)}")
        colors.append(_PALE)
    if found.convex:
        axes.stackplot(found.time, *lines, labels=labels, colors=colors, alpha=0.9)
        axes.set_ylim(0, 1)
    else:
        for line, name, color in zip(lines, labels, colors, strict=True):
            axes.plot(found.time, line, label=name, color=color)
        axes.axhline(0, color="0.6", linewidth=0.8)
    _time_axis(axes, found)
    _tidy(axes, "Weights over time", found.label, "weight" if found.convex else "coefficient")


def draw_losses(axes: Axes, found: Course) -> None:
    """Each forecaster's loss less ours, summed up: where a line rises, we are better."""
    for name, each in found.ahead.items():
        if name not in found.names:
            style = "--" if name == UNIFORM else ":"
            axes.plot(found.time, each, label=name, color="0.45", linestyle=style)
        elif _color(found, name) != _PALE:
            axes.plot(found.time, each, label=name, color=_color(found, name))
    axes.axhline(0, color="0.45", linewidth=0.8)
    axes.ticklabel_format(axis="y", scilimits=(-3, 5))
    _time_axis(axes, found)
    _tidy(axes, "Loss less ours, summed up: rising, ours is better", found.label, "loss less ours")


def draw_scores(axes: Axes, found: Course) -> None:
    """Scores, best on top; the bar is the interval of the difference to ours."""
    table = [record for record in found.scores if record["score"] is not None]
    table = [record for record in table if np.isfinite(record["score"])]
    for place, record in enumerate(table):
        ours = record["forecaster"] == OURS
        color = "0.25" if ours else _color(found, record["forecaster"])
        if record["low"] is not None and not ours:
            ends = [record["reference"] + record[end] for end in ("low", "high")]
            axes.plot(ends, [place, place], color=color, linewidth=2, alpha=0.5)
        axes.plot(record["score"], place, "D" if ours else "o", color=color, markersize=7)
        if ours:
            axes.axvline(record["score"], color="0.4", linewidth=0.8, zorder=0)
    rows = max((record["rows"] for record in table), default=0)
    labels = [
        record["forecaster"]
        + (f" ({record['rows']} of {rows} rows)" if record["rows"] < rows else "")
        for record in table
    ]
    axes.set_yticks(range(len(table)), labels, fontsize=8)
    axes.set_ylim(max(len(table), 1) - 0.5, -0.5)
    measure = found.scores[0]["measure"]
    _tidy(axes, f"{measure} by forecaster", f"{measure} (bars: 95 % intervals beside ours)", "")


def _color(found: Course, name: str) -> str:
    """One colour for a forecaster in all pictures."""
    if name not in found.names:
        return "0.45"
    shown, _ = _largest(np.abs(found.weights).mean(axis=0))
    expert = found.names.index(name)
    return f"C{shown.index(expert)}" if expert in shown else _PALE


def _largest(size: Array) -> tuple[list[int], list[int]]:
    """The numbers of the experts with the largest weights, in the table's order, and the others."""
    if len(size) <= _NAMED + 1:
        return list(range(len(size))), []
    order = np.argsort(-size, kind="stable")
    return sorted(order[:_NAMED].tolist()), sorted(order[_NAMED:].tolist())


def _time_axis(axes: Axes, found: Course) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415  (optional)

    time = found.time
    if len(time) == 1:
        return
    axes.set_xlim(time[0], time[-1])
    if time.dtype.kind == "M":
        locator = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _tidy(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, frameon=False, fontsize=8)
