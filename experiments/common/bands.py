"""Means over independent games with 95 % confidence bands, as numbers and on axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = Any

NORMAL_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


def half_width(games: Array) -> Array:
    """Half of the normal 95 % confidence interval of the mean over the last axis, (...).

    1.96 s / sqrt(n), the uncertainty of the mean, not the spread of the games; 0 for one game.
    """
    count = games.shape[-1]
    if count == 1:
        return 0.0 * games[..., 0]
    return NORMAL_95 * games.std(axis=-1, ddof=1) / np.sqrt(count)


def curve(axes: Axes, x: Array, games: Array, label: str, **style: Any) -> None:
    """Draw the mean of `games` (len(x), n) as a line, with its 95 % confidence band."""
    middle, half = games.mean(axis=-1), half_width(games)
    (line,) = axes.plot(x, middle, label=label, **style)
    axes.fill_between(x, middle - half, middle + half, color=line.get_color(), alpha=0.25, lw=0)


def tidy(axes: Axes, title: str, x: str, y: str, legend: Any = "best") -> None:
    """Set title and labels, remove the box; `legend` is its location, None: no legend."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    if legend is not None:
        axes.legend(loc=legend, frameon=False, fontsize=8)
