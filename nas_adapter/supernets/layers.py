"""Layers that several image spaces share."""

from __future__ import annotations

from torch import nn


class Norm:
    """Batch normalisation of a supernet, or of a discrete network (see `Space.network`)."""

    def __init__(self, search: bool) -> None:
        self.discrete = not search

    def __call__(self, width: int) -> nn.BatchNorm2d:
        """The layer for `width` channels."""
        return nn.BatchNorm2d(width, affine=self.discrete, track_running_stats=self.discrete)

    def after_pooling(self, pool: nn.Module, width: int) -> nn.Module:
        """The pooling layer; in a supernet with normalisation, as in DARTS."""
        return pool if self.discrete else nn.Sequential(pool, self(width))


def conv_norm(narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1) -> nn.Sequential:
    """Convolution that keeps height and width (at stride 1), then normalisation."""
    convolution = nn.Conv2d(narrow, wide, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, norm(wide))


def relu_conv_norm(
    narrow: int, wide: int, kernel: int, norm: Norm, stride: int = 1
) -> nn.Sequential:
    """ReLU, then `conv_norm`."""
    return nn.Sequential(nn.ReLU(), *conv_norm(narrow, wide, kernel, norm, stride))
