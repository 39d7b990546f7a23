"""run_xnas.py --retrain: cells that are given are trained, and nothing is searched."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import pytest
import run_xnas
from studies.xnas.options import parse

from nas_adapter.spaces import DARTSRNN
from nas_adapter.spaces.published import read_cell
from tests.experiments.test_run_xnas import numbers

ARGUMENTS = ["--smoke", "--space", "darts-rnn", "--batch-size", "64", "--retrain", "DARTS_V2"]
MINE = "Genotype(recurrent=[('relu', 0)" + ", ('tanh', 1)" * 7 + "], concat=range(1, 9))"


def test_cells_and_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = [*ARGUMENTS, MINE, "--seeds", "3", "5", "--out", str(out)]
    assert run_xnas.command([*arguments, "--export"]) == 0
    result = json.loads((out / "result.json").read_text())
    rows = {(row["name"], row["seed"]): row for row in result["cells"]}
    assert list(rows) == [("DARTS_V2", 3), ("cell 2", 3), ("DARTS_V2", 5), ("cell 2", 5)]
    space = DARTSRNN()
    published = space.genotype(read_cell(space, "DARTS_V2", "cell"))
    assert rows["DARTS_V2", 5]["architecture"] == published
    assert rows["cell 2", 5]["architecture"] == MINE
    for row in rows.values():
        assert row["held_out_loss"] > 0
        assert row["test_perplexity"] > 1
        assert row["parameters"] > 0
        assert row["seconds"] > 0
    assert rows["cell 2", 3]["test_loss"] != rows["cell 2", 5]["test_loss"]
    summary = {row["name"]: row for row in result["summary"]}
    both = [rows["DARTS_V2", seed]["test_loss"] for seed in (3, 5)]
    assert summary["DARTS_V2"]["test_loss"] == pytest.approx(sum(both) / 2)
    assert summary["DARTS_V2"]["test_loss_error"] == pytest.approx(abs(both[0] - both[1]) / 2)
    assert (out / "cell 2" / "network.onnx").exists()
    assert result["exported"].keys() == {"DARTS_V2", "cell 2"}
    shown = capsys.readouterr().out
    page = (out / "report.html").read_text()
    for name in summary:
        assert f"{name} " in shown
        assert f"<td>{name}</td>" in page
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert page.count('class="cells"') == 2, "a drawing of each"
    before = numbers(out)
    assert run_xnas.command([*arguments, "--export", "--resume"]) == 0
    assert numbers(out) == before


def test_all_data_is_trained_on_without_held_out(tmp_path: Path) -> None:
    file, out = tmp_path / "of a search.toml", tmp_path / "out"
    file.write_text("epochs = 9\nretrain_epochs = 2")
    arguments = [*ARGUMENTS, "--no-held-out", "--seed", "4", "--config", str(file)]
    assert run_xnas.command([*arguments, "--out", str(out)]) == 0
    (row,) = json.loads((out / "result.json").read_text())["cells"]
    assert row["seed"] == 4
    assert row["held_out_loss"] is None
    assert row["test_loss"] > 0
    written = re.findall(r"<pre><code>(.*?)</code>", (out / "report.html").read_text())
    again = parse(shlex.split(html.unescape(*written))[2:])
    assert (again.cells, again.seeds, again.held_out) == (("DARTS_V2",), (4,), False)
    assert again.settings.retrain == parse(arguments).settings.retrain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--retrain GDAS", "--retrain: not a NAS-Bench-201 architecture: 'GDAS'"),
        (
            "--space darts-cnn --retrain DARTS",
            "published cells of this space: DARTS_V1, DARTS_V2, PC_DARTS, GDAS, XNAS",
        ),
        ("--space darts-cnn --retrain XNAS XNAS", "--retrain: XNAS is given twice"),
        ("--retrain", "--retrain needs one value or more"),
        ("--retrain x --seeds", "--seeds needs one value or more"),
        ("--seeds 1 2", "--seeds 1 2 has no effect with a search; it is for --retrain"),
        (
            "--retrain x --epochs 3",
            "--epochs 3 has no effect with --retrain, which searches nothing",
        ),
        ("--space darts-cnn --retrain XNAS --seeds 1 1", "--seeds must be one or more different"),
        ("--retrain x --seeds 1 2 --seed 5", "--seed 5 has no effect with --seeds 1 2"),
        ("--retrain x --seeds -1", "--seeds must be 0 or more, got -1"),
    ],
)
def test_mistakes(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_xnas.command([*arguments.split(), "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
