"""ZiCo: gradients that are large for every part of a batch, and alike."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nas_adapter.scores.modes import weight_gradients

PARTS = 2
"""Batches whose gradients are compared, as in the paper."""


def zico(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """sum_l ln sum_{w in l} E|g_w| / sd(|g_w|), in nats; larger is taken to be better.

    Mean and standard deviation (of the population) are over the `PARTS` equal parts of the batch,
    g_w = d mean cross-entropy / d w. Weights whose deviation is 0 are left out, and layers of which
    nothing is left.

    Parameters
    ----------
    images : (n, channels, height, width)
        At least 4.
    labels : int (n,)

    Source: Li, Yang, Bhardwaj & Marculescu 2023, "ZiCo: Zero-shot NAS via Inverse Coefficient of
    Variation on Gradients", Equation 15.
    """
    if len(images) < 2 * PARTS:
        raise ValueError(f"images must be at least {2 * PARTS}, got {len(images)}")
    parts = [
        weight_gradients(network, *part)
        for part in zip(images.chunk(PARTS), labels.chunk(PARTS), strict=True)
    ]
    total = 0.0
    for layer in zip(*parts, strict=True):
        sizes = torch.stack([gradient.abs().double() for gradient in layer])
        deviation = sizes.std(dim=0, correction=0)
        moved = deviation > 0
        ratio = float((sizes.mean(dim=0)[moved] / deviation[moved]).sum())
        total += math.log(ratio) if ratio > 0 else 0.0
    return total
