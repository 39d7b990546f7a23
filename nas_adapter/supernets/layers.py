"""Layers that several spaces of images are made of."""

from __future__ import annotations

from torch import nn


class Norm:
    """Batch normalisation, for a supernet or for a network of its own (see `Space.network`)."""

    def __init__(self, search: bool) -> None:
        self.own = not search

    def __call__(self, width: int) -> nn.BatchNorm2d:
        """For `width` channels."""
        return nn.BatchNorm2d(width, affine=self.own, track_running_stats=self.own)

    def after_pooling(self, pool: nn.Module, width: int) -> nn.Module:
        """DARTS: in a supernet pooling is normalised as the other operations are."""
        return pool if self.own else nn.Sequential(pool, self(width))


def conv_norm(narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """Convolution that keeps the size (but for the stride), then normalisation."""
    convolution = nn.Conv2d(narrow, wide, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, norm(wide))


def relu_conv_norm(
    narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1
) -> nn.Sequential:
    """`conv_norm` of the positive part."""
    return nn.Sequential(nn.ReLU(), *conv_norm(narrow, wide, kernel, norm, stride))
