"""The learning-rate schedule of search and retraining."""

from __future__ import annotations

import math

import torch


def cosine(optimizer: torch.optim.Optimizer, progress: float, high: float, low: float) -> None:
    """Set the learning rate to the cosine schedule's value at `progress` in [0, 1]."""
    rate = low + (high - low) * (1 + math.cos(math.pi * progress)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate
