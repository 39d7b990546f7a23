"""The search loop: data, steps, checkpoints, progress. What happens in a step is the method's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm

from nas_adapter.data import Images, Split, in_order, shuffled
from nas_adapter.randomness import Stream, stream
from nas_adapter.run import Run
from nas_adapter.spaces import SPACES, Architecture, Size
from nas_adapter.strategies import METHODS, Setting
from nas_adapter.training import (
    EVALUATION_BATCH,
    accuracy,
    cosine,
    initialised_by,
    prepare,
    progress_bar,
)

PHASE = "search"
PICTURED = 500
"""Steps, evenly spread, whose probabilities are written to the metrics."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How to search. Rates of the weights as in DARTS (Liu et al. 2019, Appendix A.1)."""

    space: str
    method: str
    seed: int
    epochs: int
    batch_size: int
    channels: int
    cells: int
    reward_bound: float
    wipeout: bool
    candidates: int
    rate: float = 0.025
    lowest_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4


def search(settings: SearchSettings, data: Images, run: Run) -> tuple[Architecture, dict[str, Any]]:
    """Search, or continue the search of `run`.

    Half of the training images trains the weights, the other half drives the architecture; an
    epoch is one pass over both, side by side. Every random choice comes from a stream named by
    seed, purpose and place, so a search that is killed and resumed takes the very steps of one
    that was not.

    Returns
    -------
    The architecture found, and what goes into result.json.
    """
    saved = run.phase(PHASE)
    if saved is None or "found" not in saved:
        job = _Search(settings, data, run)
        if saved is not None:
            job.load(saved)
        with progress_bar(f"search ({settings.method})", job.total, len(job.seconds)) as bar:
            for epoch in range(job.epoch, settings.epochs):
                job.play(epoch, bar)
        saved = job.finish()
    return tuple(saved["found"]), saved["report"]


class _Search:
    """A search under way."""

    def __init__(self, settings: SearchSettings, data: Images, run: Run) -> None:
        self.settings, self.data, self.run = settings, data, run
        self.halves = data.halves(settings.seed)
        self.total = settings.epochs * (len(self.halves[0]) // settings.batch_size)
        self.epoch = 0
        self.seconds: list[float] = []
        space = SPACES[settings.space]()
        size = Size(data.in_channels, len(data.classes), settings.channels, settings.cells)
        every_operation = [range(len(space.operations))] * len(space.edges)
        with initialised_by(stream(settings.seed, Stream.NETWORK)):
            net = space.network(size, every_operation, search=True)
        self.net = net.to(data.train.labels.device)
        self.optimizer = torch.optim.SGD(
            net.parameters(),
            lr=settings.rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self.strategy = METHODS[settings.method](
            Setting(
                space=space,
                net=net,
                optimizer=self.optimizer,
                steps=self.total,
                seed=settings.seed,
                reward_bound=settings.reward_bound,
                wipeout=settings.wipeout,
                candidates=settings.candidates,
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
        settings, data = self.settings, self.data
        for train, valid in self._pairs(epoch):
            done = len(self.seconds)
            start = time.perf_counter()
            cosine(self.optimizer, done / self.total, settings.rate, settings.lowest_rate)
            generator = stream(settings.seed, Stream.AUGMENTATION, done)
            step = self.strategy.step(prepare(data, train, generator), prepare(data, valid))
            self.seconds.append(time.perf_counter() - start)
            self._log(epoch, step.train_loss, step.details)
            bar.update()
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
        data, held_out = self.data, self.halves[1]
        batches = (prepare(data, part) for part in in_order(held_out, EVALUATION_BATCH))
        found, weights = self.strategy.finish(batches)
        details = self.strategy.report()
        report = {
            "steps": self.total,
            "search_seconds": sum(self.seconds),
            **_speed(self.seconds, details.get("wiped_out", [])),
            "valid_accuracy": accuracy(data, held_out, lambda x: self.net(x, weights)),
            **details,
        }
        done = {"found": found, "report": report, "net": self.net.state_dict()}
        self.run.save(PHASE, done)
        return done

    def _pairs(self, epoch: int) -> Iterator[tuple[Split, Split]]:
        """Batches for the weights and for the architecture, until the first half is used up."""
        seed, size = self.settings.seed, self.settings.batch_size
        return zip(
            shuffled(self.halves[0], size, stream(seed, Stream.BATCHES, epoch)),
            shuffled(self.halves[1], size, stream(seed, Stream.VALIDATION, epoch)),
            strict=False,
        )

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
