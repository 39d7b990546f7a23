"""What a page tells of a run, and the trainings in its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nas_adapter.spaces import Architecture, Space

Record = dict[str, Any]


class Changed(NamedTuple):
    """A setting that is not the default one."""

    name: str
    value: Any
    default: Any


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that is known of a run."""

    result: Record
    """content of result.json; of a run under way what is known of it"""
    records: Sequence[Record]
    """of metrics.jsonl"""
    space: Space
    cells: Mapping[str, Architecture]
    """to be drawn, by their captions"""
    changed: Sequence[Changed] = ()
    command: str | None = None
    """that makes the same run; None: it was made from Python, with what no command line can say"""
    progress: str | None = None
    """where a run under way stands; None: it has ended"""

    @property
    def steps(self) -> list[Record]:
        """The records of the search."""
        return [record for record in self.records if record["phase"] == "search"]

    def trainings(self) -> tuple[dict[str, list[Record]], dict[str, str]]:
        """The retrainings' records by phase, and the name of each phase's network.

        Trainings that fidelity was measured by are not among them.
        """
        all_times: dict[str, list[Record]] = {}
        for record in self.records:
            if record["phase"].startswith("retrain "):
                all_times.setdefault(record["phase"], []).append(record)
        found = {phase: last_time(records) for phase, records in all_times.items()}
        named = {
            "retrain " + row["advisors"][0]: ", ".join(row["advisors"])
            for row in self.result.get("candidates", ())
        }
        for row in self.result.get("cells", ()):
            named[f"retrain {row['name']} seed {row['seed']}"] = row["name"]
        return found, {phase: named.get(phase, phase.removeprefix("retrain ")) for phase in found}


def last_time(records: Sequence[Record]) -> list[Record]:
    """Of the records of one training those of the last time, if it was done anew."""
    found: list[Record] = []
    for record in records:
        if found and record["epoch"] <= found[-1]["epoch"]:
            found.clear()
        found.append(record)
    return found
