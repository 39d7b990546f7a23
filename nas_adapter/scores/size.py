"""Size: the trivial scores that every other one has to beat."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nas_adapter.scores.modes import looked_at


def parameters(
    network: nn.Module, images: Tensor | None = None, labels: Tensor | None = None
) -> float:
    """Number of parameters that are trained; for any network and task."""
    return float(sum(part.numel() for part in network.parameters() if part.requires_grad))


@torch.no_grad()
def flops(network: nn.Module, images: Tensor, labels: Tensor | None = None) -> float:
    """Floating point operations for one image: 2 a multiply-add, of products and convolutions only.

    Parameters
    ----------
    images : (n, channels, height, width)
        The first two, as batch normalisation needs more than one value; the count is halved.

    Source: `torch.utils.flop_counter`.
    """
    counter = FlopCounterMode(display=False)
    with looked_at(network), counter:
        network(images[:2])
    return counter.get_total_flops() / 2
