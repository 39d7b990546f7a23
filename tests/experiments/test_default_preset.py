"""The default preset as a command: a prior from a file. (Whole runs: test_kills.py.)"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import run_xnas

from nas_adapter.output import report
from nas_adapter.spaces import NASBench201
from tests.experiments.test_run_xnas import contents

SMALL = ["--looks", "8", "--retrain-epochs", "2", "--channels", "4", "--batch-size", "240"]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "draw", lambda *_: None)


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
