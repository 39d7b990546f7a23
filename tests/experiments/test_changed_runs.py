"""Runs that are gone on with after something has changed: settings, data, space, folder, disk."""

from __future__ import annotations

import importlib.util
import json
import resource
import shutil
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import run_xnas
import torch
from PIL import Image
from studies.xnas.options import parse

from nas_adapter.output import report
from nas_adapter.runs.lock import Lock
from tests.experiments.test_run_xnas import contents, numbers
from tests.nas_adapter.spaces.test_own_space import documented_example

SMALL = ["--preset", "published", "--epochs", "2", "--channels", "2", "--batch-size", "240"]
SMALL += ["--retrain-epochs", "1", "--baselines", "1", "--reward-bound", "0.01"]
CELL = "identity conv_3x3 none"
OTHER = "identity identity conv_3x3"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return documented_example(tmp_path_factory.mktemp("space"))


@pytest.fixture(scope="module")
def finished(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "finished"
    arguments = [*SMALL, "--space", f"{space}:Blocks", "--compare", CELL, "--out", str(out)]
    assert run_xnas.command(arguments) == 0
    return out


@pytest.fixture
def mine(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(finished, tmp_path / "mine"))


def resumed(out: Path, *arguments: str) -> dict[str, Any]:
    assert run_xnas.command(["--out", str(out), "--resume", *arguments]) == 0
    found: dict[str, Any] = json.loads((out / "result.json").read_text())
    return found


def trained(out: Path) -> list[str]:
    """The phases of trainings, a line for each of their epochs."""
    lines = (out / "metrics.jsonl").read_text().splitlines()
    phases = [str(json.loads(line)["phase"]) for line in lines]
    return [phase for phase in phases if phase != "search"]


def test_resume_alone_takes_the_saved_settings(mine: Path) -> None:
    before = numbers(mine)
    config = json.loads((mine / "config.json").read_text())
    resumed(mine)
    assert numbers(mine) == before
    assert json.loads((mine / "config.json").read_text()) == config


def test_what_leaves_the_search_as_it_is_may_change(mine: Path) -> None:
    """Only what is new is trained."""
    before, done = numbers(mine), trained(mine)
    assert done == ["retrain search", "retrain random 1", "retrain given 1"]
    result = resumed(mine, "--compare", OTHER, CELL, "--baselines", "2")
    assert trained(mine) == [*done, "retrain given 1"]  # random 2 is the cell that was found
    assert [row["architecture"] for row in result["compared_architectures"]] == [OTHER, CELL]
    assert result["compared_architectures"][1] == before["compared_architectures"][0]
    assert result["random_architectures"][:1] == before["random_architectures"]
    assert result["edge_probabilities"] == before["edge_probabilities"]
    done = trained(mine)
    result = resumed(mine, "--retrain-epochs", "2", "--cutout", "2", "--baselines", "1")
    assert trained(mine) == [
        *done, *["retrain search"] * 2, *["retrain random 1"] * 2, *["retrain given 1"] * 2,
        *["retrain given 2"] * 2,
    ]  # fmt: skip
    assert result["test_loss"] != before["test_loss"]
    assert result["search_architecture"] == before["search_architecture"]
    done = trained(mine)
    again = resumed(mine)  # with the new ones, which are the run's by now
    assert trained(mine) == done
    assert again["test_loss"] == result["test_loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs 3 --seed 1", "epochs is 3 but was 2; seed is 1 but was 0"),
        ("--preset default", "preset is 'default' but was 'published'"),
        ("--method random", "method is 'random' but was 'xnas'"),
        ("--space nasbench201", "space is 'nasbench201' but was '"),
        ("--batch-size 100 --retrain-epochs 2", "configuration: batch_size is 100 but was 240\n"),
        ("--precision float32", "precision is 'float32' but was 'tf32'"),
        ("--decide trained", "decide is 'trained' but was 'search'"),
        ("--retrain x", "holds a search; choose another --out"),
    ],
)
def test_the_rest_is_refused_by_name(
    arguments: str, message: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(mine)
    assert run_xnas.command(["--out", str(mine), "--resume", *arguments.split()]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert contents(mine) == before


def test_a_space_file_that_has_changed_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = documented_example(tmp_path), tmp_path / "out"
    assert run_xnas.command([*SMALL, "--space", f"{file}:Blocks", "--out", str(out)]) == 0
    before = contents(out)
    file.write_text(file.read_text().replace("Tuning(rate=0.025", "Tuning(rate=0.25"))
    assert run_xnas.command(["--out", str(out), "--resume"]) == 2
    assert "space_fingerprint is 'my_space.py, sha256 " in capsys.readouterr().err
    assert contents(out) == before


def write_pictures(folder: Path, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        path = folder / "ab"[number % 2] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)


def test_data_that_has_changed_is_noticed(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty pictures more; one pixel of one of them; two files that changed their names."""
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    write_pictures(pictures, 60)
    arguments = [*SMALL, "--batch-size", "16", "--image-size", "8", "--space", f"{space}:Blocks"]
    arguments += ["--data", f"folder:{pictures}", "--out", str(out)]
    assert run_xnas.command(arguments) == 0

    def refused() -> None:
        before = contents(out)
        assert run_xnas.command(["--out", str(out), "--resume"]) == 2
        assert "configuration: data_fingerprint is '" in capsys.readouterr().err
        assert contents(out) == before

    write_pictures(pictures, 30, first=60)
    refused()
    for path in pictures.glob("*/0[6-8]?.png"):
        path.unlink()
    resumed(out)
    one, other = (pictures / "a" / name for name in ("002.png", "004.png"))
    pixels = np.asarray(Image.open(one)).copy()
    pixels[3, 4] ^= 1
    kept = one.read_bytes()
    Image.fromarray(pixels).save(one)
    refused()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    refused()


def test_cells_and_seeds_are_added_to_a_retraining(space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--space", f"{space}:Blocks", "--channels", "2", "--batch-size", "240"]
    arguments += ["--retrain-epochs", "1", "--retrain", CELL, "--out", str(out)]
    assert run_xnas.command(arguments) == 0
    before = numbers(out)
    result = resumed(out)
    assert numbers(out) == before
    result = resumed(out, "--retrain", OTHER, CELL, "--seeds", "0", "1")
    assert [(row["name"], row["seed"], row["architecture"]) for row in result["cells"]] == [
        ("cell 1", 0, OTHER), ("cell 2", 0, CELL), ("cell 1", 1, OTHER), ("cell 2", 1, CELL),
    ]  # fmt: skip
    assert result["cells"][1]["test_loss"] == before["cells"][0]["test_loss"]
    assert trained(out).count("retrain cell 2 seed 0") == 0, "it was trained again"


def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("not today\nnor tomorrow")


def test_what_fails_after_the_search_is_tried_again_by_resume_alone(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = numbers(mine)
    (mine / "result.json").unlink()
    arguments = ["--out", str(mine), "--resume"]
    with monkeypatch.context() as patched:
        patched.setattr(torch.export, "export", fail)
        patched.setattr(report, "cells", fail)
        assert run_xnas.command([*arguments, "--export"]) == 2
    shown = capsys.readouterr()
    assert expected["architecture"] in shown.out
    assert shown.err.splitlines() == [
        "error: the export failed, but the result is written: not today; --resume tries again",
        "error: the report failed, but the result is written: cell.png: not today; --resume tries "
        "again",
    ]
    result = json.loads((mine / "result.json").read_text())
    assert result["failed"] == {"export": "not today", "report": "cell.png: not today"}
    page = (mine / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3, "all pictures but the one"
    result = resumed(mine)
    assert result["failed"] == {}
    assert result["exported"].keys() == {"network.pt2", "network.onnx"}
    assert (mine / "report.html").read_text().count("data:image/png;base64,") == 4
    del result["exported"]
    assert numbers(mine) | {"exported": None} == expected | {"exported": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--space darts-cnn --auxiliary --batch-size 1",
            "the retrained networks cannot take these batches: Expected more than 1 value per",
        ),
        ("--auxiliary", "--auxiliary: networks of nasbench201 have no auxiliary head"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_search(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*arguments.split(), "--smoke", "--out", str(tmp_path / "out")]
    assert run_xnas.command(given) == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_search_that_is_ended_by_its_time_limit_says_so(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SMALL, "--space", f"{space}:Blocks", "--out", str(tmp_path / "out")]
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


def test_a_folder_in_use(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = Lock(mine)
    before = contents(mine)
    assert run_xnas.command(["--out", str(mine), "--resume"]) == 2
    assert f"error: {mine} is in use by process " in capsys.readouterr().err
    assert contents(mine) == before
    lock.release()
    resumed(mine)
    assert not (mine / "lock").exists()


def test_a_lock_from_elsewhere_is_believed_and_one_from_here_is_tested(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process of a lock from this machine has ended, though another may have its number."""
    said = {"pid": 1, "host": "elsewhere", "since": "2026-01-02 03:04:05"}
    (mine / "lock").write_text(json.dumps(said))
    before = contents(mine)
    assert run_xnas.command(["--out", str(mine), "--resume"]) == 2
    assert (
        "in use by process 1 on elsewhere, since 2026-01-02 03:04:05: choose another --out, or "
        f"delete {mine}/lock if that process has ended\n"
    ) in capsys.readouterr().err
    assert contents(mine) == before
    (mine / "lock").write_text(json.dumps(said | {"host": socket.gethostname()}))
    resumed(mine)


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
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = torch.load(mine / "checkpoint.pt")
    arguments = ["--out", str(mine), "--resume"]
    with (mine / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"phase": "search", "step": 99}\n')
    for changed, message in (
        ({"format": 1}, "is of another version of this program"),
        ({"phases": {"search": {"epoch": 1, "net": 3}}}, "the checkpoint does not fit this run"),
    ):
        torch.save(saved | changed, mine / "checkpoint.pt")
        before = contents(mine)
        assert run_xnas.command(arguments) == 2
        shown = capsys.readouterr().err
        assert message in shown
        assert contents(mine) == before


def test_a_full_disk_is_one_line_and_nothing_is_lost(
    space: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file may become as large as the last checkpoint."""
    out, (soft, hard) = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
    arguments = [*SMALL, "--space", f"{space}:Blocks", "--compare", CELL, "--out", str(out)]
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
