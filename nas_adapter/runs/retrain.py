"""The discrete network, trained from scratch on all training data."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from nas_adapter.runs.averaging import Averaging
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Architecture, Space
from nas_adapter.supernets.supernet import Supernet
from nas_adapter.tasks import Task
from nas_adapter.runs.training import cosine, progress_bar
from nas_adapter.errors import finite
from nas_adapter.randomness import seeded_by


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """How to train. How the weights are trained is the space's `retrain_tuning`."""

    seed: int
    epochs: int
    channels: int
    cells: int
    auxiliary: bool = False
    """whether to train by a second head as well"""
    drop_path: float = 0.0
    """see `MixedEdge`; grows linearly from 0 to this over the epochs"""


def retrain(
    settings: RetrainSettings,
    space: Space,
    architecture: Architecture,
    task: Task,
    run: Run,
    phase: str,
) -> float:
    """Train the network of `architecture` from scratch and return its test metric.

    The test data is looked at once, after the last epoch. Where the space's `retrain_tuning` has a
    patience, the held-out data is not trained on, and what is tested is the best epoch by it, see
    `Averaging`. Continues what `run` has of `phase`,
    a name for this training in the checkpoint and the metrics.
    """
    saved = run.phase(phase)
    if saved is not None and "test" in saved:
        return float(saved["test"])
    job = _Training(settings, space, architecture, task)
    if saved is not None:
        job.load(saved)
    with progress_bar(
        phase, settings.epochs * task.retrain_steps, job.epoch * task.retrain_steps
    ) as bar:
        while job.epoch < settings.epochs:
            start, losses = time.perf_counter(), []
            for loss in job.steps():
                losses.append(loss)
                bar.update()
            run.log(
                phase,
                epoch=job.epoch,
                train_loss=sum(losses) / len(losses),
                **job.validate(),
                seconds=time.perf_counter() - start,
            )
            run.save(phase, job.state_dict())
    if job.averaging is not None:
        job.averaging.take_best()
    job.net.eval()
    test = task.measure(job.net, task.test(), architecture)
    run.save(phase, {"test": test, "net": job.net.state_dict()})
    return test


def build(
    settings: RetrainSettings, space: Space, architecture: Architecture, task: Task
) -> Supernet:
    """The network of `architecture`, untrained."""
    size = replace(task.size(settings.channels, settings.cells), auxiliary=settings.auxiliary)
    with seeded_by(stream(settings.seed, Stream.NETWORK)):
        return space.network(size, [[operation] for operation in architecture], search=False)


class _Training:
    """A training under way; `epoch` epochs are done."""

    def __init__(
        self, settings: RetrainSettings, space: Space, architecture: Architecture, task: Task
    ) -> None:
        self.settings, self.architecture, self.task = settings, architecture, task
        self.tuning = space.retrain_tuning
        self.epoch = 0
        net = build(settings, space, architecture, task)
        self.net = net.to(task.device)
        self.optimizer = self.tuning.optimizer(net)
        self.averaging = None
        if self.tuning.patience is not None:
            better = task.higher_is_better
            self.averaging = Averaging(net, self.tuning.patience, higher_is_better=better)

    def load(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch = saved["epoch"]
        if self.averaging is not None:
            self.averaging.load_state_dict(saved["averaging"])

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs."""
        return {
            "epoch": self.epoch,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaging": None if self.averaging is None else self.averaging.state_dict(),
        }

    def validate(self) -> dict[str, Any]:
        """What the validation data says after an epoch, for the metrics; nothing without a use."""
        if self.averaging is None:
            return {}
        averaged = self.averaging.started
        self.net.eval()
        value = self.averaging.epoch(
            lambda net: self.task.measure(net, self.task.held_out(), self.architecture)
        )
        return {f"valid_{self.task.metric}": value, "averaged": averaged}

    def steps(self) -> Iterator[float]:
        """One epoch; yields the loss of every step."""
        seed, tuning, total = self.settings.seed, self.tuning, self.task.retrain_steps
        self.net.train()
        self.net.set_drop_path(self.settings.drop_path * self.epoch / self.settings.epochs)
        for index, batch in enumerate(self.task.retrain_batches(self.epoch)):
            done = self.epoch * total + index
            progress = done / (self.settings.epochs * total)
            cosine(self.optimizer, progress, tuning.rate, tuning.lowest_rate)
            self.optimizer.zero_grad()
            with seeded_by(stream(seed, Stream.NOISE, done)):
                loss = self.task.loss(self.net, batch, self.architecture)
                loss.backward()  # type: ignore[no-untyped-call]
            if tuning.clip is not None:
                nn.utils.clip_grad_norm_(self.net.parameters(), tuning.clip)
            self.optimizer.step()
            if self.averaging is not None:
                self.averaging.step()
            yield finite(loss.item(), "training", "retraining")
        self.epoch += 1
