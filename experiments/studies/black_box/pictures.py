"""The picture: the best value so far of every sampler, a panel for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from common.bands import tidy
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy.stats import binom

Array = Any
FIRST = 5
"""The first trial that is drawn."""
TICKS = (5, 10, 20, 50, 100, 200, 300, 500, 1000)


def median_interval(games: Array) -> tuple[Array, Array]:
    """Order statistics of `games` (n, ...) with the true median between them in 95 % of cases.

    Whatever the games' distribution. Fewer than 6 games have none that are so sure: their extremes.
    """
    outside = max(
        int(binom.ppf(0.025, len(games), 0.5)), 1
    )  # as many on each side, with their ends
    ordered = np.sort(games, axis=0)
    return ordered[outside - 1], ordered[-outside]


def medians(values: Mapping[tuple[str, str], Array]) -> Figure:
    """Medians with 95 % intervals; `values` (seeds, trials) of each problem and sampler."""
    problems = list(dict.fromkeys(problem for problem, _ in values))
    samplers = list(dict.fromkeys(sampler for _, sampler in values))
    figure = Figure(figsize=(6 * min(len(problems), 2), 4 * -(-len(problems) // 2)))
    figure.set_layout_engine("constrained")
    panels = figure.subplots(-(-len(problems) // 2), min(len(problems), 2), squeeze=False).flat
    for axes, problem in zip(panels, problems, strict=False):
        lows = []
        for index, sampler in enumerate(samplers):
            if (problem, sampler) not in values:
                continue
            best = np.maximum.accumulate(values[problem, sampler], axis=1)
            trials = np.arange(1, best.shape[1] + 1)[FIRST - 1 :]
            low, high = median_interval(best[:, FIRST - 1 :])
            (line,) = axes.plot(
                trials,
                np.median(best, axis=0)[FIRST - 1 :],
                color=f"C{index}",
                linewidth=2.2 if index == 0 else 1.3,
                label=f"{sampler} ({len(best)} seeds)",
            )
            axes.fill_between(trials, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
            lows.append(float(np.median(best[:, min(19, best.shape[1] - 1)])))
        top = max(v.max() for (of, _), v in values.items() if of == problem)
        axes.set_ylim(min(lows) - 0.3 * (top - min(lows)), top + 0.05 * (top - min(lows)))
        axes.set_xscale("log")
        longest = max(v.shape[1] for (of, _), v in values.items() if of == problem)
        axes.set_xticks([tick for tick in TICKS if tick <= longest])
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        tidy(axes, problem, "trials", "best value so far: median", "lower right")
    return figure
