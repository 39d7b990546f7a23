"""Depthwise convolution with fast gradients on a CPU.

oneDNN has no fast kernels for some gradients of depthwise convolutions: without them they take 10
to 20 times as long as the convolution. What is missing follows from what is there.

- The gradient in x, with dilation: the convolution of the output's gradient with the kernel turned
  by 180 degrees.
- The gradient in a kernel with dilation d: that without dilation over d^2 images, each of every
  d-th row and column.
- The gradient in a kernel wider than 3: those in three of its columns at a time, over the image
  shifted by as much.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDE = 3
"""Columns of a kernel up to which its gradient is fast."""


class Depthwise(nn.Conv2d):
    """`depthwise` of `width` channels."""

    def __init__(self, width: int, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(width, width, kernel, stride, padding, dilation, groups=width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same shape, or every `stride`-th row and column of it."""
        return depthwise(x, self.weight, self.stride[0], self.dilation[0])


def depthwise(x: Tensor, kernel: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    """Every channel of x (N, C, H, W) convolved with its own kernel in `kernel` (C, 1, k, k).

    k is odd, and the image is padded with zeros: the output keeps its height and width, or every
    `stride`-th row and column of it.
    """
    if stride == dilation > 1:
        return depthwise(x[..., ::stride, ::stride], kernel)
    slow = x.device.type == "cpu" and (dilation > 1 or kernel.shape[-1] > WIDE)
    if slow and 1 in (stride, dilation) and not torch.is_autocast_enabled("cpu"):
        return _Depthwise.apply(x, kernel, stride, dilation)  # type: ignore[no-any-return]
    return _convolved(x, kernel, stride, dilation)


def _convolved(x: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    padding = dilation * (kernel.shape[-1] // 2)
    return functional.conv2d(x, kernel, None, stride, padding, dilation, len(kernel))


class _Depthwise(torch.autograd.Function):
    """With stride or dilation 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.stride, ctx.dilation = stride, dilation
        return _convolved(x, kernel, stride, dilation)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, kernel = ctx.saved_tensors
        in_x = in_kernel = None
        if ctx.needs_input_grad[0]:
            if ctx.dilation > 1:
                in_x = depthwise(gradient, kernel.flip(2, 3), 1, ctx.dilation)
            else:
                padding = [kernel.shape[-1] // 2] * 2
                wanted = [True, False, False]
                in_x = _backward(gradient, x, kernel, ctx.stride, padding, wanted)[0]
        if ctx.needs_input_grad[1]:
            images = gradient, x
            if ctx.dilation > 1:
                images = _phases(gradient, ctx.dilation), _phases(x, ctx.dilation)
            in_kernel = _in_kernel(*images, kernel, ctx.stride)
        return in_x, in_kernel, None, None


def _in_kernel(gradient: Tensor, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Gradient in a kernel without dilation, from that in the output."""
    middle, width = kernel.shape[-1] // 2, x.shape[-1]
    parts: list[Tensor] = []
    padded = functional.pad(x, (middle, middle))
    for columns in torch.split(kernel, WIDE, -1):
        start, count = sum(part.shape[-1] for part in parts), columns.shape[-1]
        reached = padded[..., start : start + width + count - 1]
        found = _backward(gradient, reached, columns, stride, [middle, 0], [False, True, False])
        parts.append(found[1])
    return torch.cat(parts, -1)


def _backward(
    gradient: Tensor,
    x: Tensor,
    kernel: Tensor,
    stride: int,
    padding: list[int],
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of an undilated convolution in x and in its kernel, as far as they are wanted."""
    return torch.ops.aten.convolution_backward(  # type: ignore[no-any-return]
        gradient, x, kernel, None, [stride] * 2, padding, [1, 1], False, [0, 0], len(kernel), wanted
    )


def _phases(x: Tensor, step: int) -> Tensor:
    """The images (step^2 N, C, H', W') of every `step`-th row and column, padded with zeros."""
    height, width = x.shape[-2:]
    if height % step or width % step:
        x = functional.pad(x, (0, -width % step, 0, -height % step))
    return torch.cat([x[..., i::step, j::step] for i in range(step) for j in range(step)])
