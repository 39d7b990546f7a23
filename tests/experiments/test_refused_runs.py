"""Runs that cannot begin, or cannot write: each says so in a line, and what is there is whole."""

from __future__ import annotations

import importlib.util
import json
import resource
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import run_xnas
import torch
from studies.xnas.options import parse

from nas_adapter.output import report
from nas_adapter.runs.lock import Lock
from tests.experiments.small import CELL, SMALL, resumed
from tests.experiments.test_run_xnas import contents, numbers
from tests.nas_adapter.spaces.test_own_space import documented_example

BRANCHING = """

class Branching(Blocks):
    def network(self, size, choices, *, search):
        return Branch(size, choices, Norm(search))


class Branch(Network):
    def forward(self, x, weights):
        logits = super().forward(x, weights)
        return logits if float(logits.detach().mean()) > 0 else -logits
"""


def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("not today\nnor tomorrow")


def test_what_fails_after_the_search_is_tried_again_by_resume_alone(
    copied: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = numbers(copied)
    (copied / "result.json").unlink()
    arguments = ["--out", str(copied), "--resume"]
    with monkeypatch.context() as patched:
        patched.setattr(torch.export, "save", fail)
        patched.setattr(report, "cells", fail)
        assert run_xnas.command([*arguments, "--export"]) == 2
    shown = capsys.readouterr()
    assert expected["architecture"] in shown.out
    assert shown.err.splitlines() == [
        "error: the export failed, but the result is written: not today; --resume tries again",
        "error: the report failed, but the result is written: cell.png: not today; --resume tries "
        "again",
    ]
    result = json.loads((copied / "result.json").read_text())
    assert result["failed"] == {"export": "not today", "report": "cell.png: not today"}
    assert 'class="lead"' in (copied / "report.html").read_text(), "the page is there without it"
    (copied / "cell.png").unlink()
    result = resumed(copied)
    assert result["failed"] == {}
    assert result["exported"].keys() == {"network.pt2", "network.onnx"}
    assert (copied / "cell.png").exists()
    del result["exported"]
    assert numbers(copied) | {"exported": None} == expected | {"exported": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--space darts-cnn --auxiliary --batch-size 1",
            "the retrained networks cannot take such batches (see --batch-size): Expected more",
        ),
        ("--auxiliary", "--auxiliary: networks of nasbench201 have no auxiliary head"),
        ("--space SPACE:Branching --export", "--export: networks of this space cannot be exported"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_search(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = documented_example(tmp_path)
    with file.open("a") as code:
        code.write(BRANCHING)
    given = [*arguments.replace("SPACE", str(file)).split(), "--smoke"]
    assert run_xnas.command([*given, "--out", str(tmp_path / "out")]) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_search_that_is_ended_by_its_time_limit_says_so(
    small_space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SMALL, "--space", f"{small_space}:Blocks", "--out", str(tmp_path / "out")]
    assert run_xnas.command([*arguments, "--max-minutes", "1e-9"]) == 0
    said = "ended by --max-minutes after 1 of 6 steps"
    assert said in capsys.readouterr().out
    assert said in (tmp_path / "out" / "report.html").read_text()
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["steps"], result["planned_steps"]) == (1, 6)
    assert result["regret"] <= result["regret_certificate"]
    assert 0 <= result["test_accuracy"] <= 1


def test_export_without_its_packages_is_refused_before_the_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnx" else known(name)
    )
    assert run_xnas.command(["--smoke", "--export", "--out", str(tmp_path / "out")]) == 2
    assert "error: --export needs onnx: pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_process_without_a_gpu(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As torchrun starts the second of two where there is one GPU."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert run_xnas.command(["--smoke"]) == 2
    said = capsys.readouterr().err
    assert said == "error: process 1 has no GPU: there is 1; see --nproc-per-node of torchrun\n"


def test_a_folder_in_use(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = Lock(copied)
    before = contents(copied)
    assert run_xnas.command(["--out", str(copied), "--resume"]) == 2
    assert f"error: {copied} is in use by process " in capsys.readouterr().err
    assert contents(copied) == before
    lock.release()
    resumed(copied)
    assert not (copied / "lock").exists()


def test_a_lock_from_elsewhere_is_believed_and_one_from_here_is_tested(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process of a lock from this machine has ended, though another may have its number."""
    said = {"pid": 1, "host": "elsewhere", "since": "2026-01-02 03:04:05"}
    (copied / "lock").write_text(json.dumps(said))
    before = contents(copied)
    assert run_xnas.command(["--out", str(copied), "--resume"]) == 2
    assert (
        "in use by process 1 on elsewhere, since 2026-01-02 03:04:05: choose another --out, or "
        f"delete {copied}/lock if that process has ended\n"
    ) in capsys.readouterr().err
    assert contents(copied) == before
    (copied / "lock").write_text(json.dumps(said | {"host": socket.gethostname()}))
    resumed(copied)


def test_two_runs_of_one_second_get_two_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    class Still(datetime):
        """A clock that stands still."""

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(run_xnas, "datetime", Still)
    config = parse(["--smoke"])
    folders = [run_xnas.new_folder(config) for _ in range(3)]
    name = "runs/2026-01-02_030405_xnas_nasbench201_digits"
    assert list(map(str, folders)) == [name, f"{name}_2", f"{name}_3"]


def test_an_older_checkpoint_is_refused_before_anything_is_cut(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = torch.load(copied / "checkpoint.pt")
    arguments = ["--out", str(copied), "--resume"]
    with (copied / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"phase": "search", "step": 99}\n')
    for changed, message in (
        ({"format": 1}, "is of another version of this program"),
        ({"phases": {"search": {"epoch": 1, "net": 3}}}, "the checkpoint does not fit this run"),
    ):
        torch.save(saved | changed, copied / "checkpoint.pt")
        before = contents(copied)
        assert run_xnas.command(arguments) == 2
        shown = capsys.readouterr().err
        assert message in shown
        assert contents(copied) == before


def test_a_full_disk_is_one_line_and_nothing_is_lost(
    small_space: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file may become as large as the last checkpoint."""
    out, (soft, hard) = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
    arguments = [*SMALL, "--space", f"{small_space}:Blocks", "--compare", CELL, "--out", str(out)]
    size = (finished / "checkpoint.pt").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, hard))
    try:
        code = run_xnas.command(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: {out} cannot be written: File too large; what was saved before is whole, and "
        "--resume goes on from it"
    )
    assert contents(out).keys() >= {f"{out}/checkpoint.pt", f"{out}/metrics.jsonl"}
    assert not {"lock", "checkpoint.pt.new"} & {path.name for path in out.iterdir()}
    resumed(out)
    assert numbers(out) == numbers(finished)
