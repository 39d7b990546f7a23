"""The neural tangent kernel's condition number: can all images be learnt at one rate?"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nas_adapter.scores.modes import gradients_of, looked_at, weights


def ntk_condition(
    network: nn.Module, images: Tensor, labels: Tensor | None = None, *, most: int = 16
) -> float:
    """ln(lambda_max / lambda_min) of Theta = J J^T, in nats; smaller is taken to be better.

    Row i of J is the gradient of the sum of image i's logits in all weights. inf where the kernel
    is singular to float64's precision.

    Parameters
    ----------
    images : (n, channels, height, width)
        The first `most` of them: time and memory grow with their number times that of the weights.
    labels
        Not used.

    Source: Chen, Gong & Wang 2021, "Neural Architecture Search on ImageNet in Four GPU Hours: A
    Theoretically Inspired Perspective" (TE-NAS), Section 3.1.1.
    """
    counted = weights(network)
    with looked_at(network), torch.enable_grad():
        outputs = network(images[:most]).sum(dim=1)
        rows = [
            torch.cat([part.flatten() for part in gradients_of(output, counted, again=True)])
            for output in outputs
        ]
    jacobian = torch.stack(rows).double()
    values = torch.linalg.eigvalsh(jacobian @ jacobian.T)
    smallest, largest = float(values[0]), float(values[-1])
    if not smallest > len(values) * torch.finfo(torch.float64).eps * largest:
        return math.inf
    return math.log(largest / smallest)
