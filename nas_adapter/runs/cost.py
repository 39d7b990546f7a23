"""What a network costs, as papers give it: parameters and multiply-adds."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from nas_adapter.advice.largest import count_parameters
from nas_adapter.runs.retrain import Retraining, build
from nas_adapter.spaces import Architecture

EXAMPLES = {"images": "image", "text": "token"}
"""What an example of a task is."""


def cost(retraining: Retraining, architecture: Architecture) -> dict[str, Any]:
    """Entries of result.json on the retrained network of an architecture.

    "parameters", and "multiply_adds" of one forward pass for one example (an image; of a text, a
    token): what papers on architectures call FLOPs. Convolutions and matrix products count; sums,
    pooling, normalisation and activations do not.
    """
    return {
        "parameters": count_parameters(retraining.space, retraining.size, architecture),
        "multiply_adds": multiply_adds(retraining, architecture),
    }


def multiply_adds(retraining: Retraining, architecture: Architecture) -> float:
    """Multiply-adds of a forward pass for one example, see `cost`."""
    task = retraining.task
    net = build(retraining.space, architecture, retraining.size, seed=0).to(task.device).eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        losses = task.losses(net, itertools.islice(task.held_out(), 1), architecture)
    return counter.get_total_flops() / 2 / len(losses)
