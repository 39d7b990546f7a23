"""compare_runs.py: finished runs side by side."""

from __future__ import annotations

import html
import json
from pathlib import Path

import compare_runs
import pytest

from tests.experiments.programs import run


def test_a_smoke_run(tmp_path: Path) -> None:
    shown = run("compare_runs", "--smoke", "--out", tmp_path)
    rows = json.loads((tmp_path / "result.json").read_text())
    assert [row["run"] for row in rows] == ["seed 0", "seed 1"]
    page = (tmp_path / "compare.html").read_text()
    for row in rows:
        assert row["run"] in shown
        assert html.escape(row["architecture"]) in page
        assert f"{row['test']:.2%}" in page
    assert "<td>seed 0</td><td>random</td><td>nasbench201</td><td>digits</td>" in page
    assert "<td>seed</td>" in page, "what differs"
    assert "<td>epochs</td>" not in page, "what does not"


def test_a_space_of_one_s_own_and_what_differs(
    finished: Path, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert compare_runs.command([str(finished), str(copied), "--out", str(out)]) == 0
    assert "finished" in capsys.readouterr().out
    page = (out / "compare.html").read_text()
    assert "<h2>What differs in their settings</h2><p>Nothing.</p>" in page
    assert json.loads((finished / "result.json").read_text())["architecture"] in page


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["finished"], "RUN must be two or more different folders"),
        (["finished", "finished"], "RUN must be two or more different folders"),
        (["finished", "missing"], "missing holds no finished run"),
    ],
)
def test_mistakes(
    names: list[str], message: str, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(finished.parent / name) for name in names]
    assert compare_runs.command(folders) == 2
    assert message in capsys.readouterr().err


def test_a_retraining_is_no_search(
    finished: Path, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / "result.json").write_text("{}")
    assert compare_runs.command([str(finished), str(copied)]) == 2
    assert "holds no search of run_xnas.py" in capsys.readouterr().err
