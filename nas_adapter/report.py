"""Pictures of a run and its page. Everything is read back from the files of the run."""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from experts.files import replace
from nas_adapter.run import Run
from nas_adapter.spaces import Architecture, Space

COLORS = mpl.color_sequences["tab10"]
NODE = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black"}
CAPTIONS = {
    "probabilities.png": "The play on every edge over the search. A line that ends at a cross is "
    "an operation that could no longer win and was removed.",
    "regret.png": "Regret in clipped rewards, summed over the edges, to the best architecture so "
    "far; the certificate computed along the way; and the bound that held before the first step.",
    "wipeout.png": "When each operation was removed. The longer the bar, the longer it was a "
    "candidate.",
    "cell.png": "The cell that was found. Node 0 is its input; edges that carry nothing are "
    "dotted.",
}


def draw(run: Run, space: Space, architecture: Architecture, result: dict[str, Any]) -> None:
    """The pictures that this run has data for, and report.html."""
    steps = run.history("search")
    pictures: dict[str, Callable[[], Figure]] = {}
    if result["edge_probabilities"] is not None:
        pictures["probabilities.png"] = lambda: probabilities(space, steps, result["wiped_out"])
    if result["regret"] is not None:
        pictures["regret.png"] = lambda: regret(steps)
        pictures["wipeout.png"] = lambda: wipeouts(space, result["wiped_out"], result["steps"])
    pictures["cell.png"] = lambda: cell(space, architecture, space.genotype(architecture))
    for name, make in pictures.items():
        replace(run.out / name, partial(make().savefig, format="png", dpi=110))
    page(run.out, list(pictures), result)


def probabilities(
    space: Space, steps: list[dict[str, Any]], wiped_out: list[dict[str, Any]]
) -> Figure:
    """One panel an edge: the play over the steps, a cross where an operation is removed."""
    shown = [record for record in steps if "probabilities" in record]
    when = np.asarray([record["step"] for record in shown])
    play = np.asarray([record["probabilities"] for record in shown])  # (T, E, K)
    columns = min(3, len(space.edges))
    rows = math.ceil(len(space.edges) / columns)
    figure = Figure(figsize=(3.6 * columns + 1.6, 2.4 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(space.edges) :]:
        axis.set_visible(False)
    for edge, axis in zip(range(len(space.edges)), axes, strict=False):
        axis.set_title(f"edge {space.edges[edge]}", fontsize=10)
        for operation, name in enumerate(space.operations):
            gone = _removal(wiped_out, space.edges[edge], name)
            visible = when <= (math.inf if gone is None else gone)
            line = play[visible, edge, operation]
            color = COLORS[operation % len(COLORS)]
            axis.plot(when[visible], line, color=color, label=name if edge == 0 else None)
            if gone is not None and len(line):
                axis.plot(when[visible][-1], line[-1], "x", color=color)
    figure.supxlabel("search step", fontsize=10)
    figure.supylabel("probability", fontsize=10)
    figure.suptitle("What the search plays on every edge (x: wiped out)")
    figure.legend(loc="outside right upper", fontsize=9)
    return figure


def regret(steps: list[dict[str, Any]]) -> Figure:
    """Regret, certificate and a-priori bound over the steps, summed over the edges."""
    when = np.asarray([record["step"] for record in steps])
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    axis.plot(
        when,
        [record["regret_bound"] for record in steps],
        color="black",
        linestyle="--",
        label="bound known in advance",
    )
    axis.plot(
        when,
        [record["regret_certificate"] for record in steps],
        color=COLORS[1],
        label="certificate of this run",
    )
    axis.plot(when, [record["regret"] for record in steps], color=COLORS[0], label="regret")
    axis.set_xlabel("search step")
    axis.set_ylabel("cumulative clipped reward")
    axis.set_title("Regret to the best architecture, against its bounds")
    axis.set_ylim(bottom=min(0, *(record["regret"] for record in steps)))
    axis.legend()
    return figure


def wipeouts(space: Space, wiped_out: list[dict[str, Any]], total: int) -> Figure:
    """A bar for every operation of every edge, as long as it was a candidate."""
    rows = [(edge, name) for edge in space.edges for name in space.operations]
    figure = Figure(figsize=(8, 0.19 * len(rows) + 1.4), layout="constrained")
    axis = figure.subplots()
    for row, (edge, name) in enumerate(rows):
        gone = _removal(wiped_out, edge, name)
        color = COLORS[space.operations.index(name) % len(COLORS)]
        axis.barh(row, total if gone is None else gone, color=color, alpha=0.9)
        if gone is None:
            axis.text(total * 1.01, row, "kept", va="center", fontsize=7)
    axis.set_yticks(range(len(rows)), [f"{edge}  {name}" for edge, name in rows], fontsize=7)
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.set_xlim(0, total)
    axis.set_xlabel("search step up to which the operation was a candidate")
    removed = f"{len(wiped_out)} of {len(rows)} operations wiped out"
    axis.set_title(f"Candidates of every edge: {removed}")
    return figure


def cell(space: Space, architecture: Architecture, title: str) -> Figure:
    """The cell as a graph, nodes from left to right."""
    ends = [tuple(int(node) for node in edge.split("<-")) for edge in space.edges]
    last = max(target for target, _ in ends)
    figure = Figure(figsize=(3 * last, 1.1 * last + 1), layout="constrained")
    axis = figure.subplots()
    for (target, source), operation in zip(ends, architecture, strict=True):
        _arrow(axis, source, target, space.operations[operation], operation)
    for node in range(last + 1):
        label = "input" if node == 0 else "output" if node == last else str(node)
        axis.text(node, 0, label, ha="center", va="center", zorder=3, bbox=NODE)
    axis.set_xlim(-0.3, last + 0.3)
    axis.set_ylim(-0.15 - 0.4 * max(0, last - 2), 0.2 + 0.4 * max(0, last - 1))
    axis.set_aspect("equal")
    axis.axis("off")
    axis.set_title(title, fontsize=8)
    return figure


def page(out: Path, pictures: list[str], result: dict[str, Any]) -> None:
    """report.html: result and pictures in one file that needs no other."""
    figures = "".join(
        f'<figure><img alt="{name}" src="data:image/png;base64,'
        f'{base64.b64encode((out / name).read_bytes()).decode()}">'
        f"<figcaption>{CAPTIONS[name]}</figcaption></figure>"
        for name in pictures
    )
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(_short(value))}</td></tr>"
        for name, value in result.items()
        if not isinstance(value, dict | list)  # these are in the pictures and in result.json
    )
    title = html.escape(f"{result['method']} on {result['space']}, {result['data']}")
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>'
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "img{max-width:100%}figure{margin:2rem 0}figcaption{color:#555}"
        "th{text-align:left;vertical-align:top;padding-right:1rem;white-space:nowrap}"
        "td{overflow-wrap:anywhere}"
        f"</style><h1>{title}</h1>{figures}<h2>Result</h2><table>{rows}</table></html>\n"
    )
    replace(out / "report.html", lambda path: path.write_text(text))


def _arrow(axis: Axes, source: int, target: int, name: str, operation: int) -> None:
    """Neighbours are joined straight, others by an arc; arcs alternate above and below."""
    span = target - source
    side = 1 if source % 2 == 0 else -1
    height = 0.0 if span == 1 else side * (0.35 + 0.4 * (span - 2))  # of the arc's middle
    idle = name == "none"
    arrow = FancyArrowPatch(
        (source, 0),
        (target, 0),
        connectionstyle=f"arc3,rad={-2 * height / span:.3f}",
        arrowstyle="-|>",
        mutation_scale=16,
        shrinkA=26,
        shrinkB=26,
        color="0.7" if idle else COLORS[operation % len(COLORS)],
        linestyle=":" if idle else "-",
        linewidth=2,
    )
    axis.add_patch(arrow)
    middle, above = (source + target) / 2, height + 0.08 * side
    axis.text(middle, above, name, ha="center", va="center", color="0.5" if idle else "black")


def _removal(wiped_out: list[dict[str, Any]], edge: str, operation: str) -> int | None:
    """Step at which an operation was removed."""
    steps = [w["step"] for w in wiped_out if (w["edge"], w["operation"]) == (edge, operation)]
    return steps[0] if steps else None


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value)
