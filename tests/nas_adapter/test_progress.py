"""The line of progress: rewritten on a terminal, whole lines in a log."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from nas_adapter import progress
from nas_adapter.front.search import search
from nas_adapter.front.settings import make_settings
from nas_adapter.progress import Progress

SMALL: dict[str, Any] = {
    "epochs": 2, "channels": 2, "batch_size": 240, "retrain_epochs": 2, "baselines": 0,
}  # fmt: skip


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(clock: Clock, total: int, seconds: float, **how: Any) -> None:
    with Progress("work", total, **how) as line:
        for _ in range(total):
            clock.now += seconds
            line.update()


def test_a_log_has_whole_lines_further_and_further_apart(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of one step a second; each line is due a twentieth of the time after the one before."""
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    work(clock, 86_400, 1.0, facts=lambda: "epoch 1 of 2")
    lines = log.getvalue().splitlines()
    assert lines[:2] == [
        "work: epoch 1 of 2, 23 h 59 min left", "work: epoch 1 of 2, 23 h 59 min left",
    ]  # fmt: skip
    assert lines[-1] == "work: epoch 1 of 2, 24 h 0 min taken"
    assert 100 < len(lines) < 200
    assert not re.search(r"[\r\x1b]", log.getvalue())


def test_a_terminal_has_one_line(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    monkeypatch.setenv("COLUMNS", "31")
    work(clock, 3, 1.0, facts=lambda: "epoch 1 of 2, training loss 0.5")
    assert shown.getvalue().count("\n") == 1
    lines = shown.getvalue().rstrip("\n").split("\r")[1:]
    assert lines == ["work: epoch 1 of 2, training l\x1b[K"] * 4


def test_time_left_of_work_that_was_begun_before(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    with Progress("work", 100, 90) as line:
        clock.now = 60.0
        line.update()
    assert log.getvalue().splitlines()[0] == "work: 91 of 100 steps, 9 min 0 s left"


def test_a_time_limit_shortens_the_time_left(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    with Progress("work", 100, most=60.0) as line:
        for clock.now in (20.0, 40.0, 61.0):
            line.update()
    said = [text.partition("steps, ")[2] for text in log.getvalue().splitlines()]
    assert said == ["40 s left", "20 s left", "1 min 1 s taken", "1 min 1 s taken"]


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_short_work_leaves_nothing(
    stream: Callable[[], io.StringIO], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", shown := stream())
    assert list(progress.progress(iter("abc"), "reading")) == ["a", "b", "c"]
    assert shown.getvalue() in {"", "\r\x1b[K"}


def test_work_of_unknown_length(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    for _ in progress.progress(iter("abc"), "reading", unit="example"):
        clock.now += 8.0
    assert log.getvalue() == "reading: 2 examples, 16 s taken\n"


@contextmanager
def pseudo_terminal() -> Any:
    """A terminal as stderr; yields what reads all that was written to it."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream, lambda: os.read(ours, 10**6).decode()
    os.close(ours)


def searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search and a retraining with a line for every step."""
    for name in ("TERMINAL", "LOG", "SHARE"):
        monkeypatch.setattr(progress, name, 0.0)
    torch.manual_seed(0)
    settings = make_settings("nasbench201", preset="published", **SMALL)
    search("nasbench201", "digits", settings, device="cpu")


def test_a_search_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pseudo_terminal() as (stream, read):
        monkeypatch.setattr(sys, "stderr", stream)
        searched(monkeypatch)
        monkeypatch.undo()
        shown = read()
    assert shown.count("\n") == 2, "a line for the search, and one for the retraining"
    search_line, retrain_line = (line.split("\r")[-2] for line in shown.split("\n")[:2])
    assert re.fullmatch(
        r"search \(xnas\): epoch 2 of 2, validation loss \d\.\d+, \d+ of 30 operations left, "
        r"\d+ s taken\x1b\[K",
        search_line,
    )
    assert re.fullmatch(
        r"retrain search: epoch 2 of 2, training loss \d\.\d+, \d+ s taken\x1b\[K", retrain_line
    )


def test_a_search_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        searched(monkeypatch)
        monkeypatch.undo()
    with os.fdopen(reader, newline="") as pipe:
        shown = pipe.read()
    assert "\r" not in shown
    assert "\x1b" not in shown
    lines = shown.splitlines()
    assert lines[0].startswith("search (xnas): epoch 1 of 2, ")
    assert all(re.search(r", \d+ s (left|taken)$", line) for line in lines)
    assert any(" of 30 operations left, " in line for line in lines)
