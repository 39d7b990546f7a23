"""Pictures of a run and report.html, made from the metrics and the result of the run."""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experts.numerics.files import replace
from nas_adapter.errors import UserError
from nas_adapter.output import verdict
from nas_adapter.output.drawing import COLORS, cells
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Architecture, Space

CAPTIONS = {
    "probabilities.png": "The distribution on every edge over the search. A line that ends at a "
    "cross is an operation that could no longer win and was removed.",
    "regret.png": "Regret to the best architecture so far, summed over the edges, in the losses "
    "that the learner takes in (clipped rewards; estimates where one architecture was sampled); "
    "the certificate computed along the way; and the method's a-priori bound.",
    "wipeout.png": "When each operation was removed. The longer the bar, the longer it was a "
    "candidate.",
    "effects.png": "How much better or worse each operation makes a cell on each edge, on average "
    "over the rest of the cell, as the model of the trained cells sees it: in standard deviations "
    "over cells, with one standard error; right is better.",
    "cell.png": 'The cell that was found. Edges with "none" are dotted or left out.',
}


def draw(run: Run, space: Space, architecture: Architecture, result: dict[str, Any]) -> None:
    """Write report.html and the pictures that this run has data for."""
    steps = run.history("search")
    pictures: dict[str, Callable[[], Figure]] = {}
    if result["edge_probabilities"] is not None:
        pictures["probabilities.png"] = lambda: probabilities(space, steps, result["wiped_out"])
    if result["regret"] is not None:
        pictures["regret.png"] = lambda: regret(steps)
        pictures["wipeout.png"] = lambda: wipeouts(space, result["wiped_out"], result["steps"])
    if "effects" in result:
        pictures["effects.png"] = lambda: effects(space, result["effects"])
    pictures["cell.png"] = lambda: cells(space, architecture)
    _write(run.out, pictures, CAPTIONS, result)


def draw_retrained(
    run: Run, space: Space, found: dict[str, Architecture], result: dict[str, Any]
) -> None:
    """Write report.html and a picture of each cell that was given."""
    pictures = {f"{name}.png": partial(cells, space, cell) for name, cell in found.items()}
    captions = {f"{name}.png": f"{name}." for name in found}
    _write(run.out, pictures, captions, result)


def _write(
    out: Path,
    pictures: Mapping[str, Callable[[], Figure]],
    captions: Mapping[str, str],
    result: dict[str, Any],
) -> None:
    """Write pictures and page; `UserError` at the end for pictures that cannot be written."""
    failed = {}
    for name, make in pictures.items():
        try:
            replace(out / name, partial(make().savefig, format="png", dpi=110))
        except Exception as error:  # the others, and the page, are worth having without it
            failed[name] = str(error).partition("\n")[0]
    page(out, {name: captions[name] for name in pictures if name not in failed}, result)
    if failed:
        raise UserError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))


def probabilities(
    space: Space, steps: list[dict[str, Any]], wiped_out: list[dict[str, Any]]
) -> Figure:
    """Picture of the distributions: one panel an edge, a cross where an operation is removed."""
    shown = [record for record in steps if "probabilities" in record]
    when = np.asarray([record["step"] for record in shown])
    play = np.asarray([record["probabilities"] for record in shown])  # (T, E, K)
    figure, axes = _panels(space)
    for edge, axis in enumerate(axes):
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
    figure.suptitle("Distribution on every edge (x: wiped out)")
    figure.legend(loc="outside right upper", fontsize=9)
    return figure


def regret(steps: list[dict[str, Any]]) -> Figure:
    """Picture of regret, certificate and a-priori bound over the steps, summed over the edges."""
    steps = [record for record in steps if "regret" in record]  # a warm-up has none
    when = np.asarray([record["step"] for record in steps])
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    axis.plot(
        when,
        [record["regret_bound"] for record in steps],
        color="black",
        linestyle="--",
        label="a-priori bound",
    )
    axis.plot(
        when,
        [record["regret_certificate"] for record in steps],
        color=COLORS[1],
        label="certificate of this run",
    )
    axis.plot(when, [record["regret"] for record in steps], color=COLORS[0], label="regret")
    axis.set_xlabel("search step")
    axis.set_ylabel("cumulative regret")
    axis.set_title("Regret to the best architecture, against its bounds")
    axis.set_ylim(bottom=min(0, *(record["regret"] for record in steps)))
    axis.legend()
    return figure


def wipeouts(space: Space, wiped_out: list[dict[str, Any]], total: int) -> Figure:
    """Picture of the wipe-outs: a bar for every operation, up to the step of its removal."""
    figure, axes = _panels(space)
    for edge, offered, axis in zip(space.edges, space.choices, axes, strict=True):
        for row, name in enumerate(space.operations):
            if row not in offered:
                continue
            gone = _removal(wiped_out, edge, name)
            axis.barh(row, total if gone is None else gone, color=COLORS[row % len(COLORS)])
            if gone is None:
                axis.text(total * 0.98, row, "kept", va="center", ha="right", fontsize=7)
        axis.set_yticks(range(len(space.operations)), space.operations, fontsize=7)
        axis.set_xlim(0, total)
    axes[0].invert_yaxis()  # the panels share the axis
    figure.supxlabel("search step up to which the operation was a candidate", fontsize=10)
    count = sum(len(offered) for offered in space.choices)
    figure.suptitle(f"Candidates of every edge: {len(wiped_out)} of {count} wiped out")
    return figure


def effects(space: Space, rows: list[dict[str, Any]]) -> Figure:
    """Picture of what each operation is worth: a bar with its standard error, one panel an edge."""
    worth = {tuple(row["options"].items()): row for row in rows}
    figure, axes = _panels(space)
    for edge, axis in zip(space.edges, axes, strict=True):
        for place, name in enumerate(space.operations):
            row = worth.get(((edge, name),))
            if row is not None:
                color = COLORS[place % len(COLORS)]
                axis.barh(place, row["effect"], xerr=row["standard_error"], color=color)
        axis.set_yticks(range(len(space.operations)), space.operations, fontsize=7)
        axis.axvline(0, color="black", linewidth=0.8)
    axes[0].invert_yaxis()  # the panels share the axis
    figure.supxlabel("better than the edge's average by (standard deviations)", fontsize=10)
    figure.suptitle("What each operation is worth on every edge")
    return figure


def _panels(space: Space) -> tuple[Figure, list[Axes]]:
    """A figure with one panel for each edge, titled with its name."""
    count = len(space.edges)
    columns = min(3, count) if count <= 9 else 7
    rows = math.ceil(count / columns)
    width = 3.6 if count <= 9 else 2.2
    figure = Figure(figsize=(width * columns + 1.6, 2.4 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for edge, axis in zip(space.edges, axes, strict=False):
        axis.set_title(f"edge {edge}", fontsize=10)
    for axis in axes[count:]:
        axis.set_visible(False)
    for axis in axes[max(0, count - columns) : count]:  # the lowest visible panel of each column
        axis.tick_params(labelbottom=True)
    return figure, list(axes[:count])


def page(out: Path, pictures: Mapping[str, str], result: dict[str, Any]) -> None:
    """Write report.html: result, pictures and their captions in one self-contained file."""
    figures = "".join(
        f'<figure><img alt="{name}" src="data:image/png;base64,'
        f'{base64.b64encode((out / name).read_bytes()).decode()}">'
        f"<figcaption>{caption}</figcaption></figure>"
        for name, caption in pictures.items()
    )
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(_short(value))}</td></tr>"
        for name, value in result.items()
        if not isinstance(value, dict | list)  # those are in the pictures and in result.json
    )
    title = html.escape(f"{result['method']} on {result['space']}, {result['data']}")
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>'
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "img{max-width:100%}figure{margin:2rem 0}figcaption{color:#555}"
        "th{text-align:left;vertical-align:top;padding-right:1rem;white-space:nowrap}"
        "td{overflow-wrap:anywhere}.wide{overflow-x:auto}.wide td,.wide th{padding:.2rem .6rem}"
        f"</style><h1>{title}</h1>{verdict.page_part(result)}{figures}<h2>Result</h2><table>{rows}</table></html>\n"
    )
    replace(out / "report.html", lambda path: path.write_text(text))


def _removal(wiped_out: list[dict[str, Any]], edge: str, operation: str) -> int | None:
    """Step at which an operation was removed, or None."""
    steps = [w["step"] for w in wiped_out if (w["edge"], w["operation"]) == (edge, operation)]
    return steps[0] if steps else None


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value)
