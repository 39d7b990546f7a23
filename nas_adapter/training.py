"""What search and retraining share: the schedule, the progress bar, counting right answers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from nas_adapter.data import Batch, Images, Split, in_order

EVALUATION_BATCH = 512


@contextmanager
def initialised_by(generator: torch.Generator) -> Iterator[None]:
    """Modules built inside draw their parameters from this generator's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        yield


def cosine(optimizer: torch.optim.Optimizer, progress: float, high: float, low: float) -> None:
    """Set the rate to the cosine schedule's at `progress` in [0, 1]."""
    rate = low + (high - low) * (1 + math.cos(math.pi * progress)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate


def progress_bar(label: str, total: int, done: int) -> tqdm[Any]:
    """A bar with the time left; one line every ten seconds where nobody watches."""
    watched = sys.stderr.isatty()
    return tqdm(
        desc=label, total=total, initial=done, unit="step", mininterval=0.2 if watched else 10
    )


def prepare(data: Images, split: Split, generator: torch.Generator | None = None) -> Batch:
    """Normalised images and labels; augmented if a generator is given."""
    images = split.images if generator is None else data.augment(split.images, generator)
    return Batch(data.normalise(images), split.labels)


@torch.no_grad()
def accuracy(data: Images, split: Split, logits: Callable[[Tensor], Tensor]) -> float:
    """Share of `split` that `logits` classifies rightly, in [0, 1]."""
    right = 0
    for part in in_order(split, EVALUATION_BATCH):
        batch = prepare(data, part)
        right += int((logits(batch.images).argmax(-1) == batch.labels).sum())
    return right / len(split)
