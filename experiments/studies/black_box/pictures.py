"""The picture: the best value so far of every sampler, a panel for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from common.bands import tidy
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy.stats import binom

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = Any
FIRST = 5
"""The first trial that is drawn."""
BANDED = 10
"""Seeds from which on there is a band; of fewer it would hide the others."""
TICKS = (5, 10, 20, 50, 100, 200, 300, 500, 1000)


def median_interval(games: Array) -> tuple[Array, Array]:
    """Order statistics of n >= 6 `games` (n, ...), with the true median between them.

    In 95 % of cases, whatever the games' distribution.
    """
    place = int(binom.ppf(0.025, len(games), 0.5))
    ordered = np.sort(games, axis=0)
    return ordered[place - 1], ordered[-place]


def medians(values: Mapping[tuple[str, str], Array]) -> Figure:
    """Medians with 95 % intervals; `values` (seeds, trials) of each problem and sampler."""
    problems = list(dict.fromkeys(problem for problem, _ in values))
    samplers = list(dict.fromkeys(sampler for _, sampler in values))
    columns = min(len(problems), 2)
    rows = -(-len(problems) // columns)
    figure = Figure(figsize=(6 * columns, 4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, problem in zip(panels, problems, strict=False):
        best = {
            sampler: np.maximum.accumulate(found, axis=1)
            for (of, sampler), found in values.items()
            if of == problem
        }
        for sampler, curves in best.items():
            _curve(axes, curves, sampler, f"C{samplers.index(sampler)}")
        top = max(curves.max() for curves in best.values())
        low = min(np.median(curves[:, :20], axis=0)[-1] for curves in best.values())
        axes.set_ylim(low - 0.3 * (top - low), top + 0.05 * (top - low))
        axes.set_xscale("log")
        longest = max(curves.shape[1] for curves in best.values())
        axes.set_xticks([tick for tick in TICKS if tick <= longest])
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        tidy(axes, problem, "trials", "best value so far: median", "lower right")
    return figure


def _curve(axes: Axes, curves: Array, sampler: str, color: str) -> None:
    """The median of curves (seeds, trials), from the first trial that is drawn."""
    trials = np.arange(FIRST, curves.shape[1] + 1)
    shown = curves[:, FIRST - 1 :]
    label = f"{sampler} ({len(curves)} seeds)"
    width = 2.2 if color == "C0" else 1.3
    axes.plot(trials, np.median(shown, axis=0), color=color, linewidth=width, label=label)
    if len(curves) >= BANDED:
        axes.fill_between(trials, *median_interval(shown), color=color, alpha=0.15, linewidth=0)
