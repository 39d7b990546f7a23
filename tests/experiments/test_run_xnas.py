"""The command itself, as a process: whole runs, kills, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import run_xnas
import torch
from studies.xnas.summary import of_search

from tests.nas_adapter.output.stories import searched, with_results

COMMAND = [sys.executable, run_xnas.__file__]
SMALL = ["--preset", "published", "--epochs", "4", "--retrain-epochs", "1"]
SMALL += ["--channels", "4", "--batch-size", "64"]
SMALL += ["--baselines", "1", "--reward-bound", "0.0002"]  # small, for early wipe-outs


def run(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True)  # noqa: PLW1510
    assert done.returncode == code, done.stderr
    return done


def numbers(out: Path) -> dict[str, Any]:
    """All that a run found, without what a clock measured."""
    result = json.loads((out / "result.json").read_text())
    lines = (out / "metrics.jsonl").read_text().splitlines()
    del result["peak_memory_mib"]
    found: dict[str, Any] = untimed(result | {"metrics": [json.loads(line) for line in lines]})
    return found


def untimed(value: Any) -> Any:
    """JSON without the entries that are seconds."""
    if isinstance(value, list):
        return [untimed(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {name: untimed(entry) for name, entry in value.items() if "seconds" not in name}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    run(*SMALL, "--out", out)
    return out


def test_a_smoke_run_writes_everything_and_says_what_it_found(tmp_path: Path) -> None:
    out = tmp_path / "smoke"
    done = run("--smoke", "--out", out)
    result = json.loads((out / "result.json").read_text())
    assert result["architecture"] in done.stdout
    assert f"{result['test_accuracy']:.2%}" in done.stdout
    expected = {"method", "space", "data", "seed", "architecture", "edge_probabilities",
        "wiped_out", "steps", "search_seconds", "seconds_per_step", "peak_memory_mib",
        "valid_accuracy", "test_accuracy", "regret", "regret_bound", "versions",
        "seconds_per_step_before_wipeout", "seconds_per_step_after_wipeout",
        "prior", "decision", "candidates", "search_architecture", "against_random",
        "fidelity"}  # fmt: skip
    assert expected <= result.keys()
    for name in ("probabilities.png", "regret.png", "wipeout.png", "cell.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    assert result["architecture"] in page
    assert page.count("data-chart=") == 6 + 4, "an edge each, regret, wipe-outs, losses, curves"
    assert (out / "tensorboard" / "search").is_dir()
    assert result["multiply_adds"] > 0
    config = json.loads((out / "config.json").read_text())
    assert (config["epochs"], config["retrain_epochs"], config["reward_bound"]) == (2, 1, "auto")
    assert result["prior"]["kind"] == config["prior"] == "scores"
    assert result["weights"] == config["weights"] == "single-path"
    assert result["decision"]["rule"] in {"trained", "advice"}
    assert result["fidelity"] is None
    assert not {"search", "candidates", "bptt", "out"} & config.keys()


def test_random_search_runs_too(tmp_path: Path) -> None:
    run("--smoke", "--method", "random", "--out", tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["method"] == "random"
    assert 0 < result["test_accuracy"] <= 1
    assert result["architecture"] in [row["architecture"] for row in result["candidates"]]
    assert (tmp_path / "cell.png").exists()


def test_the_same_seed_gives_the_same_numbers(uninterrupted: Path, tmp_path: Path) -> None:
    run(*SMALL, "--out", tmp_path / "again")
    assert numbers(tmp_path / "again") == numbers(uninterrupted)
    other = ["--seed", "1", "--epochs", "1", "--out", str(tmp_path / "other")]
    assert run_xnas.command([*SMALL, *other]) == 0
    first = [numbers(out)["metrics"][0] for out in (tmp_path / "other", uninterrupted)]
    assert first[0]["phase"] == first[1]["phase"] == "search"
    assert first[0]["train_loss"] != first[1]["train_loss"]


def lines_in(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


def test_exit_code_2_and_one_line_from_a_real_process(tmp_path: Path) -> None:
    done = run("--space", "imagenet", "--out", tmp_path, code=2)
    assert done.stderr == (
        "error: unknown --space 'imagenet': choose one of nasbench201, darts-cnn, darts-rnn, "
        "FILE.py:CLASS\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--method guess",
            "unknown --method 'guess': choose one of black-box, darts-first, darts-second, random",
        ),
        ("--method random --read mode", "unknown --read for random 'mode': choose one of auto"),
        ("--method darts-first --read best-cumulative", "unknown --read for darts-first 'best-c"),
        ("--data mnist", "unknown --data 'mnist': choose one of digits, cifar10"),
        ("--data folder:/does/not/exist", "--data: there is no /does/not/exist"),
        ("--device tpu", "unknown --device 'tpu': choose one of auto, cpu, cuda"),
        ("--epochs 0", "--epochs must be at least 1, got 0"),
        ("--dropout 0.1", "--dropout 0.1 is for text, but nasbench201 is for images"),
        (
            "--space darts-rnn --drop-path 0.1",
            "--drop-path 0.1 is for images, but darts-rnn is for t",
        ),
        ("--reward-bound nan", "--reward-bound must be a positive number"),
        ("--reward-bound inf", "--reward-bound must be a positive number"),
        (
            "--preset published --reward-bound auto",
            "--reward-bound auto needs a --warmup of at least",
        ),
        ("--warmup 0 --reward-bound auto", "--reward-bound auto needs a --warmup of at least one"),
        ("--warmup 20", "--warmup 20 leaves none of the 20 epochs"),
        ("--learner squint", "unknown --learner 'squint': choose one of eg, adahedge"),
        ("--seed -1", "--seed must be 0 or more, got -1"),
        ("--method darts-first --warmup 3", "--warmup 3 is for xnas, but this is darts-first"),
        ("--candidates 3", "--candidates 3 is for random, but this is xnas"),
        ("--method random --no-wipeout", "--no-wipeout is for xnas, but this is random"),
        (
            "--architecture-rate 1",
            "--architecture-rate 1 is for darts-first and darts-second, but",
        ),
        (
            "--learner adahedge --reward-bound 1",
            "--reward-bound 1 has no effect with --learner ada",
        ),
        ("--space darts-rnn --cells 2", "--cells 2 is for images, but darts-rnn is for text"),
        ("--space darts-rnn --batch-size 1", "--batch-size must be at least 2"),
        ("--without nothing", "unknown --without 'nothing': choose one of none, skip_connect"),
        ("--smoke --epochs 1 --warmup 1", "--warmup 1 leaves none of the 1 epochs"),
        ("--batch-size 800", "--batch-size 800 is more than the 721 images of half"),
        (
            "--preset paper",
            "unknown --preset 'paper': choose one of default, quick, cifar10, published",
        ),
        ("--decide guess", "unknown --decide 'guess': choose one of auto, trained, advice, search"),
        ("--looks 7", "--looks must be at least 8"),
        ("--fidelity-cells 11", "--fidelity-cells must be 0 or at least 12"),
        ("--fidelity-epochs 0", "--fidelity-epochs must be at least 1, got 0"),
        ("--weights both", "unknown --weights 'both': choose one of mixture, single-path"),
        ("--method random --weights mixture", "--weights mixture is for xnas, but this is random"),
        (
            "--prior /no/file.json",
            "unknown --prior '/no/file.json': choose one of uniform, scores, a JSON file",
        ),
        (
            "--space darts-rnn --prior scores",
            "--prior scores is for classes of images, not for",
        ),
    ],
)
def test_bad_arguments(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_xnas.command([*arguments.split(), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert list(tmp_path.iterdir()) == []


def test_resume_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_xnas.command(["--resume"]) == 2
    assert "error: --resume needs --out" in capsys.readouterr().err


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def mine(uninterrupted: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be mistreated."""
    return Path(shutil.copytree(uninterrupted, tmp_path / "mine"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "is not empty (cell.png, checkpoint.pt, config.json, "),
        ("--resume --epochs 6", "holds a run of another configuration: epochs is 6 but was 4"),
        ("--resume --seed 7", "holds a run of another configuration: seed is 7 but was 0"),
    ],
)
def test_what_is_on_disk_is_not_touched(
    arguments: str, message: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(mine)
    assert run_xnas.command([*SMALL, "--out", str(mine), *arguments.split()]) == 2
    assert message in capsys.readouterr().err
    assert contents(mine) == before


@pytest.mark.parametrize("keep", [0, 100, -10])
def test_a_truncated_checkpoint_is_left_as_it_is(
    keep: int, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = mine / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:keep])
    before = contents(mine)
    assert run_xnas.command([*SMALL, "--out", str(mine), "--resume"]) == 2
    assert "checkpoint.pt is truncated or not a checkpoint" in capsys.readouterr().err
    assert contents(mine) == before


def test_someone_else_s_checkpoint_and_lost_metrics(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mine / "metrics.jsonl").unlink()
    assert run_xnas.command([*SMALL, "--out", str(mine), "--resume"]) == 2
    assert "metrics.jsonl is shorter than its checkpoint says" in capsys.readouterr().err
    torch.save({"net": torch.zeros(3)}, mine / "checkpoint.pt")
    assert run_xnas.command([*SMALL, "--out", str(mine), "--resume"]) == 2
    assert "checkpoint.pt is truncated or not a checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["metrics.jsonl", "cell.png", "notes.txt"])
def test_somebody_else_s_files_are_left_alone(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert run_xnas.command(["--smoke", "--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert run_xnas.command(["--smoke", "--out", str(tmp_path), "--resume"]) == 2
    assert "holds no run that could be resumed" in capsys.readouterr().err
    assert contents(tmp_path) == {str(tmp_path / name): b"mine"}


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_a_damaged_configuration(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(content)
    assert run_xnas.command(["--smoke", "--out", str(tmp_path), "--resume"]) == 2
    assert "config.json is not the configuration of a run" in capsys.readouterr().err


def test_a_finished_run_without_its_checkpoint_is_not_overwritten(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mine / "checkpoint.pt").unlink()
    before = contents(mine)
    assert run_xnas.command([*SMALL, "--out", str(mine), "--resume"]) == 2
    assert "holds no run that could be resumed" in capsys.readouterr().err
    assert contents(mine) == before


def test_an_out_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below", Path("/proc/nothing"), tmp_path / ("x" * 300)):
        assert run_xnas.command(["--smoke", "--out", str(out)]) == 2
        assert f"error: --out {out} cannot be written" in capsys.readouterr().err
    assert file.read_text() == "mine"


@pytest.mark.parametrize(("method", "mean"), [("xnas", ""), ("xnas-sampled", " on average")])
def test_what_a_bound_is_of(method: str, mean: str) -> None:
    """Of sampled cells the a-priori bound is on the expected regret."""
    story = with_results(searched(), method=method, valid_accuracy=0.9, carries=True)
    assert f"certificate, 9{mean} by the a-priori bound" in of_search(story.result, Path("out"))
