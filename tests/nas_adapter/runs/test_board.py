"""TensorBoard's events: every axis runs on, also after a kill, and the run as a whole is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas_adapter.runs.board import Board


def record(phase: str, place: int, loss: float) -> dict[str, object]:
    axis = "step" if phase == "search" else "epoch"
    return {"phase": phase, axis: place, "train_loss": loss, "probabilities": [[1.0]]}


def events(folder: Path, tag: str) -> list[tuple[int, float]]:
    found = EventAccumulator(str(folder))
    found.Reload()
    return [(event.step, event.value) for event in found.Scalars(tag)]


def test_each_phase_has_an_axis_of_its_own(tmp_path: Path) -> None:
    board = Board(tmp_path)
    for phase in ("search", "retrain prior", "retrain random 1"):
        for place in (1, 2, 3):
            board.add(record(phase, place, place / 2))
    board.close()
    expected = [(1, 0.5), (2, 1.0), (3, 1.5)]
    assert events(tmp_path / "search", "search/train_loss") == expected
    assert events(tmp_path / "retrain prior", "retrain/train_loss") == expected
    assert events(tmp_path / "retrain random 1", "retrain/train_loss") == expected


def test_a_run_that_was_killed_goes_on_where_its_metrics_end(tmp_path: Path) -> None:
    """What it had written after its checkpoint is not shown twice."""
    killed = Board(tmp_path)
    for step in range(1, 9):
        killed.add(record("search", step, 7.0))
    killed.close()
    resumed = Board(tmp_path)
    for step in range(5, 11):
        resumed.add(record("search", step, 8.0))
    resumed.close()
    shown = events(tmp_path / "search", "search/train_loss")
    assert shown == [(step, 7.0 if step < 5 else 8.0) for step in range(1, 11)]


def test_a_training_that_is_done_anew_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for loss, epochs in ((7.0, 5), (8.0, 3)):
        board = Board(tmp_path)
        for epoch in range(1, epochs + 1):
            board.add(record("retrain prior", epoch, loss))
        board.close()
    shown = events(tmp_path / "retrain prior", "retrain/train_loss")
    assert shown == [(1, 8.0), (2, 8.0), (3, 8.0)]


def test_the_run_as_a_whole(tmp_path: Path) -> None:
    cell = tmp_path / "cell.png"
    Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).save(cell)
    board = Board(tmp_path / "events")
    board.conclude({"epochs": 3, "prior": None, "without": ["none"]}, {"test_loss": 0.5}, cell)
    found = EventAccumulator(str(tmp_path / "events"))
    found.Reload()
    [picture] = found.Images("cell")
    assert (picture.width, picture.height) == (6, 4)
    assert [event.value for event in found.Scalars("test_loss")] == [0.5]
    assert "_hparams_/session_start_info" in found.summary_metadata
