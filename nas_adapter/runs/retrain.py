"""Retraining: discrete networks, trained from scratch on all training data."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import tyro
from torch import Tensor

from nas_adapter.errors import UserError, positive
from nas_adapter.progress import progress_bar
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.runs.averaging import Averaging
from nas_adapter.runs.run import Notes
from nas_adapter.runs.training import read, together
from nas_adapter.spaces import Architecture, Size, Space
from nas_adapter.spaces.genotype import carries
from nas_adapter.supernets.layers import placed
from nas_adapter.supernets.precision import precise
from nas_adapter.supernets.steps import Graphs, cosine, descend
from nas_adapter.supernets.supernet import Supernet
from nas_adapter.tasks import Batch, Task


@dataclass(frozen=True, kw_only=True)
class RetrainSettings:
    """Settings of retraining; how the weights are trained is the space's `retrain_tuning`."""

    epochs: Annotated[int, tyro.conf.arg(name="retrain-epochs")] = 20
    """Passes over all training data while retraining."""
    channels: Annotated[int | None, tyro.conf.arg(name="retrain-channels")] = None
    """C of the retrained networks. Default: as in the search."""

    def __post_init__(self) -> None:
        positive(retrain_epochs=self.epochs, retrain_channels=self.channels)


TRIED = 50
"""Steps after which a loss must have fallen, see `Retraining.learns`."""


def build(space: Space, architecture: Architecture, size: Size, seed: int) -> Supernet:
    """The discrete network of `architecture`, untrained."""
    with seeded_by(stream(seed, Stream.NETWORK)):
        return space.network(size, [[operation] for operation in architecture], search=False)


class Trained(NamedTuple):
    """What a retrained network is worth. Losses are cross-entropies of examples, in nats."""

    metric: float
    """on the test data"""
    loss: float
    """mean on the test data"""
    judged: Tensor | None
    """float64 (n,): of every example of `Task.judges`; None where none were set aside"""
    seconds: float


@dataclass(frozen=True, slots=True)
class Retraining:
    """Trains discrete networks of one size from scratch, all in the same way."""

    settings: RetrainSettings
    size: Size
    space: Space
    task: Task
    run: Notes
    seed: int
    judged: bool = False
    """whether examples were set aside, see `Task.with_judges`"""

    def train(self, architecture: Architecture, phase: str) -> Trained:
        """Train the network of `architecture`.

        The test data is used once, after the last epoch, and decides nothing. Where the space's
        `retrain_tuning` has a patience, the held-out data is not trained on, and the network that
        is tested is the best epoch's by it, see `Averaging`. Continues what `run` has of `phase`,
        the name of this training in the checkpoint and the metrics.
        """
        saved = self.run.phase(phase)
        if saved is not None and "trained" in saved:
            return Trained(**saved["trained"])
        job = _Training(self, architecture)
        if saved is not None:
            job.load(saved)
        epochs, steps = self.settings.epochs, self.task.retrain_steps
        with progress_bar(phase, epochs * steps, job.epoch * steps) as bar:
            while job.epoch < epochs:
                start, losses = time.perf_counter(), []
                for loss in job.losses():
                    losses.append(loss)
                    bar.update()
                job.seconds += time.perf_counter() - start
                self.run.log(
                    phase,
                    epoch=job.epoch,
                    train_loss=sum(losses) / len(losses),
                    **job.validate(),
                    seconds=time.perf_counter() - start,
                )
                self.run.save(phase, job.state_dict())
        if job.averaging is not None:
            job.averaging.take_best()
        job.net.eval()
        task = self.task
        tested = task.losses(job.net, task.test(), architecture)
        trained = Trained(
            metric=task.measure(job.net, task.test(), architecture),
            loss=float(tested.mean()),
            judged=task.losses(job.net, task.judges(), architecture) if self.judged else None,
            seconds=job.seconds,
        )
        self.run.save(phase, {"trained": trained._asdict(), "net": job.net.state_dict()})
        return trained

    def network(self, architecture: Architecture, phase: str) -> Supernet:
        """The network that `train` has trained under this name."""
        net = build(self.space, architecture, self.size, self.seed)
        net.load_state_dict((self.run.phase(phase) or {})["net"])
        return net

    def learns(self, architecture: Architecture) -> bool:
        """Whether the loss falls in the first `TRIED` steps: a cell that is broken does not learn.

        No more than a veto: how fast a loss falls does not say how good a network gets. So a
        training that is shorter than that is let through unless it diverges. A cell without a path
        from its inputs to its output learns nothing but the classes' shares, so it is broken.
        """
        if not carries(self.space, architecture):
            return False
        job = _Training(self, architecture)
        steps = (loss for _ in range(self.settings.epochs) for loss in job.losses())
        try:
            losses = list(itertools.islice(steps, TRIED))
        except UserError:
            return False
        fifth = TRIED // 5
        return len(losses) < TRIED or sum(losses[-fifth:]) < sum(losses[:fifth])


class _Training:
    """A training under way; `epoch` epochs are done."""

    def __init__(self, plan: Retraining, architecture: Architecture) -> None:
        self.plan, self.task, self.architecture = plan, plan.task, architecture
        self.tuning = plan.space.retrain_tuning
        self.epoch, self.seconds = 0, 0.0
        net = build(plan.space, architecture, plan.size, plan.seed)
        self.net = placed(net, self.task.device)
        self.optimizer = self.tuning.optimizer(net)
        self.graphs = Graphs()
        self.averaging = None
        if self.tuning.patience is not None:
            better = self.task.higher_is_better
            self.averaging = Averaging(net, self.tuning.patience, higher_is_better=better)

    def load(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.epoch, self.seconds = saved["epoch"], saved["seconds"]
        if self.averaging is not None:
            self.averaging.load_state_dict(saved["averaging"])

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs."""
        return {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaging": None if self.averaging is None else self.averaging.state_dict(),
        }

    def validate(self) -> dict[str, Any]:
        """Metrics of the validation data after an epoch; none where no averaging needs them."""
        if self.averaging is None:
            return {}
        averaged = self.averaging.started
        self.net.eval()
        value = self.averaging.epoch(
            lambda net: self.task.measure(net, self.task.held_out(), self.architecture)
        )
        return {f"valid_{self.task.metric}": value, "averaged": averaged}

    def losses(self) -> Iterator[float]:
        """Run one epoch; yields the loss of every step."""
        return read(self._steps(), together(self.task.device))

    def _steps(self) -> Iterator[Tensor]:
        epochs, tuning, total = self.plan.settings.epochs, self.tuning, self.task.retrain_steps
        self.net.train()
        if self.task.drop_path > 0:
            self.net.set_drop_path(self.task.drop_path * self.epoch / epochs)
            self.graphs.reset()
        for index, batch in enumerate(self.task.retrain_batches(self.epoch)):
            done = self.epoch * total + index
            progress = done / (epochs * total)
            cosine(self.optimizer, progress, tuning.rate, tuning.lowest_rate)
            with seeded_by(stream(self.plan.seed, Stream.NOISE, done)):
                (loss,) = self.graphs.run("a retraining's step", self._descend, batch)
            if self.averaging is not None:
                self.averaging.step()
            yield loss
        self.epoch += 1

    def _descend(self, batch: Batch) -> tuple[Tensor]:
        def loss() -> Tensor:
            with precise(self.task.device):
                return self.task.loss(self.net, batch, self.architecture)

        return (descend(self.optimizer, self.tuning.clip, loss),)
