"""What a fitted surrogate says of single options and of pairs: effects with standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from experts.numerics.arguments import whole
from experts.numerics.figures import new_figure
from experts.structured.search.surrogate import Surrogate
from experts.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Effect(NamedTuple):
    """How much better than the average of its dimensions an option, or a pair of them, is."""

    options: dict[str, Any]
    """one or two, by dimension"""
    effect: float
    """in standard deviations of the values' normal scores; positive is better"""
    error: float
    """its posterior standard deviation"""

    @property
    def name(self) -> str:
        """Of its options."""
        return ", ".join(f"{name} = {option}" for name, option in self.options.items())


@dataclass(frozen=True, slots=True)
class Effects:
    """Main effects and pair effects; a pair's is what the two together add to their own.

    Effects sum to 0 over a dimension's options. Printed, they are a table.
    """

    rows: list[Effect]
    """all main effects in the space's order, then all pair effects"""

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = (f"{row.name:{width}}  {row.effect:+6.2f} ± {row.error:.2f}" for row in self.rows)
        return "\n".join(lines)

    def plot(self, pairs: int = 20) -> Figure:
        """Bars with one standard error: all main effects, and the largest of the pairs."""
        main = [row for row in self.rows if len(row.options) == 1]
        others = sorted(self.rows[len(main) :], key=lambda row: -abs(row.effect))
        others = others[: whole("pairs", pairs, 0)]
        height = 1.5 + 0.2 * max(len(main), len(others))
        figure = new_figure("Effects.plot", 12, height)
        for axes, some in zip(figure.subplots(1, 2), (main, others), strict=True):
            effect, error = ([row[at] for row in some] for at in (1, 2))
            axes.barh(np.arange(len(some)), effect, xerr=error)
            axes.set_yticks(np.arange(len(some)), [row.name for row in some])
            axes.invert_yaxis()
            axes.axvline(0, color="0.3", linewidth=0.8)
            axes.set_xlabel("better by (standard deviations of the normal scores)")
            axes.set_title("options" if some is main else "the largest of the pairs")
        return figure


def effects(model: Surrogate, losses: Array) -> Effects:
    """All effects of a surrogate, with their standard errors; none of pairs that cannot be."""
    space, root, rows = model.space, model.root(), []
    options = [rows[:size] for rows, size in zip(model.features, space.sizes, strict=True)]
    alike = [part @ model.x[e].T for e, part in enumerate(options)]

    def enter(where: tuple[int, ...], prior: Array, kernel: Array) -> None:
        half = kernel @ root.T
        mean = -half @ (root @ losses)
        error = np.sqrt(np.maximum(prior - np.sum(half * half, axis=-1), 0.0))
        for at, chosen in enumerate(np.ndindex(*space.sizes[list(where)])):
            index = dict(zip(where, chosen, strict=True))
            if any(e in index and q in index and not ok[index[q]] for e, q, ok in space.conditions):
                continue
            names = [space.names[e] for e in where]
            named = {n: space.choices[n].options[o] for n, o in zip(names, chosen, strict=True)}
            rows.append(Effect(named, float(mean[at]), float(error[at])))

    own = [np.sum(part * part, axis=-1) for part in options]
    mixed = np.tensordot(model.main, model.x, 1)
    for e, part in enumerate(options):
        enter((e,), model.main[e, e] * own[e], part @ mixed[e].T)
    for e, g in combinations(range(len(options)), 2):
        shape = (own[e].size * own[g].size, model.count)
        kernel = (alike[e][:, None] * alike[g]).reshape(shape)
        enter((e, g), model.pair * np.outer(own[e], own[g]).ravel(), model.pair * kernel)
    return Effects(rows)
