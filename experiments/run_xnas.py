#!/usr/bin/env python3
"""Search an architecture, retrain it, and report; or retrain given ones.

With no arguments: XNAS in the NAS-Bench-201 space on scikit-learn's handwritten digits.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from common.command import run_command
from studies.xnas.options import Config, parse
from studies.xnas.summary import of_retraining, of_search

from nas_adapter.front.retrain import retrain
from nas_adapter.front.search import search


def main(config: Config) -> None:
    out = config.out or new_folder(config)
    print(f"files go to {out}")
    data = config.settings.task.data
    if config.cells:
        seeds = config.seeds or (config.seed,)
        trained = retrain(
            config.cells, config.space, data, config.settings, seeds=seeds,
            held_out=config.held_out, device=config.device, out=out, resume=config.resume,
            export=config.export,
        )  # fmt: skip
        print(of_retraining(trained, out))
    else:
        found = search(
            config.space, data, config.settings, seed=config.seed, device=config.device, out=out,
            resume=config.resume, export=config.export,
        )  # fmt: skip
        print(of_search(found.report, out))


def new_folder(config: Config) -> Path:
    """A folder under runs/, named after the time and what is run."""
    kind, space = config.settings.task.data.partition(":")[0], config.space.rpartition(":")[2]
    what = "retrain" if config.cells else config.method
    return Path("runs") / f"{datetime.now():%Y-%m-%d_%H%M%S}_{what}_{space}_{kind}"


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments, parse)


if __name__ == "__main__":
    sys.exit(command())
