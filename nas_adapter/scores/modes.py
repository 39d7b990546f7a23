"""How a network is looked at: which layers count, and in which mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Linear)


def weights(network: nn.Module) -> list[Tensor]:
    """Weights of all convolutions and linear layers; biases and normalisation do not count."""
    return [module.weight for module in network.modules() if isinstance(module, WEIGHTED)]


def norms(network: nn.Module) -> list[_BatchNorm]:
    """The layers of batch normalisation."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


@contextmanager
def looked_at(network: nn.Module) -> Iterator[None]:
    """Batch normalisation by the batch at hand, everything else as in evaluation.

    An untrained network has no statistics of its own. Running ones are neither used nor moved, and
    all modes are put back afterwards.
    """
    modes = [(module, module.training) for module in network.modules()]
    tracked = [(norm, norm.track_running_stats) for norm in norms(network)]
    network.eval()
    for norm, _ in tracked:
        norm.train()
        norm.track_running_stats = False
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for norm, tracks in tracked:
            norm.track_running_stats = tracks


def weight_gradients(network: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """d mean cross-entropy / d w of every weight; 0 where the output does not depend on it."""
    with looked_at(network), torch.enable_grad():
        loss = nn.functional.cross_entropy(network(images), labels)
        return gradients_of(loss, weights(network))


def gradients_of(value: Tensor, parameters: list[Tensor], *, again: bool = False) -> list[Tensor]:
    """d value / d parameter of each, 0 where there is no way; `again`: the graph is kept."""
    if not value.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    return list(
        torch.autograd.grad(
            value, parameters, retain_graph=again, allow_unused=True, materialize_grads=True
        )
    )
