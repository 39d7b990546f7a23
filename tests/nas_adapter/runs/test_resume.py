"""What ends at any step goes on from its checkpoint to the same numbers. (Kills: test_kills.py.)"""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nas_adapter.advice import looks
from nas_adapter.data import images as data_sets
from nas_adapter.randomness import seeded_by
from nas_adapter.runs import retrain as retraining
from nas_adapter.runs import search as searching
from nas_adapter.runs.advise import make_prior
from nas_adapter.runs.checkpoint import read_config
from nas_adapter.runs.retrain import Retraining, RetrainSettings, Trained
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.scores import naswot
from nas_adapter.spaces import DARTSCNN, DARTSRNN, NASBench201, Space, random_architecture, without
from nas_adapter.stopping import Stopped, stoppable
from nas_adapter.strategies import METHODS, MethodSettings
from nas_adapter.strategies.random_search import RandomSearchSettings
from nas_adapter.strategies.xnas import XNAS, XNASSettings
from nas_adapter.supernets.steps import descend
from nas_adapter.tasks import ImageClassification, ImageSettings, LanguageModel, Task, TextSettings
from tests.nas_adapter.front.small_data import text

DIGITS = data_sets.load("digits", Path("unused"), 32)
TASK = ImageClassification(DIGITS, ImageSettings(batch_size=170), seed=0)  # 4 steps an epoch
TRIED: list[MethodSettings] = [
    *(METHODS[name]() for name in METHODS if name not in {"xnas", "random"}),
    RandomSearchSettings(candidates=3),
    XNASSettings(reward_bound=1e-4),
    XNASSettings(reward_bound="auto", warmup=2, weights="single-path"),
]
CPU = torch.device("cpu")
IMAGES = ImageClassification(
    DIGITS, ImageSettings(batch_size=300, cutout=4, auxiliary=True, drop_path=0.2), seed=0
).with_judges()
TEXT = LanguageModel(text(), TextSettings(batch_size=10, bptt=5, dropout=0.1), seed=0).with_judges()


class KilledError(Exception):
    """Stands for the end of the process."""


class Mortal:
    """A function that ends the process at one of its calls."""

    def __init__(self, function: Callable[..., Any], left: int) -> None:
        self.function, self.left = function, left

    def __call__(self, *arguments: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KilledError
        return self.function(*arguments)


def untimed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: record[name] for name in record if "second" not in name} for record in records]


def searched(
    settings: SearchSettings, out: Path, task: Task = TASK, space: Space | None = None
) -> tuple[Any, list[dict[str, Any]]]:
    """What was found and logged, without what a clock measured; a checkpoint after every step."""
    run = Run(out, {}, resume=True, device=CPU, minutes=0)
    try:
        found, report, _ = search(settings, space or NASBench201(), task, run, seed=0)
        steps = run.history("search")
    finally:
        run.close()
    return (found, untimed([report])), untimed(steps)


def killed(patch: Callable[[Mortal], None], function: Any, left: int, work: Any) -> int:
    """Do the work, which ends at a call of the function; how many calls there were."""
    mortal = Mortal(function, left)
    patch(mortal)
    with pytest.raises(KilledError):
        work()
    return left - mortal.left


def every_other(pause: Callable[..., None]) -> Callable[..., None]:
    """A pause that saves only half the time."""
    calls = iter(range(10**9))

    def paused(*arguments: Any) -> None:
        if next(calls) % 2:
            pause(*arguments)

    return paused


@pytest.mark.parametrize("method", TRIED, ids=str)
def test_a_search_that_ends_in_an_epoch_goes_on_as_if_it_had_not(
    method: MethodSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, in the middle of an epoch; as on a GPU, some steps wait to be logged."""
    settings = SearchSettings(method=method, epochs=3, channels=2)
    whole = searched(settings, tmp_path / "whole")
    monkeypatch.setattr(searching, "together", lambda _: 3)
    monkeypatch.setattr(Run, "pause", every_other(Run.pause))
    for left in (4, 5):  # the first call makes the network
        with monkeypatch.context() as patched:
            killed(
                lambda mortal: patched.setattr(searching, "seeded_by", mortal),
                seeded_by, left, lambda: searched(settings, tmp_path / "killed"),
            )  # fmt: skip
    saved = torch.load(tmp_path / "killed" / "checkpoint.pt")["phases"]["search"]
    assert (saved["epoch"], saved["step"], len(saved["seconds"])) == (1, 1, 5)
    assert searched(settings, tmp_path / "killed") == whole
    if isinstance(method, XNASSettings) and method.warmup == 0:
        assert whole[0][1][0]["wiped_out"], "nothing was wiped out: resuming that shows nothing"


def retrained(
    space: Space, task: Task, epochs: int, out: Path
) -> tuple[Trained, Any, list[dict[str, Any]]]:
    """What a network is worth, its weights, and the metrics; a checkpoint after every step."""
    run = Run(out, {}, resume=True, device=CPU, minutes=0)
    cell = random_architecture(space, torch.Generator().manual_seed(0))
    plan = Retraining(
        RetrainSettings(epochs=epochs), task.size(2, search=False), space, task, run, 0, True
    )
    try:
        trained = plan.train(cell, "retrain")
        return trained, plan.network(cell, "retrain").state_dict(), run.history("retrain")
    finally:
        run.close()


class Impatient(DARTSRNN):
    """Weights are averaged once an epoch is no better than the ones before."""

    retrain_tuning = replace(DARTSRNN.retrain_tuning, rate=80, lowest_rate=80, patience=0)


@pytest.mark.parametrize("kind", ["images", "text"])
def test_a_training_that_ends_in_an_epoch_goes_on_as_if_it_had_not(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: tuple[Space, Task, int] = (DARTSCNN(), IMAGES, 2)
    if kind == "text":
        work = (Impatient(), TEXT, 6)
    trained, weights, metrics = retrained(*work, tmp_path / "whole")
    monkeypatch.setattr(retraining, "together", lambda _: 2)
    monkeypatch.setattr(Run, "pause", every_other(Run.pause))
    steps = work[1].retrain_steps
    for left in (steps // 2 + 1, steps):
        with monkeypatch.context() as patched:
            killed(
                lambda mortal: patched.setattr(retraining, "descend", mortal),
                descend, left, lambda: retrained(*work, tmp_path / "killed"),
            )  # fmt: skip
    saved = torch.load(tmp_path / "killed" / "checkpoint.pt")["phases"]["retrain"]
    assert saved["epoch"] > 0, "no progress"
    again = retrained(*work, tmp_path / "killed")
    assert (again[0].loss, again[0].metric) == (trained.loss, trained.metric)
    assert torch.equal(again[0].judged, trained.judged)  # type: ignore[arg-type]
    assert all(torch.equal(part, again[1][name]) for name, part in weights.items())
    assert untimed(again[2]) == untimed(metrics)
    if kind == "text":
        assert metrics[-1]["averaged"], "nothing is averaged"


def looked(out: Path, channels: int = 4) -> tuple[Any, int]:
    """A prior, and how many looks it took; a checkpoint after every look."""
    run = Run(out, {}, resume=True, device=CPU, minutes=0)
    space = without(NASBench201(), ["none", "skip_connect", "avg_pool_3x3"])
    try:
        prior = make_prior("scores", space, TASK, channels, run, seed=0, looks=8)
    finally:
        run.close()
    return prior.weights.tolist(), prior.facts["looks"]


def test_looks_go_on_where_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those at networks of another size, which may change at a resume, do not count."""
    whole, other = looked(tmp_path / "whole"), looked(tmp_path / "other", channels=32)
    assert whole != other
    for name in ("killed", "changed"):
        with monkeypatch.context() as patched:
            killed(
                lambda mortal: patched.setattr(looks, "naswot", mortal), naswot, 5,
                lambda: looked(tmp_path / name),  # noqa: B023 (called at once)
            )  # fmt: skip
    mortal = Mortal(naswot, 10**9)
    monkeypatch.setattr(looks, "naswot", mortal)
    assert looked(tmp_path / "killed") == whole
    assert 10**9 - mortal.left == whole[1] - 5, "what was looked at was looked at again"
    assert looked(tmp_path / "changed", channels=32) == other


def test_a_folder_of_a_run_that_was_killed_as_it_began_is_as_good_as_empty(tmp_path: Path) -> None:
    (tmp_path / "config.json.new").write_text('{"epo')
    Run(tmp_path, {"epochs": 3}, resume=False, device=CPU).close()
    assert read_config(tmp_path) == {"epochs": 3}


def test_a_loss_that_is_no_number_is_null_in_a_file(tmp_path: Path) -> None:
    run = Run(tmp_path, {}, resume=False, device=torch.device("cpu"))
    run.write_json("result.json", {"loss": math.nan, "rows": [{"losses": (math.inf, 1.0)}]})
    found = json.loads((tmp_path / "result.json").read_text())
    assert found == {"loss": None, "rows": [{"losses": [None, 1.0]}]}
    run.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_search_after_its_step(
    signum: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SearchSettings(method=XNASSettings(), epochs=2, channels=2)
    whole = searched(settings, tmp_path / "whole")
    before = signal.getsignal(signum)
    steps: list[int] = []

    def ask(steps_at_once: int) -> Callable[..., Any]:
        def step(strategy: XNAS, *batches: Any) -> Any:
            steps.append(1)
            if len(steps) == 3:
                for _ in range(steps_at_once):
                    os.kill(os.getpid(), signum)
            return taken(strategy, *batches)

        return step

    taken = XNAS.step
    for often, kept in ((1, 3), (2, 2)):  # the second signal ends the step itself
        steps.clear()
        out = tmp_path / str(often)
        with monkeypatch.context() as patched, pytest.raises(Stopped) as stopped, stoppable():
            patched.setattr(XNAS, "step", ask(often))
            searched(settings, out)
        assert stopped.value.signum == signum
        assert isinstance(stopped.value, KeyboardInterrupt)
        assert torch.load(out / "checkpoint.pt")["phases"]["search"]["step"] == kept
        assert searched(settings, out) == whole
    assert signal.getsignal(signum) is before


@pytest.mark.parametrize("warmup", [0, 1])
def test_a_search_ends_in_time_with_a_cell(warmup: int, tmp_path: Path) -> None:
    """Even in the warm-up, when nothing is known: after one step at least."""
    method = XNASSettings(reward_bound="auto" if warmup else 0.05, warmup=warmup)
    settings = SearchSettings(method=method, epochs=3, channels=2, max_minutes=1e-9)
    (found, (report,)), steps = searched(settings, tmp_path / "out")
    assert len(found) == 6
    assert (len(steps), report["steps"], report["planned_steps"]) == (1, 1, 12)
    assert report["regret"] <= report["regret_certificate"]
    more = SearchSettings(method=method, epochs=3, channels=2, max_minutes=60)
    assert searched(more, tmp_path / "out")[1] == steps, "a search that has ended is not continued"
