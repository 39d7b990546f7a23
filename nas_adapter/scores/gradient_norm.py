"""The size of the first gradient."""

from __future__ import annotations

import math

from torch import Tensor, nn

from nas_adapter.scores.modes import weight_gradients


def gradient_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """ln sum_l ||d CE / d w_l||_2 over the layers l, in nats; -inf where no weight has a gradient.

    CE is the mean cross-entropy of the batch, in nats. Which direction is good depends on the
    space: a larger norm goes with more weights that matter, and with gradients that explode. See
    `advice.total`, which tells the two apart.

    Parameters
    ----------
    images : (n, channels, height, width)
    labels : int (n,)

    Source: Abdelfattah, Mehrotra, Dudziak & Lane 2021, "Zero-Cost Proxies for Lightweight NAS",
    Section 3.2 ("grad_norm"), whose sum over layers this is the logarithm of.
    """
    total = sum(float(part.norm()) for part in weight_gradients(network, images, labels))
    return math.log(total) if total > 0 else -math.inf
