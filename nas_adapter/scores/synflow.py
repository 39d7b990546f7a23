"""Synaptic flow: the weights' share in what a network passes on, without any data."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from nas_adapter.scores.modes import gradients_of, looked_at, norms, weights


def synflow(network: nn.Module, images: Tensor, labels: Tensor | None = None) -> float:
    """ln sum_w |w dR/dw|, R = the sum of the outputs for one input of ones, all weights |w|.

    In nats; larger is taken to be better; -inf where nothing gets from the input to the output.
    Batch normalisation is left out (it would cancel the flow), and everything is in float64, as R
    is a product over the layers. The sum is over the weights of convolutions and linear layers.

    Parameters
    ----------
    images : (n, channels, height, width)
        Only their shape counts.
    labels
        Not used.

    Source: Tanaka, Kunin, Yamins & Ganguli 2020, "Pruning neural networks without any data by
    iteratively conserving synaptic flow", Equation 2; batch normalisation left out as in
    Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS", Section 3.2.
    """
    linear = copy.deepcopy(network).double()
    for norm in norms(linear):
        norm.forward = nn.Identity().forward  # type: ignore[method-assign]
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.abs_()
    ones = torch.ones((1, *images.shape[1:]), dtype=torch.float64, device=images.device)
    with looked_at(linear), torch.enable_grad():
        flow = linear(ones).sum()
        used = weights(linear)
        shares = [
            float((weight.detach() * gradient).abs().sum())
            for weight, gradient in zip(used, gradients_of(flow, used), strict=True)
        ]
    total = sum(shares)
    return math.log(total) if total > 0 else -math.inf
