"""Retraining: discrete networks, trained from scratch on all training data."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from nas_adapter import ranks
from nas_adapter.errors import UserError, positive
from nas_adapter.progress import Progress
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.runs.averaging import Averaging
from nas_adapter.runs.notes import Notes
from nas_adapter.runs.training import fitting, read, together
from nas_adapter.spaces import Architecture, Size, Space
from nas_adapter.spaces.genotype import carries
from nas_adapter.stopping import held
from nas_adapter.supernets.layers import placed
from nas_adapter.supernets.precision import precise
from nas_adapter.supernets.steps import Graphs, cosine, descend
from nas_adapter.supernets.supernet import Supernet
from nas_adapter.supernets.synchronised import synchronised
from nas_adapter.tasks import Batch, Task
from nas_adapter.tasks.base import from_step, state_after


@dataclass(frozen=True, kw_only=True)
class RetrainSettings:
    """Settings of retraining; how the weights are trained is the space's `retrain_tuning`."""

    epochs: int = field(default=20, metadata={"option": "retrain_epochs"})
    """Passes over all training data while retraining."""
    channels: int | None = field(default=None, metadata={"option": "retrain_channels"})
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
    further: dict[str, float] | None = None
    """on the test data, see `Task.further`"""


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
    described: Mapping[str, Any] = field(default_factory=dict)
    """further settings that a network depends on: where they have changed, it is trained anew"""

    def train(self, architecture: Architecture, phase: str) -> Trained:
        """Train the network of `architecture`.

        The test data is used once, after the last epoch, and decides nothing. Where the space's
        `retrain_tuning` has a patience, the held-out data is not trained on, and the network that
        is tested is the best epoch's by it, see `Averaging`. Continues what `run` has of `phase`,
        the name of this training in the checkpoint and the metrics, if it was made in this way; a
        training that was finished in this way under another name is taken over.
        """
        way = self._way(architecture)
        saved = self.run.phase(phase)
        if saved is None or saved["way"] != way:
            if saved is not None and "trained" in saved:  # it may be asked for under another name
                self.run.phases[f"earlier {len(self.run.phases)}"] = saved
            saved = self._finished(way)
            if saved is not None:
                self.run.save(phase, saved)
        if saved is not None and "trained" in saved:
            return Trained(**saved["trained"])
        job = _Training(self, architecture, phase, way)
        if saved is not None:
            with fitting():
                job.load(saved)
        epochs, steps = self.settings.epochs, self.task.retrain_steps
        done = job.epoch * steps + job.step
        with held(), Progress(phase, epochs * steps, done, job.facts) as line:
            while job.epoch < epochs:
                job.train_epoch(line)
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
            further=task.further(job.net, task.test(), architecture),
        )
        self.run.save(
            phase, {"way": way, "trained": trained._asdict(), "net": job.net.state_dict()}
        )
        return trained

    def _way(self, architecture: Architecture) -> dict[str, Any]:
        """All that a training's outcome depends on, but for what is the same in a whole run."""
        return {
            "architecture": list(architecture),
            "epochs": self.settings.epochs,
            "seed": self.seed,
            "judged": self.judged,
            **dataclasses.asdict(self.size),
            **self.described,
        }

    def _finished(self, way: dict[str, Any]) -> dict[str, Any] | None:
        """The state of a training that was finished in this way."""
        for state in self.run.phases.values():
            if "trained" in state and state["way"] == way:
                return state
        return None

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
        job = _Training(self, architecture, "", {})
        steps = (loss for _ in range(self.settings.epochs) for loss in job.steps())
        try:
            losses = list(itertools.islice(read(steps, job.together), TRIED))
        except UserError:
            return False
        fifth = TRIED // 5
        return len(losses) < TRIED or sum(losses[-fifth:]) < sum(losses[:fifth])


class _Training:
    """A training under way: `epoch` epochs are done, and `step` steps of the next one."""

    def __init__(
        self, plan: Retraining, architecture: Architecture, phase: str, way: dict[str, Any]
    ) -> None:
        self.plan, self.task, self.architecture = plan, plan.task, architecture
        self.phase, self.way = phase, way
        self.tuning = plan.space.retrain_tuning
        self.epoch = self.step = 0
        self.state: Tensor | None = None  # after that step
        self.losses: list[float] = []  # of the epoch
        self.mean: float | None = None  # of those of the epoch before
        self.waiting: list[Tensor] = []  # not read yet
        self.seconds, self.since = 0.0, time.perf_counter()
        self.together = together(self.task.device)
        net = build(plan.space, architecture, plan.size, plan.seed)
        self.net = synchronised(placed(net, self.task.device), self.task.device)
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
        self.epoch, self.step, self.state = saved["epoch"], saved["step"], saved["state"]
        self.losses, self.seconds = saved["losses"], saved["seconds"]
        if self.averaging is not None:
            self.averaging.load_state_dict(saved["averaging"])

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs; what waits is read before."""
        self._read()
        return {
            "way": self.way,
            "epoch": self.epoch,
            "step": self.step,
            "state": ranks.gathered(self.state),
            "losses": self.losses,
            "seconds": self.seconds,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaging": None if self.averaging is None else self.averaging.state_dict(),
        }

    def facts(self) -> str:
        """What a person wants to know on the way: the epoch and its mean training loss."""
        epochs = self.plan.settings.epochs
        said = f"epoch {min(self.epoch + 1, epochs)} of {epochs}"
        mean = statistics.fmean(self.losses) if self.losses else self.mean
        return said if mean is None else f"{said}, training loss {mean:.3f}"

    def train_epoch(self, line: Progress) -> None:
        """Run the rest of an epoch, log it, and write a checkpoint."""
        run, start = self.plan.run, time.perf_counter()
        self.since = start
        for loss in self.steps():
            self.waiting.append(loss)
            line.update()
            if len(self.waiting) == self.together:
                self._read()
            run.pause(self.phase, self.state_dict)
        self._read()
        self.mean, self.losses = statistics.fmean(self.losses), []
        run.log(
            self.phase,
            epoch=self.epoch,
            train_loss=self.mean,
            **self.validate(),
            seconds=time.perf_counter() - start,
        )
        self.since = time.perf_counter()
        run.save(self.phase, self.state_dict())

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

    def steps(self) -> Iterator[Tensor]:
        """Run the rest of an epoch; yields the loss of every step."""
        epochs, tuning, total = self.plan.settings.epochs, self.tuning, self.task.retrain_steps
        self.net.train()
        if self.task.drop_path > 0:
            self.net.set_drop_path(self.task.drop_path * self.epoch / epochs)
            self.graphs.reset()
        batches = ((batch,) for batch in self.task.retrain_batches(self.epoch))
        for (batch,) in from_step(batches, self.step, [self.state]):
            done = self.epoch * total + self.step
            progress = done / (epochs * total)
            cosine(self.optimizer, progress, tuning.rate, tuning.lowest_rate)
            with seeded_by(
                stream(self.plan.seed, Stream.NOISE, ranks.count() * done + ranks.rank())
            ):
                (loss,) = self.graphs.run("a retraining's step", self._descend, batch)
            if self.averaging is not None:
                self.averaging.step()
            self.step, self.state = self.step + 1, state_after(batch)
            yield loss
        self.epoch, self.step, self.state = self.epoch + 1, 0, None

    def _read(self) -> None:
        """The losses that wait for it, and the time until now."""
        self.losses += read(self.waiting, self.together)
        self.waiting.clear()
        now = time.perf_counter()
        self.seconds, self.since = self.seconds + now - self.since, now

    def _descend(self, batch: Batch) -> tuple[Tensor]:
        def loss() -> Tensor:
            with precise(self.task.device):
                return self.task.loss(self.net, batch, self.architecture)

        return (descend(self.optimizer, self.tuning.clip, loss),)
