"""Pictures of searches on NAS-Bench-201's table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from experts import bounds
from studies.nasbench201.table import SIZE, Numbers, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[tuple[str, str], Numbers]
"""R runs of T queries for each data set and method, (R, T)"""

SHOWN = ("experts", "local-search", "evolution", "evolution-once", "random", "reinforce", "exp3")
"""Methods in the picture of the searches; the others are in the printed table only."""

TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)

BANDED = ("experts", "local-search")
"""Methods of `SHOWN` with a band for their spread; seven bands would hide each other."""


def search(tables: Mapping[str, Table], scores: Curves) -> Figure:
    """Curves of test accuracy over queries, of the architecture with the best validation so far."""
    figure = Figure(figsize=(6.2 * len(tables), 5), layout="constrained")
    panels = figure.subplots(1, len(tables), squeeze=False)[0]
    for axes, (data, found) in zip(panels, tables.items(), strict=True):
        curves = {name: curve for (of, name), curve in scores.items() if of == data}
        shown = {name: curve for name, curve in curves.items() if name in SHOWN} or curves
        for index, (name, curve) in enumerate(shown.items()):
            width = 2.4 if name == "experts" else 1.3
            _band(axes, curve, f"C{index}", name, width, shade=0.2 if name in BANDED else 0.0)
        top = found.test[found.valid == found.valid.max()].max()
        axes.axhline(top, color="0.3", linestyle="--", label="the table's best validation")
        queries = next(iter(shown.values())).shape[1]
        first = min(20, queries - 1)
        low = min(curve[:, first - 1].mean() for curve in shown.values())
        axes.set_ylim(low, top + 0.06 * (top - low))
        axes.set_xlim(first, queries)
        axes.set_xscale("log")
        axes.set_xticks([tick for tick in TICKS if first <= tick <= queries])
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("queries (architectures trained for 12 epochs)")
        axes.set_ylabel("test accuracy after 200 epochs, %")
        runs = len(next(iter(shown.values())))
        axes.set_title(
            f"{data}: mean of {runs} runs\nbands: middle 80 % of the runs of {_listed(shown)}",
            fontsize=10,
        )
        axes.legend(loc="lower right", frameon=False, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def regret(regrets: Curves) -> Figure:
    """Curves of regret to the best architecture, and the bound of Hedge over all architectures."""
    sets = list(dict.fromkeys(data for data, _ in regrets))
    figure = Figure(figsize=(6.2 * len(sets), 5), layout="constrained")
    for axes, data in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets, strict=True):
        curves = {name: curve for (of, name), curve in regrets.items() if of == data}
        for index, (name, curve) in enumerate(curves.items()):
            _band(axes, curve, f"C{index}", name, width=1.6, shade=0.15)
        rounds = next(iter(curves.values())).shape[1]
        t = np.arange(1, rounds + 1)
        promised = [bounds.hedge_anytime(SIZE, int(n)) for n in t]
        axes.plot(t, promised, color="0.3", linestyle="--", label="√(T ln |A|): full information")
        axes.set_xlabel("queries T, repeated ones included")
        axes.set_ylabel("regret to the best architecture, in error rates")
        axes.set_title(
            f"{data}: joint regret over {SIZE} architectures\n"
            f"ln |A| = {math.log(SIZE):.2f}; mean of {len(next(iter(curves.values())))} runs, "
            "band = middle 80 %",
            fontsize=10,
        )
        axes.set_xlim(0, rounds)
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left", frameon=False, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name for name in names if name in BANDED) or "none"


def _band(axes: Axes, curve: Numbers, color: str, label: str, width: float, shade: float) -> None:
    """Mean of the runs (R, T) as a line, the middle 80 % of them as a band."""
    t = np.arange(1, curve.shape[1] + 1)
    low, high = np.quantile(curve, [0.1, 0.9], axis=0)
    axes.fill_between(t, low, high, color=color, alpha=shade, linewidth=0)
    axes.plot(t, curve.mean(0), color=color, label=label, linewidth=width)
