"""The discrete network, trained from scratch on all training images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from nas_adapter.data import Images, shuffled
from nas_adapter.randomness import Stream, stream
from nas_adapter.run import Run
from nas_adapter.spaces import SPACES, Architecture, Size
from nas_adapter.training import accuracy, cosine, initialised_by, prepare, progress_bar


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """How to train: Nesterov SGD with a cosine schedule, as in NAS-Bench-201."""

    space: str
    seed: int
    epochs: int
    batch_size: int
    channels: int
    cells: int
    rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4


def retrain(
    settings: RetrainSettings, architecture: Architecture, data: Images, run: Run, phase: str
) -> float:
    """Train the network of `architecture` from scratch and return its test accuracy, in [0, 1].

    The test images are looked at once, after the last epoch. Continues what `run` has of `phase`,
    a name for this training in the checkpoint and the metrics.
    """
    saved = run.phase(phase)
    if saved is not None and "test_accuracy" in saved:
        return float(saved["test_accuracy"])
    job = _Training(settings, architecture, data)
    if saved is not None:
        job.net.load_state_dict(saved["net"])
        job.optimizer.load_state_dict(saved["optimizer"])
        job.epoch = saved["epoch"]
    with progress_bar(phase, settings.epochs * job.per_epoch, job.epoch * job.per_epoch) as bar:
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
    test_accuracy = accuracy(data, data.test, lambda images: job.net(images, architecture))
    run.save(phase, {"test_accuracy": test_accuracy, "net": job.net.state_dict()})
    return test_accuracy


class _Training:
    """A training under way; `epoch` epochs are done."""

    def __init__(self, settings: RetrainSettings, architecture: Architecture, data: Images) -> None:
        self.settings, self.architecture, self.data = settings, architecture, data
        self.epoch = 0
        self.per_epoch = max(1, len(data.train) // settings.batch_size)
        size = Size(data.in_channels, len(data.classes), settings.channels, settings.cells)
        with initialised_by(stream(settings.seed, Stream.NETWORK)):
            net = SPACES[settings.space]().network(
                size, [[operation] for operation in architecture], search=False
            )
        self.net = net.to(data.train.labels.device)
        self.optimizer = torch.optim.SGD(
            net.parameters(),
            lr=settings.rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            nesterov=True,
        )

    def steps(self) -> Iterator[float]:
        """One epoch; yields the loss of every step."""
        settings = self.settings
        self.net.train()
        order = stream(settings.seed, Stream.BATCHES, self.epoch)
        for index, part in enumerate(shuffled(self.data.train, settings.batch_size, order)):
            done = self.epoch * self.per_epoch + index
            cosine(
                self.optimizer, done / (settings.epochs * self.per_epoch), settings.rate, low=0.0
            )
            batch = prepare(self.data, part, stream(settings.seed, Stream.AUGMENTATION, done))
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(
                self.net(batch.images, self.architecture), batch.labels
            )
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            yield loss.item()
        self.epoch += 1
