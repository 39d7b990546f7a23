"""Damaged files of a run: what is gone on with is what was saved, or nothing is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from nas_adapter.errors import UserError
from nas_adapter.runs.checkpoint import read_checkpoint, read_config
from nas_adapter.runs.run import Run
from tests.fuzz.mutate import Read, check

CPU = torch.device("cpu")
CONFIG = {"space": "nasbench201", "epochs": 2, "rate": 0.5, "without": ["none"], "export": False}
STATE = {"epoch": 1, "net": {"weight": torch.arange(6.0)}, "seconds": [0.5, 0.25]}


def opened(out: Path, *, resume: bool) -> Run:
    return Run(out, CONFIG, resume=resume, device=CPU)


def files_of_a_run() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        run = opened(Path(name), resume=False)
        for step in range(3):
            run.log("search", step=step, loss=0.5 * step)
        run.save("search", STATE)
        run.close()
        return {p.name: p.read_bytes() for p in Path(name).iterdir() if p.is_file()}


def same(found: dict[str, Any]) -> None:
    assert torch.equal(found["net"]["weight"], STATE["net"]["weight"])  # type: ignore[index]
    assert {**found, "net": None} == {**STATE, "net": None}


def read_saved(path: Path) -> None:
    """Read a checkpoint; it is the one that was written."""
    found = read_checkpoint(path.parent, CPU)
    same(found["phases"]["search"])
    assert found["config"] == CONFIG


def go_on(path: Path) -> None:
    """Go on with a run; its state and its metrics are those that were written."""
    run = opened(path.parent, resume=True)
    try:
        found = run.phase("search")
        if found is not None:
            same(found)
            history = run.history("search")
            assert [(one["step"], one["loss"]) for one in history] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    finally:
        run.close()


def read_settings(path: Path) -> None:
    """Read a configuration; it is the one that was written."""
    assert read_config(path.parent) == CONFIG


FILES = files_of_a_run()


def kind(name: str, read: Any, *beside: str, **options: Any) -> Read:
    others = {other: FILES[other] for other in beside}
    return Read([FILES[name]], read, UserError, name, others, **options)


KINDS = {
    "checkpoint": kind("checkpoint.pt", read_saved),
    "configuration": kind("config.json", read_settings, json=True),
    "metrics": kind("metrics.jsonl", go_on, "checkpoint.pt", "config.json", goes_on=True),
}


@pytest.mark.parametrize("name", KINDS)
def test_run(name: str, folder: Path) -> None:
    check(KINDS[name], folder)
