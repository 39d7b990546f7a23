"""Finished runs of run_xnas.py, read back from their folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nas_adapter.errors import UserError
from nas_adapter.output.verdict import rivals
from nas_adapter.runs.checkpoint import read_config

NO_SETTING = {"sha256", "data_fingerprint", "space_fingerprint", "operations"}
"""Entries of config.json that follow from others."""


class Finished(NamedTuple):
    """A run that has ended."""

    name: str
    result: dict[str, Any]
    config: dict[str, Any]
    records: list[dict[str, Any]]
    """of metrics.jsonl"""


def read_runs(folders: Sequence[Path]) -> list[Finished]:
    """The runs in some folders, named after them.

    Raises
    ------
    UserError
        Fewer than two folders, one twice, one without a finished search.
    """
    paths = [folder.resolve() for folder in folders]
    if len(paths) < 2 or len(set(paths)) < len(paths):
        raise UserError("RUN must be two or more different folders of finished runs")
    short = len({path.name for path in paths}) == len(paths)
    return [
        _read(path, path.name if short else str(folder))
        for path, folder in zip(paths, folders, strict=True)
    ]


def _read(folder: Path, name: str) -> Finished:
    try:
        result = json.loads((folder / "result.json").read_text())
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        records = list(map(json.loads, lines))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} holds no finished run: {error}") from error
    if not isinstance(result, dict) or "decision" not in result:
        raise UserError(f"{folder} holds no search of run_xnas.py, whose cell could be compared")
    return Finished(name, result, read_config(folder), records)


def as_record(run: Finished) -> dict[str, Any]:
    """A run in a flat record."""
    result = run.result
    metric, fidelity = result["metric"], result["fidelity"]
    return {
        "run": run.name,
        **{name: result[name] for name in ("method", "space", "data", "seed")},
        "metric": metric,
        "test": result[f"test_{metric}"],
        "rivals": rivals(result),
        "rank_correlation": None if fidelity is None else fidelity["search"]["spearman"],
        **{
            name: result.get(name)
            for name in (
                *("regret", "regret_certificate", "regret_bound", "search_seconds"),
                *("parameters", "multiply_adds", "architecture"),
            )
        },
    }


def differing(runs: Sequence[Finished]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs -> their values (None: a run has no such one)."""
    names = dict.fromkeys(name for run in runs for name in run.config if name not in NO_SETTING)
    values = {name: [run.config.get(name) for run in runs] for name in names}
    return {name: row for name, row in values.items() if any(value != row[0] for value in row)}
