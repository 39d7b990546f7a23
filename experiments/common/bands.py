"""Means over independent games, with 95 % confidence bands, as numbers and on axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = Any

NORMAL_95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


def half_width(games: Array) -> Array:
    """Half of the normal 95 % interval for the mean over the last axis, (...); 0 for one game.

    1.96 s / sqrt(n): the uncertainty of the mean, not the spread of the games.
    """
    count = games.shape[-1]
    if count == 1:
        return 0.0 * games[..., 0]
    return NORMAL_95 * games.std(axis=-1, ddof=1) / np.sqrt(count)


def curve(axes: Axes, x: Array, games: Array, label: str, **style: Any) -> None:
    """Mean of `games` (len(x), n) as a line, its 95 % confidence band around it."""
    middle, half = games.mean(axis=-1), half_width(games)
    (line,) = axes.plot(x, middle, label=label, **style)
    axes.fill_between(x, middle - half, middle + half, color=line.get_color(), alpha=0.25, lw=0)


def tidy(axes: Axes, title: str, x: str, y: str, legend: Any = "best") -> None:
    """Title, labels, no box; `legend` says where, None: nowhere."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    if legend is not None:
        axes.legend(loc=legend, frameon=False, fontsize=8)
