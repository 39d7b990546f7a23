"""What search and retraining share: seeding, the schedule, the progress bar."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from tqdm import tqdm

from nas_adapter.errors import UserError


@contextmanager
def seeded_by(generator: torch.Generator) -> Iterator[None]:
    """What is drawn from torch's global generator inside (parameters, dropout) follows this one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        yield


def cosine(optimizer: torch.optim.Optimizer, progress: float, high: float, low: float) -> None:
    """Set the rate to the cosine schedule's at `progress` in [0, 1]."""
    rate = low + (high - low) * (1 + math.cos(math.pi * progress)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate


def finite(loss: float, which: str, what: str = "search") -> float:
    """The loss, or `UserError` where a search or a retraining has diverged."""
    if not math.isfinite(loss):
        raise UserError(
            f"the {which} loss became {loss}: the {what} has diverged; the last checkpoint is kept"
        )
    return loss


def progress_bar(label: str, total: int, done: int) -> tqdm[Any]:
    """A bar with the time left; one line every ten seconds where nobody watches."""
    watched = sys.stderr.isatty()
    return tqdm(
        desc=label, total=total, initial=done, unit="step", mininterval=0.2 if watched else 10
    )
