"""compare.html: runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from nas_adapter.output import charts
from nas_adapter.output.chart import FEW, Chart, colored, plain
from nas_adapter.output.page import Page, table
from nas_adapter.output.report import drawn_cell
from nas_adapter.output.story import last_time
from nas_adapter.output.tables import count, duration
from nas_adapter.output.tables import plain as as_written
from nas_adapter.output.verdict import shown
from nas_adapter.spaces import SPACES, find_space
from studies.compare_runs.finished import Finished, as_record, differing

KINDS = {"found": "c1", "random": "c7", "largest": "c0"}
"""What is marked, and its colour."""
MADE_BY = ("method", "space", "data")
"""Without which a run's numbers say nothing beside another's."""


def compared(runs: Sequence[Finished]) -> str:
    """The page as HTML."""
    page = Page(f"{len(runs)} runs side by side")
    metrics = list(dict.fromkeys(run.result["metric"] for run in runs))
    for metric in metrics:
        mine = [run for run in runs if run.result["metric"] == metric]
        page.heading(f"Test {metric}")
        page.add(_table(mine))
        trained = {run.name: _of_found(run) for run in mine}
        drawn = [_values(mine, metric)]
        known = {name: records for name, records in trained.items() if records}
        if known:
            drawn.append(charts.curves(known, {name: name for name in known}))
        page.charts(drawn)
    page.heading("What differs in their settings")
    rows = [[name, *map(as_written, values)] for name, values in differing(runs).items()]
    if rows:
        page.add(table("Settings that differ", ["setting", *(run.name for run in runs)], rows))
    else:
        page.paragraph("Nothing.")
    page.heading("Cells")
    for run in runs:
        space = run.result["space"]
        if space in SPACES:
            opened = find_space(space)
            page.add(drawn_cell(opened, opened.parse(run.result["architecture"]), run.name))
        else:
            page.paragraph(f"{run.name}: {run.result['architecture']}")
    return page.html()


def _table(runs: Sequence[Finished]) -> str:
    """What the runs have found, a row each."""
    metric = runs[0].result["metric"]
    rows = []
    for run in runs:
        row = as_record(run)
        correlation = row["rank_correlation"]
        rows.append(
            [
                run.name,
                *(row[name] for name in MADE_BY),
                shown(row["test"], metric),
                row["rivals"],
                "" if correlation is None else f"{correlation:+.2f}",
                "" if row["regret"] is None else f"{row['regret']:.3g}",
                duration(row["search_seconds"]),
                count(row["parameters"]),
                count(row["multiply_adds"]),
            ]
        )
    head = ["run", *MADE_BY, "found cell", "rivals", "rank correlation", "regret", "search"]
    return table(f"Runs by test {metric}", [*head, "parameters", "multiply-adds"], rows)


def _values(runs: Sequence[Finished], metric: str) -> Chart:
    """The test metric of every run's cell, of its random cells, and of the largest."""
    rows: list[dict[str, Any]] = []
    for run in runs:
        result, field = run.result, f"test_{metric}"
        others = [("random", row) for row in result["random_architectures"]]
        others += [("largest", r) for r in result["candidates"] if "largest" in r["advisors"]]
        found = [*others, ("found", result)]
        rows += [
            {"run": run.name, "kind": kind, "value": row[field]}
            for kind, row in found
            if row[field] is not None
        ]
    names = [run.name for run in runs]
    x = alt.X("value:Q", title=f"test {metric}", scale=alt.Scale(zero=False), axis=FEW)
    drawn = (
        alt.Chart(alt.NamedData("values"))
        .mark_point(filled=True, size=90, opacity=0.8)
        .encode(
            x=x, y=alt.Y("run:N", title=None, sort=names),
            color=colored("kind:N", list(KINDS), KINDS.values()),
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(KINDS)), legend=None),
            tooltip=["run:N", "kind:N", alt.Tooltip("value:Q", format=".4g")],
        )
    )  # fmt: skip
    best = ", ".join(f"{run.name} {shown(run.result[f'test_{metric}'], metric)}" for run in runs)
    return Chart(
        "values", "Found cells beside their rivals",
        "Every network that was trained from scratch in full; random cells are what a search has "
        "to beat.",
        [plain(drawn, values=rows) | {"height": 40 * len(runs) + 20}],
        [f"Found cells: {best}."], KINDS,
        [["run", "cell", f"test {metric}"],
         *([row["run"], row["kind"], shown(row["value"], metric)] for row in rows)],
    )  # fmt: skip


def _of_found(run: Finished) -> list[dict[str, Any]]:
    """The training of the cell that a run has found, epoch by epoch."""
    phase = f"retrain {run.result['decision']['advisors'][0]}"
    return last_time([record for record in run.records if record["phase"] == phase])
