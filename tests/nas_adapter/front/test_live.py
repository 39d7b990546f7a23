"""The page of a run under way: written now and then, and never in the way of the run."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from nas_adapter.front import live
from nas_adapter.output import report
from nas_adapter.runs.run import Run
from tests.nas_adapter.output.stories import running


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(live, "time", made)
    return made


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "out", {}, resume=False, device=torch.device("cpu"))
    for record in running().records:
        made.log(**record)
    return made


def test_the_page_shows_what_there_is(run: Run, clock: Clock) -> None:
    page = run.out / "report.html"
    run.between = live.Live(run, running(), 40, {})
    run.pause("search", dict)
    assert not page.exists(), "a run of seconds needs none"
    clock.now += 11
    run.pause("search", dict)
    said = page.read_text()
    assert "Running: the search is at step 20 of 40, about 10 s from its end. Written " in said
    assert "the strongest cell at present" not in said, "one cell needs no name"
    assert "nor_conv_1x1 from node 0 to node 1" not in said
    assert "avg_pool_3x3 from node 0 to node 1" in said
    run.close()


def test_it_takes_no_more_than_a_hundredth_of_the_time(
    run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = []

    def draw(*_: Any) -> None:
        times.append(clock.now)
        clock.now += 0.7

    monkeypatch.setattr(report, "draw_live", draw)
    page = live.Live(run, running(), 40, {})
    for _ in range(1000):
        clock.now += 1
        page()
    assert len(times) > 5
    assert all(b - a >= 70 for a, b in itertools.pairwise(times))
    run.close()


def test_an_error_ends_the_page_and_not_the_run(
    run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(report, "draw_live", fail)
    page = live.Live(run, running(), 40, {})
    for _ in range(3):
        clock.now += 100
        page()
    said = capsys.readouterr().err
    assert said == "note: report.html is written at the end only: no space left\n"
    run.close()


def test_what_is_planned_depends_on_what_is_done() -> None:
    search = [{"phase": "search", "step": step, "seconds": 2.0} for step in (1, 2)]
    assert "about 1 min 0 s from its end" in live.progress(search, 32, {}, 5.0)
    assert "about 56 s from its end" in live.progress(search, 320, {}, 1.0), "the time limit's"
    epochs = {"retrain": 20, "fidelity": 5}
    last = {"epoch": 2, "seconds": 1.0}
    assert "epoch 2 of 5." in live.progress([{"phase": "fidelity 3", **last}], 9, epochs)
    assert "epoch 2 of 20." in live.progress([{"phase": "retrain random 1", **last}], 9, epochs)
