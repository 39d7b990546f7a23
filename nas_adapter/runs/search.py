"""The search loop: data, steps, checkpoints, progress. A step itself is in the method's file."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from nas_adapter import ranks
from nas_adapter.advice.climb import LOOKS
from nas_adapter.advice.prior import Prior, uniform
from nas_adapter.advice.total import LEAST
from nas_adapter.errors import UserError, choose, finite, positive
from nas_adapter.progress import Progress
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.runs.notes import Notes
from nas_adapter.runs.training import fitting, together
from nas_adapter.spaces import Architecture, Space
from nas_adapter.stopping import held
from nas_adapter.strategies import Context, MethodSettings, Step
from nas_adapter.supernets.layers import placed
from nas_adapter.supernets.steps import cosine
from nas_adapter.supernets.synchronised import synchronised
from nas_adapter.tasks import Task
from nas_adapter.tasks.base import from_step, state_after

PHASE = "search"
SHOWN = 20
"""Last steps whose mean loss is shown on the way."""
PICTURED = 500
"""Steps, evenly spread, whose probabilities are written to the metrics."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Settings of the search; how its weights are trained is the space's `search_tuning`."""

    epochs: int = 20
    """Passes over the training data while searching."""
    channels: int = 16
    """C, channels after the stem; of darts-rnn H, width of embeddings and hidden state."""
    read: str = "auto"
    """Rule that reads the architecture off: darts (the strongest edges of a node), mode, sample,
    best-cumulative (of XNAS); auto: as published, darts in DARTS's spaces and else mode."""
    prior: str = "uniform"
    """First distribution of every edge: uniform; scores (of untrained networks, for images); or a
    JSON file {edge: {operation: weight}}, as edge_probabilities in a result.json."""
    looks: int = LOOKS
    """Random untrained cells that the prior "scores" looks at, at least 8; and the most changes of
    a cell that it looks at before it makes one."""
    max_minutes: float | None = None
    """Minutes after which the search is ended in order, with the cell of that time; those before a
    resume count. The prior before it, and the decision and all retraining after it, are done in
    full. Default: none, all epochs."""
    method: MethodSettings

    def __post_init__(self) -> None:
        positive(epochs=self.epochs, channels=self.channels, max_minutes=self.max_minutes)
        choose(f"--read for {self.method.name}", self.read, self.method.rules)
        if self.looks < LEAST:
            raise UserError(f"--looks must be at least {LEAST}, got {self.looks}")
        self.method.check(self.epochs)


class Found(NamedTuple):
    """What a search ends with."""

    architecture: Architecture
    report: dict[str, Any]
    """for result.json"""
    beliefs: list[float]
    """about the architectures that were asked about; larger is better"""


def search(
    settings: SearchSettings,
    space: Space,
    task: Task,
    run: Notes,
    *,
    seed: int,
    prior: Prior | None = None,
    asked: Sequence[Architecture] = (),
) -> Found:
    """Search an architecture, or continue the search of `run`.

    Half of the training data trains the weights, the other half drives the architecture. Every
    random choice comes from a stream named by seed, purpose and place, so a search that is killed
    and resumed takes the very steps of one that was not.

    Parameters
    ----------
    prior
        The first distributions; None: uniform.
    asked
        Architectures of which the method says, at its end, how good it believes them to be.
    """
    saved = run.phase(PHASE)
    if saved is None or "found" not in saved:
        job = _Search(settings, space, task, run, seed, prior or uniform(space), asked)
        if saved is not None:
            with fitting():
                job.load(saved)
        name = f"search ({settings.method.name})"
        with held(), Progress(name, job.total, job.done, job.facts, most=job.time) as line:
            while job.epoch < settings.epochs and not job.late:
                job.train_epoch(line)
        saved = job.finish()
    return Found(tuple(saved["found"]), saved["report"], saved["beliefs"])


class _Search:
    """A search under way."""

    def __init__(
        self,
        settings: SearchSettings,
        space: Space,
        task: Task,
        run: Notes,
        seed: int,
        prior: Prior,
        asked: Sequence[Architecture],
    ) -> None:
        self.asked, self.settings = asked, settings
        self.space, self.task, self.run, self.seed = space, task, run, seed
        self.total = settings.epochs * task.search_steps
        self.epoch = self.step = 0  # of the epoch
        self.states: list[Tensor | None] = []  # after that step
        self.seconds: list[float] = []
        self.since = time.perf_counter()  # when the first of these began
        self.waiting: list[Step] = []  # not logged yet
        self.recent: deque[dict[str, Any]] = deque(maxlen=SHOWN)  # records that were logged
        self.together = together(task.device)
        size = task.size(settings.channels, search=True)
        with seeded_by(stream(seed, Stream.NETWORK)):
            net = space.network(size, space.choices, search=True)
        self.net = synchronised(placed(net, task.device), task.device)
        self.tuning = settings.method.tuning(space)
        self.optimizer = self.tuning.optimizer(net)
        self.strategy = settings.method.start(
            Context(
                space, task, net, self.optimizer, self.total, seed, settings.read,
                prior.weights.to(task.device), self._pause,
            )
        )  # fmt: skip

    def load(self, saved: dict[str, Any]) -> None:
        """Continue from a checkpoint. The strategy goes first: it removes operations."""
        self.strategy.load_state_dict(saved["strategy"])
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.step, self.states = saved["epoch"], saved["step"], saved["states"]
        self.seconds = saved["seconds"]

    @property
    def done(self) -> int:
        """Steps that are done."""
        return len(self.seconds) + len(self.waiting)

    def facts(self) -> str:
        """What a person wants to know on the way: the epoch, the loss, the operations left."""
        epochs, last = self.settings.epochs, self.recent[-1] if self.recent else {}
        said = f"epoch {min(self.epoch + 1, epochs)} of {epochs}"
        for name, loss in (("valid_loss", "validation loss"), ("train_loss", "training loss")):
            if name in last:
                mean = statistics.fmean(record[name] for record in self.recent if name in record)
                said += f", {loss} {mean:.3f}"
                break
        if "operations_left" in last:
            count = sum(map(len, self.space.choices))
            said += f", {last['operations_left']} of {count} operations left"
        return said

    @property
    def time(self) -> float:
        """Seconds that are left by the time limit."""
        limit = self.settings.max_minutes
        return math.inf if limit is None else 60 * limit - math.fsum(self.seconds)

    @property
    def late(self) -> bool:
        """Whether the time for the search is over; one step is always taken."""
        if self.settings.max_minutes is None or self.done == 0:
            return False
        running = time.perf_counter() - self.since if self.waiting else 0.0
        return any(ranks.largest(running >= self.time))

    def train_epoch(self, line: Progress) -> None:
        """Run the rest of an epoch, or as much as there is time for; then write a checkpoint."""
        tuning = self.tuning
        batches = from_step(self.task.search_batches(self.epoch), self.step, self.states)
        self.since = time.perf_counter()
        for train, valid in batches:
            cosine(self.optimizer, self.done / self.total, tuning.rate, tuning.lowest_rate)
            with seeded_by(
                stream(self.seed, Stream.NOISE, ranks.count() * self.done + ranks.rank())
            ):
                self.waiting.append(self.strategy.step(train, valid))
            self.step += 1
            self.states = [state_after(train), state_after(valid)]
            line.update()
            if len(self.waiting) == self.together:
                self._log()
            if self.late:
                break
            self._pause()
        else:
            self._log()
            self.epoch, self.step, self.states = self.epoch + 1, 0, []
        self.run.save(PHASE, self.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs; what waits is logged before."""
        self._log()
        return {
            "epoch": self.epoch,
            "step": self.step,
            "states": [ranks.gathered(state) for state in self.states],
            "seconds": self.seconds,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "strategy": self.strategy.state_dict(),
        }

    def finish(self) -> dict[str, Any]:
        """Read the architecture off, measure the supernet with it, and end the phase."""
        found, weights = self.strategy.finish()
        details, task = self.strategy.report(), self.task
        further = task.further(self.net, task.held_out(), weights)
        report = {
            "steps": self.done,
            "planned_steps": self.total,
            "search_seconds": sum(self.seconds),
            **_speed(self.seconds, details.get("wiped_out", [])),
            f"valid_{task.metric}": task.measure(self.net, task.held_out(), weights),
            **{f"valid_{name}": value for name, value in further.items()},
            **details,
        }
        beliefs = [self.strategy.believes(architecture) for architecture in self.asked]
        done = {
            "found": found,
            "report": report,
            "beliefs": beliefs,
            "net": self.net.state_dict(),
        }
        self.run.save(PHASE, done)
        return done

    def _pause(self) -> None:
        self.run.pause(PHASE, self.state_dict)
        if not self.waiting:  # a checkpoint's time is no step's
            self.since = time.perf_counter()

    def _log(self) -> None:
        """Log the steps that wait for it."""
        records = [
            on_host({"train_loss": step.train_loss, **step.details}) for step in self.waiting
        ]
        self.waiting.clear()
        self.recent.extend(records)
        now = time.perf_counter()
        for record in records:
            self.seconds.append((now - self.since) / len(records))
            if self.done % max(1, self.total // PICTURED) != 0 and self.done != self.total:
                record.pop("probabilities", None)
            self.run.log(
                PHASE, step=self.done, epoch=self.epoch, seconds=self.seconds[-1], **record
            )
        self.since = time.perf_counter()


def on_host(record: dict[str, Any]) -> dict[str, Any]:
    """A step's record with numbers in place of tensors; `UserError` for a loss that is not one."""
    numbers: dict[str, Any] = {
        name: value.tolist() if isinstance(value, Tensor) else value
        for name, value in record.items()
    }
    for name, which in (("train_loss", "training"), ("valid_loss", "validation")):
        if name in numbers:
            finite(numbers[name], which)
    return numbers


def _speed(seconds: list[float], wiped_out: list[dict[str, Any]]) -> dict[str, float | None]:
    """Median seconds per step: of all steps, of those until the first wipe-out, of the others."""
    first = min((wipe["step"] for wipe in wiped_out), default=len(seconds))
    before, after = seconds[:first], seconds[first:]
    return {
        "seconds_per_step": statistics.median(seconds),
        "seconds_per_step_before_wipeout": statistics.median(before),
        "seconds_per_step_after_wipeout": statistics.median(after) if after else None,
    }
