"""Parts of a training loop for search and retraining: learning-rate schedule, progress bar."""

from __future__ import annotations

import math
import sys
from typing import Any

import torch
from tqdm import tqdm


def cosine(optimizer: torch.optim.Optimizer, progress: float, high: float, low: float) -> None:
    """Set the learning rate to the cosine schedule's value at `progress` in [0, 1]."""
    rate = low + (high - low) * (1 + math.cos(math.pi * progress)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate


def progress_bar(label: str, total: int, done: int) -> tqdm[Any]:
    """A progress bar with the time left; updated every ten seconds if not at a terminal."""
    watched = sys.stderr.isatty()
    return tqdm(
        desc=label, total=total, initial=done, unit="step", mininterval=0.2 if watched else 10
    )
