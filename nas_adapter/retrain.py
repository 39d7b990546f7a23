"""The discrete network, trained from scratch on all training data."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from nas_adapter.randomness import Stream, stream
from nas_adapter.run import Run
from nas_adapter.spaces import Architecture, Space
from nas_adapter.supernet import Supernet
from nas_adapter.tasks import Task
from nas_adapter.training import cosine, progress_bar, seeded_by


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

    The test data is looked at once, after the last epoch. Continues what `run` has of `phase`,
    a name for this training in the checkpoint and the metrics.
    """
    saved = run.phase(phase)
    if saved is not None and "test" in saved:
        return float(saved["test"])
    job = _Training(settings, space, architecture, task)
    if saved is not None:
        job.net.load_state_dict(saved["net"])
        job.optimizer.load_state_dict(saved["optimizer"])
        job.epoch = saved["epoch"]
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
                seconds=time.perf_counter() - start,
            )
            run.save(
                phase,
                {
                    "epoch": job.epoch,
                    "net": job.net.state_dict(),
                    "optimizer": job.optimizer.state_dict(),
                },
            )
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
            yield loss.item()
        self.epoch += 1
