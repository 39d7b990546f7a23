"""Searches by two processes of torchrun: what one process finds, and what is left when one ends.

Half a minute each: the profile "ci" runs them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import run_xnas

from nas_adapter.supernets.precision import set_precision
from tests.experiments.programs import EXPERIMENTS

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
PLAIN = ("--preset", "published", "--channels", "2", "--retrain-epochs", "1", "--baselines", "0")
LONG = (*PLAIN, "--epochs", "300", "--checkpoint-minutes", "0.02")
PATIENCE = 300
"""Seconds after which what should have happened has not."""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a search by two processes; at the end none is left."""
    started: list[subprocess.Popen[str]] = []

    def launch(out: Path, *arguments: str) -> subprocess.Popen[str]:
        program = [EXPERIMENTS / "run_xnas.py", "--device", "cpu", "--out", out, *arguments]
        command = [*LAUNCH, *map(str, program)]
        started.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
        return started[-1]

    yield launch
    for process in started:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def ended(process: subprocess.Popen[str]) -> list[str]:
    """The lines that the search itself printed."""
    shown = process.communicate(timeout=PATIENCE)[0]
    return [line for line in shown.splitlines() if line.startswith(("error", "stopped", "data"))]


def steps(out: Path) -> list[dict[str, Any]]:
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["phase"] == "search"]


def under_way(out: Path, past: int = 0) -> int:
    """Wait until a few steps more are done than `past` and a checkpoint is there; the steps."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (out / "checkpoint.pt").exists() and (done := len(steps(out))) > past + 5:
            return done
        time.sleep(0.1)
    raise TimeoutError("the search does not get on")


def of_rank(launcher: int, rank: int) -> int:
    """The process id of a rank."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    for child in children:
        if f"RANK={rank}\0" in Path(f"/proc/{child}/environ").read_text():
            return int(child)
    raise ValueError(f"no process has rank {rank}")


@pytest.fixture
def usual_precision() -> Iterator[None]:
    yield
    set_precision("tf32")


@pytest.mark.usefixtures("usual_precision")
def test_two_processes_search_as_one_does(start: Start, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    arguments = (*PLAIN, "--epochs", "2", "--precision", "float64")
    together = start(two, *arguments)
    assert run_xnas.command([*arguments, "--out", str(one)]) == 0
    [said] = ended(together)
    assert together.returncode == 0
    assert said.startswith("data       1,442 training and 355 test images")
    pairs = list(zip(steps(one), steps(two), strict=True))
    assert len(pairs) >= 20
    for alone, shared in pairs:
        assert shared["train_loss"] == pytest.approx(alone["train_loss"], abs=1e-9)
        for row, other in zip(alone["probabilities"], shared["probabilities"], strict=True):
            assert other == pytest.approx(row, abs=1e-9)
    results = [json.loads((out / "result.json").read_text()) for out in (one, two)]
    assert results[0]["architecture"] == results[1]["architecture"]
    assert results[1]["test_loss"] == pytest.approx(results[0]["test_loss"], abs=1e-9)


def test_one_that_ends_ends_the_other_and_the_run_goes_on(start: Start, tmp_path: Path) -> None:
    killed = start(tmp_path, *LONG)
    done = under_way(tmp_path)
    os.kill(of_rank(killed.pid, 1), signal.SIGKILL)
    said = ended(killed)[-1]  # torchrun's SIGTERM may come before the other process is missed
    ends = "error: process 0 of 2: another one has ended", "stopped: go on with torchrun "
    assert said.startswith(ends), said
    assert killed.returncode != 0

    stopped = start(tmp_path, "--resume")
    done = under_way(tmp_path, done)
    os.kill(of_rank(stopped.pid, 1), signal.SIGTERM)
    [_, said] = ended(stopped)
    assert said.startswith("stopped: go on with torchrun --nproc-per-node 2 ")
    assert len(steps(tmp_path)) >= done
    assert {"config.json", "checkpoint.pt", "metrics.jsonl"} <= {p.name for p in tmp_path.iterdir()}


def test_a_smoke_run_finds_the_same_cell(start: Start, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    together = start(two, "--smoke")
    assert run_xnas.command(["--smoke", "--out", str(one)]) == 0
    ended(together)
    found = [json.loads((out / "result.json").read_text()) for out in (one, two)]
    assert found[0]["architecture"] == found[1]["architecture"]
