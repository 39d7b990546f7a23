"""Batch normalisation by the whole batch, of which every process has a part."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from nas_adapter import ranks

Network = TypeVar("Network", bound=nn.Module)


class _Total(torch.autograd.Function):
    """Sum over all processes; so is the gradient, as each process's loss depends on all parts."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        return ranks.total(values)

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        return _Total.apply(gradients[0])  # type: ignore[no-any-return]


class SynchronisedNorm(_BatchNorm):
    """As `nn.BatchNorm2d`, on any device; PyTorch's `SyncBatchNorm` knows CUDA alone."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to the same shape; with this process's part of the batch, as large as all."""
        if not (self.training or self.running_mean is None):
            return super().forward(x)
        axes = [0, *range(2, x.ndim)]
        number = ranks.count() * x.numel() // x.shape[1]
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = _sum(wide, axes) / number
        centred = wide - mean
        variance = _sum(centred.square(), axes) / number
        if self.running_mean is not None:
            self._remember(mean, variance * (number / (number - 1)))
        out = centred * (variance + self.eps).rsqrt()
        if self.affine:
            shape = [-1, *[1] * (x.ndim - 2)]
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.flatten().to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.flatten().to(self.running_var.dtype), self.momentum)

    def _check_input_dim(self, _x: Tensor) -> None:
        """Any number of dimensions."""


def _sum(x: Tensor, axes: list[int]) -> Tensor:
    return _Total.apply(x.sum(axes, keepdim=True))  # type: ignore[no-any-return]


def synchronised(network: Network, device: torch.device) -> Network:
    """The network, whose normalisations are by the parts of all processes where there are several.

    Parameters and buffers keep their names.
    """
    if ranks.count() == 1:
        return network
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-any-return, no-untyped-call]
    for parent in list(network.modules()):
        for name, norm in parent.named_children():
            if isinstance(norm, _BatchNorm):
                setattr(parent, name, _like(norm))
    return network


def _like(norm: _BatchNorm) -> SynchronisedNorm:
    """The same normalisation, with the same parameters and buffers, synchronised."""
    fresh = SynchronisedNorm(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    fresh._parameters, fresh._buffers = norm._parameters, norm._buffers
    return fresh.train(norm.training)
