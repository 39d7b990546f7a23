"""The search loop: data, steps, checkpoints, progress. What happens in a step is the method's."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Architecture, Space
from nas_adapter.strategies import METHODS, Setting
from nas_adapter.tasks import Task
from nas_adapter.runs.training import cosine, progress_bar
from nas_adapter.randomness import seeded_by

PHASE = "search"
PICTURED = 500
"""Steps, evenly spread, whose probabilities are written to the metrics."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How to search. How the weights are trained is the space's `search_tuning`."""

    method: str
    seed: int
    epochs: int
    channels: int
    cells: int
    reward_bound: float | None
    warmup: int
    """epochs of it"""
    learner: str
    wipeout: bool
    candidates: int
    read: str
    architecture_rate: float | None = None


def search(
    settings: SearchSettings, space: Space, task: Task, run: Run
) -> tuple[Architecture, dict[str, Any]]:
    """Search, or continue the search of `run`.

    Half of the training data trains the weights, the other half drives the architecture. Every
    random choice comes from a stream named by seed, purpose and place, so a search that is killed
    and resumed takes the very steps of one that was not.

    Returns
    -------
    The architecture found, and what goes into result.json.
    """
    saved = run.phase(PHASE)
    if saved is None or "found" not in saved:
        job = _Search(settings, space, task, run)
        if saved is not None:
            job.load(saved)
        with progress_bar(f"search ({settings.method})", job.total, len(job.seconds)) as bar:
            for epoch in range(job.epoch, settings.epochs):
                job.play(epoch, bar)
        saved = job.finish()
    return tuple(saved["found"]), saved["report"]


class _Search:
    """A search under way."""

    def __init__(self, settings: SearchSettings, space: Space, task: Task, run: Run) -> None:
        self.settings, self.space, self.task, self.run = settings, space, task, run
        self.total = settings.epochs * task.search_steps
        self.epoch = 0
        self.seconds: list[float] = []
        size = task.size(settings.channels, settings.cells)
        with seeded_by(stream(settings.seed, Stream.NETWORK)):
            net = space.network(size, space.choices, search=True)
        self.net = net.to(task.device)
        self.optimizer = space.search_tuning.optimizer(net)
        self.strategy = METHODS[settings.method].make(
            Setting(
                space=space,
                task=task,
                net=net,
                optimizer=self.optimizer,
                steps=self.total,
                seed=settings.seed,
                reward_bound=settings.reward_bound,
                warmup=settings.warmup * task.search_steps,
                learner=settings.learner,
                wipeout=settings.wipeout,
                candidates=settings.candidates,
                read=settings.read,
                architecture_rate=settings.architecture_rate,
            )
        )

    def load(self, saved: dict[str, Any]) -> None:
        """Continue from what `play` saved. The strategy goes first: it removes operations."""
        self.strategy.load_state_dict(saved["strategy"])
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.seconds = saved["epoch"], saved["seconds"]

    def play(self, epoch: int, bar: tqdm[Any]) -> None:
        """One epoch, then a checkpoint."""
        tuning, seed = self.space.search_tuning, self.settings.seed
        start = time.perf_counter()
        for train, valid in self.task.search_batches(epoch):
            done = len(self.seconds)
            cosine(self.optimizer, done / self.total, tuning.rate, tuning.lowest_rate)
            with seeded_by(stream(seed, Stream.NOISE, done)):
                step = self.strategy.step(train, valid)
            self.seconds.append(time.perf_counter() - start)
            self._log(epoch, step.train_loss, step.details)
            bar.update()
            start = time.perf_counter()
        self.run.save(
            PHASE,
            {
                "epoch": epoch + 1,
                "seconds": self.seconds,
                "net": self.net.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "strategy": self.strategy.state_dict(),
            },
        )

    def finish(self) -> dict[str, Any]:
        """Read the architecture off and judge the supernet; the phase is over."""
        found, weights = self.strategy.finish()
        details = self.strategy.report()
        report = {
            "steps": self.total,
            "search_seconds": sum(self.seconds),
            **_speed(self.seconds, details.get("wiped_out", [])),
            f"valid_{self.task.metric}": self.task.measure(self.net, self.task.held_out(), weights),
            **details,
        }
        done = {"found": found, "report": report, "net": self.net.state_dict()}
        self.run.save(PHASE, done)
        return done

    def _log(self, epoch: int, train_loss: float, details: dict[str, Any]) -> None:
        done = len(self.seconds)
        pictured = done % max(1, self.total // PICTURED) == 0 or done == self.total
        kept = {name: details[name] for name in details if pictured or name != "probabilities"}
        self.run.log(
            PHASE,
            step=done,
            epoch=epoch,
            train_loss=train_loss,
            seconds=self.seconds[-1],
            **kept,
        )


def _speed(seconds: list[float], wiped_out: list[dict[str, Any]]) -> dict[str, float | None]:
    """Median seconds per step: of all, until the first wipe-out, and from then on."""
    first = min((wipe["step"] for wipe in wiped_out), default=len(seconds))
    before, after = seconds[:first], seconds[first:]
    return {
        "seconds_per_step": statistics.median(seconds),
        "seconds_per_step_before_wipeout": statistics.median(before),
        "seconds_per_step_after_wipeout": statistics.median(after) if after else None,
    }
