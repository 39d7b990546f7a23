"""Layers that several image spaces share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from nas_adapter.supernets.depthwise import depthwise
from nas_adapter.supernets.fan import Source


class Norm:
    """Batch normalisation of a supernet, or of a discrete network (see `Space.network`)."""

    def __init__(self, search: bool) -> None:
        self.discrete = not search

    def __call__(self, width: int) -> nn.BatchNorm2d:
        """The layer for `width` channels."""
        return nn.BatchNorm2d(width, affine=self.discrete, track_running_stats=self.discrete)

    def after_pooling(self, pool: nn.Module, width: int) -> nn.Module:
        """The pooling layer; in a supernet with normalisation, as in DARTS."""
        return pool if self.discrete else Pooling(pool, self(width))


class Skip(nn.Identity):
    """The identity."""

    kind = "skip"


class AveragePool(nn.AvgPool2d):
    """Mean over the pixels of 3x3 that are in the image."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__(3, stride, padding=1, count_include_pad=False)
        self.kind = ("average", stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape, or every `stride`-th row and column of it."""
        if x.device.type != "cpu" or self.stride != 1:
            return super().forward(x)
        # A depthwise convolution takes a third of the time of PyTorch's pooling.
        sums = depthwise(x, x.new_ones(x.shape[1], 1, 3, 3))
        counts = depthwise(x.new_ones(1, 1, *x.shape[2:]), x.new_ones(1, 1, 3, 3))
        return sums / counts


class MaxPool(nn.MaxPool2d):
    """Largest of 3x3 pixels."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__(3, stride, padding=1)
        self.kind = ("max", stride)


class Pooling(nn.Sequential):
    """Pooling, then normalisation without parameters."""

    @property
    def kind(self) -> Hashable:
        """That of the pooling."""
        pool, norm = self
        return (pool.kind, "norm") if bare(norm) else None


Network = TypeVar("Network", bound=nn.Module)
FORMATS = {"cpu": torch.channels_last, "cuda": torch.channels_last}
"""The order of images in memory in which networks are fastest, by device: the channels of a pixel
side by side, or the pixels of a channel."""


def in_order(x: Tensor) -> Tensor:
    """Images (N, C, H, W) in the order of `FORMATS`; the operations keep it."""
    return x.contiguous(memory_format=FORMATS.get(x.device.type, torch.contiguous_format))


def placed(network: Network, device: torch.device) -> Network:
    """The network moved to `device`; on CUDA with kernels in the order of images."""
    if device.type == "cuda":
        return network.to(device=device, memory_format=FORMATS["cuda"])  # type: ignore[call-overload, no-any-return]
    return network.to(device)


def bare(norm: nn.Module, relu: nn.Module | None = None) -> bool:
    """Whether `norm` has nothing of its own, as in a supernet, and nobody put another layer here.

    Then x normalised is `scaled_norm(x)`; and `relu`, if given, is max(x, 0).
    """
    batch = type(norm) is nn.BatchNorm2d and not (norm.affine or norm.track_running_stats)
    return batch and (relu is None or type(relu) is nn.ReLU)


def scaled_norm(x: Tensor, scale: Tensor | None = None) -> Tensor:
    """`scale` (C,) times x (N, C, H, W) normalised by its batch, as a supernet's layers do.

    The scale takes the place of the layer's weight: its gradient costs nothing extra.
    """
    return functional.batch_norm(x, None, None, scale, training=True)


def kernels(modules: Sequence[nn.Conv2d]) -> Tensor:
    """The kernels of convolutions, one after another along the outputs."""
    return torch.cat([module.weight for module in modules])


def conv_norm(narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """Convolution that keeps height and width (at stride 1), then normalisation."""
    convolution = nn.Conv2d(narrow, wide, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, norm(wide))


class _ReluConvNorm(nn.Sequential):
    """ReLU, then `conv_norm`."""

    def __init__(self, narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1) -> None:
        super().__init__(nn.ReLU(), *conv_norm(narrow, wide, kernel, norm, stride))

    @property
    def kind(self) -> Hashable:
        """Size and stride of the kernel."""
        relu, convolution, norm = self
        return ("conv", convolution.kernel_size, convolution.stride) if bare(norm, relu) else None

    @staticmethod
    def together(modules: Sequence[Any], source: Source, scale: Tensor) -> Tensor:
        """See `fan`."""
        convolutions = [module[1] for module in modules]
        stride, padding = convolutions[0].stride, convolutions[0].padding
        out = functional.conv2d(source.relu, kernels(convolutions), None, stride, padding)
        return scaled_norm(out, scale)


def relu_conv_norm(
    narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1
) -> nn.Sequential:
    """ReLU, then `conv_norm`; the edges that leave a node are computed together, see `fan`."""
    return _ReluConvNorm(narrow, wide, kernel, norm, stride)
