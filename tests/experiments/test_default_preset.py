"""The default preset as a command: kills in each of its phases, a prior from a file, decisions."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import run_xnas

from nas_adapter.output import report
from nas_adapter.spaces import NASBench201
from tests.experiments.test_run_xnas import COMMAND, contents, lines_in, numbers
from tests.nas_adapter.spaces.test_own_space import documented_example

SMALL = ["--looks", "8", "--retrain-epochs", "2", "--channels", "4", "--batch-size", "240"]
TRAINED = [*SMALL, "--epochs", "12", "--baselines", "1", "--decide", "trained"]
TRAINED += ["--fidelity-cells", "12", "--fidelity-epochs", "1"]
SEARCHED = 24  # steps


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A small space, so that all of it takes seconds."""
    return documented_example(tmp_path)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "draw", lambda *_: None)


def killed(arguments: list[str], out: Path, when: Callable[[], bool]) -> None:
    """Start or continue a run, and kill -9 it as soon as `when` says so."""
    resume = ["--resume"] if out.exists() else []
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--out", str(out), *resume],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not when():
        time.sleep(0.01)
    assert process.poll() is None, "the run ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "result.json").exists()


def last_phase(out: Path) -> str:
    """Of the last whole line of the metrics."""
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return str(json.loads(lines[-1])["phase"])


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_is_killed_in_every_phase_resumes_to_the_same_numbers(
    example: Path, tmp_path: Path
) -> None:
    """kill -9 in the looks of the prior, the search, a retraining, a training for fidelity."""
    whole, out = tmp_path / "whole", tmp_path / "killed"
    arguments = [*TRAINED, "--space", f"{example}:Blocks"]
    assert run_xnas.command([*arguments, "--out", str(whole)]) == 0
    expected = numbers(whole)
    total = len(expected["metrics"])
    metrics = out / "metrics.jsonl"

    killed(arguments, out, (out / "config.json").exists)
    assert not (out / "checkpoint.pt").exists(), "the prior was made before the kill"
    for line, phase in ((3, "search"), (SEARCHED + 2, "retrain"), (total - 6, "fidelity")):
        killed(arguments, out, lambda line=line: lines_in(metrics) >= line)  # type: ignore[misc]
        assert last_phase(out).startswith(phase)
    assert run_xnas.command([*arguments, "--out", str(out), "--resume"]) == 0
    assert numbers(out) == expected
    check(expected)


def check(result: dict[str, Any]) -> None:
    """What a result of the default preset says."""
    assert result["prior"]["kind"] == "scores"
    assert result["prior"]["looks"] >= 8
    assert result["prior"]["price_nats"] > 0
    assert result["prior"]["trainability_sd_nats"] >= 0
    assert result["wipeout_rule"].startswith("weights")
    assert result["weights"] == "single-path"
    assert result["regret"] <= result["regret_certificate"] <= result["regret_bound"]
    assert result["regret_certificate"] <= result["regret_bound_with_wipeout"] + 1e-9
    advisors = [who for row in result["candidates"] for who in row["advisors"]]
    assert set(advisors) == {"largest", "prior", "random 1", "search"}
    (chosen,) = (
        row for row in result["candidates"] if row["architecture"] == result["architecture"]
    )
    assert chosen["advisors"] == result["decision"]["advisors"]
    assert chosen["test_accuracy"] == result["test_accuracy"]
    assert result["judging_images"] == result["decision"]["judging_examples"]
    assert len(result["fidelity"]["held_out_losses"]) == 12
    for who in ("search", "prior", "parameters"):
        assert result["fidelity"][who]["cells"] == 12


@pytest.mark.usefixtures("undrawn")
def test_a_prior_from_a_result_and_a_decision_without_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is charged for, and must not change while a run is under way."""
    space, file = NASBench201(), tmp_path / "result.json"
    likely = {edge: {"skip_connect": 0.9, "nor_conv_3x3": 0.1} for edge in space.edges}
    file.write_text(json.dumps({"edge_probabilities": likely}))
    arguments = [*SMALL, "--epochs", "2", "--prior", str(file), "--decide", "search"]
    arguments += ["--baselines", "0", "--out", str(tmp_path / "out")]
    assert run_xnas.command(arguments) == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["prior"]["kind"] == str(file)
    assert "nor_conv_1x1" in result["edge_probabilities"]["1<-0"]
    assert result["edge_probabilities"]["1<-0"]["nor_conv_1x1"] == 0
    assert result["prior"]["price_nats"] >= 6 * math.log(1 / 0.9) - 1e-9
    assert result["decision"] == {"rule": "search", "advisors": ["search"], "vetoed": []}
    assert result["search_architecture"] == result["architecture"]
    assert result["fidelity"] is None
    assert result["against_random"] is None

    before = contents(tmp_path / "out")
    likely["1<-0"]["skip_connect"] = 0.5
    file.write_text(json.dumps(likely))
    assert run_xnas.command([*arguments, "--resume"]) == 2
    assert f"--prior {file} is not what it was when this run began" in capsys.readouterr().err
    kept = {name: data for name, data in before.items() if "tensorboard" not in name}
    assert kept.items() <= contents(tmp_path / "out").items()


def test_a_prior_that_cannot_be_read_begins_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "prior.json", tmp_path / "out"
    file.write_text('{"1<-0": {"none": -1}}')
    assert run_xnas.command(["--prior", str(file), "--out", str(out)]) == 2
    assert "1<-0, none: -1 is no weight" in capsys.readouterr().err
    assert not out.exists()
