#!/usr/bin/env python3
"""Search an architecture, retrain it, and report; or retrain given ones.

With no arguments: XNAS in the NAS-Bench-201 space on scikit-learn's handwritten digits.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path

from common.command import run_command
from studies.xnas.help import stands_for
from studies.xnas.options import Config, parse
from studies.xnas.summary import of_retraining, of_search

from nas_adapter import ranks
from nas_adapter.errors import UserError
from nas_adapter.front.options import options
from nas_adapter.front.processes import processes
from nas_adapter.front.retrain import retrain
from nas_adapter.front.search import search
from nas_adapter.stopping import Stopped


def main(config: Config) -> int:
    """Do what is asked; 2 if something of it failed when the result was written already."""
    out = config.out or ranks.from_first(lambda: new_folder(config))
    print(f"files go to {out}")
    if not config.cells:
        print(f"preset     {stands_for(config.space, options(config))}")
    try:
        print(run(config, out))
    except Stopped as stopped:
        raise Stopped(stopped.signum, how_to_go_on(out)) from None
    finally:
        if config.out is None and ranks.rank() == 0 and not any(out.iterdir()):
            out.rmdir()
    if ranks.rank() > 0:  # the first has the result
        return 0
    failed = json.loads((out / "result.json").read_text())["failed"]
    return 2 if failed else 0


def run(config: Config, out: Path) -> str:
    """Search or retrain; what to say at the end."""
    data = config.settings.task.data
    if config.cells:
        seeds = config.seeds or (config.seed,)
        trained = retrain(
            config.cells, config.space, data, config.settings, seeds=seeds,
            held_out=config.held_out, device=config.device, out=out, resume=config.resume,
            export=config.export,
        )  # fmt: skip
        return of_retraining(trained, out)
    found = search(
        config.space, data, config.settings, seed=config.seed, device=config.device, out=out,
        resume=config.resume, export=config.export,
    )  # fmt: skip
    return of_search(found.report, out)


def how_to_go_on(out: Path) -> str:
    """The command that continues a run that was stopped."""
    if not (out / "config.json").exists():
        return "nothing was written yet; start again with the same command"
    program = [sys.executable]
    if ranks.count() > 1:
        program = ["torchrun", "--nproc-per-node", os.environ["LOCAL_WORLD_SIZE"]]
    command = [*program, sys.argv[0], "--out", str(out), "--resume"]
    return f"go on with {shlex.join(command)}"


def new_folder(config: Config) -> Path:
    """A new folder under runs/, named after the time and what is run."""
    kind, space = config.settings.task.data.partition(":")[0], config.space.rpartition(":")[2]
    what = "retrain" if config.cells else config.method
    name = f"{datetime.now():%Y-%m-%d_%H%M%S}_{what}_{space}_{kind}"
    out, number = Path("runs") / name, 1
    while True:
        try:
            out.mkdir(parents=True)
        except FileExistsError:  # of another run of this second
            number += 1
            out = out.with_name(f"{name}_{number}")
        except OSError as error:
            raise UserError(f"--out {out} cannot be written: {error.strerror}") from error
        else:
            return out


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    try:
        with processes():
            return run_command(Config, main, arguments, parse)
    except UserError as error:  # the processes cannot work together
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(command())
