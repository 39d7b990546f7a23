#!/usr/bin/env python3
"""One page that sets finished runs of run_xnas.py side by side, and what differs in their settings.

python experiments/compare_runs.py RUN RUN ... --out DIR
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from common.command import run_command
from common.output import table, write_result
from studies.compare_runs.finished import as_record, read_runs
from studies.compare_runs.page import compared

from experts.numerics.files import replace
from nas_adapter.front.search import search
from nas_adapter.front.settings import make_settings


@dataclass(frozen=True)
class Config:
    """Set finished runs side by side, with what differs in their settings."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")] = ()
    """Folders that run_xnas.py wrote."""
    out: Path = Path("runs") / "compared"
    """Folder for compare.html and result.json."""
    smoke: bool = False
    """Makes two tiny runs in --out first, and compares them too."""


def main(config: Config) -> None:
    folders = [*config.runs, *(tiny_runs(config.out) if config.smoke else [])]
    runs = read_runs(folders)
    page = compared(runs)
    records = [as_record(run) for run in runs]
    write_result(config.out, records)
    replace(config.out / "compare.html", lambda path: path.write_text(page, encoding="utf-8"))
    print(table(records, ["run", "method", "space", "seed", "metric", "test", "rivals"]))
    print(f"page       {config.out / 'compare.html'}")


def tiny_runs(out: Path) -> list[Path]:
    """Two searches of a few seconds."""
    settings = make_settings("nasbench201", method="random", smoke=True)
    folders = []
    for seed in (0, 1):
        folder = out / f"seed {seed}"
        search("nasbench201", "digits", settings, seed=seed, out=folder)
        folders.append(folder)
    return folders


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
