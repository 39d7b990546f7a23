"""Tables of a run: its networks, its settings, what it cost."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from nas_adapter.output.page import table
from nas_adapter.output.story import Changed, Story
from nas_adapter.output.verdict import Result, shown

COST = ("parameters", "multiply-adds", "training", "architecture")
"""The last columns of every table of networks."""


def networks(result: Result) -> str:
    """Every cell that a search has retrained, the one that was found in bold."""
    metric, rows = result["metric"], []
    for row in result.get("candidates", ()):
        rows.append([", ".join(row["advisors"]), *_measured(row, metric), *_cost(row)])
    for number, row in enumerate(result.get("compared_architectures", ()), 1):
        rows.append([f"compared {number}", *_measured(row, metric), *_cost(row)])
    found = [row[-1] for row in rows].index(result["architecture"])
    head = ["cell of", "held-out loss", "test loss", f"test {metric}", *COST]
    return table("Networks that were trained", head, rows, bold=found)


def retrained(result: Result) -> str:
    """Cells that were given, each trained with several seeds."""
    metric, cells, rows = result["metric"], result["cells"], []
    for row in result["summary"]:
        mine = [cell for cell in cells if cell["name"] == row["name"]]
        values = [cell[f"test_{metric}"] for cell in mine]
        between = f"{shown(min(values), metric)} to {shown(max(values), metric)}"
        rows.append(
            [
                row["name"],
                str(row["seeds"]),
                *_measured(row, metric),
                between if len(values) > 1 else "",
                *_cost({**mine[0], "seconds": row["seconds"]}),
            ]
        )
    head = ["cell", "seeds", "held-out loss", "test loss", f"test {metric}", "lowest to highest"]
    return table("Networks that were trained", [*head, *COST], rows)


def settings(changed: Sequence[Changed]) -> str:
    """Settings that are not the default ones."""
    rows = [[one.name, plain(one.value), plain(one.default)] for one in changed]
    return table("Settings that differ from the default", ["setting", "here", "default"], rows)


def spent(story: Story) -> dict[str, str]:
    """What a run has cost: time, memory, and what the found network costs."""
    result = story.result
    known = {
        "prior": duration(result.get("prior", {}).get("prior_seconds")),
        **{name: _time(story, kind, what) for name, kind, what in TIMES},
        "parameters": count(result.get("parameters")),
    }
    if "peak_memory_mib" in result:
        known["memory"] = f"{result['peak_memory_mib']:,.0f} MiB at most, on {result['device']}"
    if "multiply_adds" in result:
        known["multiply-adds"] = f"{count(result['multiply_adds'])} for each {result['example']}"
    return known


TIMES = (
    ("search", "search", ""),
    ("training", "retrain", "network"),
    ("fidelity", "fidelity", "random cell"),
)
"""Name, kind of the phases, and what each phase is of."""


def _time(story: Story, kind: str, what: str) -> str:
    """Time of all phases of a kind, from the metrics; nothing where there are none."""
    mine = [record for record in story.records if record["phase"].partition(" ")[0] == kind]
    if not mine:
        return ""
    said = duration(math.fsum(record["seconds"] for record in mine))
    number = len({record["phase"] for record in mine})
    return f"{said} for {number} {what}{'s' * (number != 1)}" if what else said


def duration(seconds: float | None) -> str:
    """A time in words; nothing for None.

    >>> duration(4.26), duration(80), duration(7300)
    ('4.3 s', '1 min 20 s', '2 h 1 min')
    """
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def count(value: float | None) -> str:
    """A large number; nothing for None.

    >>> count(127226.0), count(4.56e8), count(9.996e8)
    ('127,226', '456 million', '1 billion')
    """
    if value is None:
        return ""
    rounded = float(f"{value:.3g}")
    for unit, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= 1e6 and rounded >= unit:
            return f"{rounded / unit:.3g} {name}"
    return f"{value:,.0f}"


def plain(value: Any) -> str:
    """A setting as one would write it; "-" for None and for an empty list."""
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "-"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _measured(row: dict[str, Any], metric: str) -> list[str]:
    """Held-out loss, test loss, test metric, with their standard errors where there are any."""
    name = f"test_{metric}"
    return [
        _loss(row.get("held_out_loss"), row.get("held_out_loss_error")),
        _loss(row["test_loss"], row.get("test_loss_error")),
        shown(row[name], metric) + _plus_minus(shown(row.get(f"{name}_error"), metric)),
    ]


def _cost(row: dict[str, Any]) -> list[str]:
    return [
        count(row.get("parameters")), count(row.get("multiply_adds")), duration(row.get("seconds")),
        row["architecture"],
    ]  # fmt: skip


def _loss(value: float | None, error: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" + _plus_minus("" if error is None else f"{error:.4f}")


def _plus_minus(error: str) -> str:
    return f" ± {error}" if error else ""
