"""Runs that are gone on with after something has changed: settings, data, the space."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import run_xnas
from PIL import Image

from tests.experiments.small import CELL, OTHER, SMALL, resumed
from tests.experiments.test_run_xnas import contents, numbers, untimed
from tests.nas_adapter.spaces.test_own_space import documented_example


def trained(out: Path) -> list[str]:
    """The phases of trainings, a line for each of their epochs."""
    lines = (out / "metrics.jsonl").read_text().splitlines()
    phases = [str(json.loads(line)["phase"]) for line in lines]
    return [phase for phase in phases if phase != "search"]


def test_resume_alone_takes_the_saved_settings(copied: Path) -> None:
    before = numbers(copied)
    config = json.loads((copied / "config.json").read_text())
    resumed(copied)
    assert numbers(copied) == before
    assert json.loads((copied / "config.json").read_text()) == config


def test_what_leaves_the_search_as_it_is_may_change(copied: Path) -> None:
    """Only what is new is trained."""
    before, done = numbers(copied), trained(copied)
    assert done == ["retrain search", "retrain random 1", "retrain given 1"]
    result = resumed(copied, "--compare", OTHER, CELL, "--baselines", "2")
    assert trained(copied) == [*done, "retrain given 1"]  # random 2 is the cell that was found
    assert [row["architecture"] for row in result["compared_architectures"]] == [OTHER, CELL]
    assert untimed(result["compared_architectures"][1]) == before["compared_architectures"][0]
    assert result["random_architectures"][:1] == before["random_architectures"]
    assert result["edge_probabilities"] == before["edge_probabilities"]
    done = trained(copied)
    result = resumed(copied, "--retrain-epochs", "2", "--cutout", "2", "--baselines", "1")
    assert trained(copied) == [
        *done, *["retrain search"] * 2, *["retrain random 1"] * 2, *["retrain given 1"] * 2,
        *["retrain given 2"] * 2,
    ]  # fmt: skip
    assert result["test_loss"] != before["test_loss"]
    assert result["search_architecture"] == before["search_architecture"]
    done = trained(copied)
    again = resumed(copied)  # with the new ones, which are the run's by now
    assert trained(copied) == done
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
    arguments: str, message: str, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(copied)
    assert run_xnas.command(["--out", str(copied), "--resume", *arguments.split()]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert contents(copied) == before


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
    small_space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty pictures more; one pixel of one of them; two files that changed their names."""
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    write_pictures(pictures, 60)
    arguments = [
        *SMALL,
        "--batch-size",
        "16",
        "--image-size",
        "8",
        "--space",
        f"{small_space}:Blocks",
    ]
    arguments += ["--space", f"{small_space}:Blocks"]
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


def test_cells_and_seeds_are_added_to_a_retraining(small_space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--space", f"{small_space}:Blocks", "--channels", "2", "--batch-size", "240"]
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
    wider = resumed(out, "--retrain", CELL, "--seeds", "0", "--retrain-channels", "3")
    assert wider["cells"][0]["parameters"] > before["cells"][0]["parameters"]
