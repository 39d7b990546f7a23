"""Decoder and loss of a language model, a block of tokens at a time.

The logits of all tokens, their softmax and its gradient are tensors (tokens, vocabulary), larger
than all else in a language model. A block's are in the cache when they are needed, and gone
afterwards; so the gradients are taken along with the loss.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

ENTRIES = {"cpu": 2**21, "cuda": 2**27}
"""Logits in a block, by device: as many as caches hold; where launches cost more, many."""


def mean_cross_entropy(x: Tensor, table: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Mean over the tokens of the cross-entropy of softmax(x table^T + bias), in nats.

    Parameters
    ----------
    x : (n, H)
        Outputs of the network.
    table : (V, H)
        The decoder.
    bias : (V,)
    targets : (n,)
        Indices below V.
    """
    return _MeanCrossEntropy.apply(x, table, bias, targets)  # type: ignore[no-any-return]


class _MeanCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, table: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        in_x, in_table, in_bias = (
            torch.zeros_like(part) if needed else None
            for part, needed in zip((x, table, bias), ctx.needs_input_grad, strict=False)
        )
        count = max(1, ENTRIES.get(x.device.type, 2**21) // len(table))
        total = x.new_zeros(())
        blocks = zip(torch.split(x, count), torch.split(targets, count), strict=True)
        for place, (rows, labels) in enumerate(blocks):
            logits = functional.linear(rows, table, bias)
            norm = logits.logsumexp(1, keepdim=True)
            total += (norm - logits.gather(1, labels[:, None])).sum()
            if not any(ctx.needs_input_grad):
                continue
            slope = logits.sub_(norm).exp_()  # the probabilities; less 1 for what came
            slope.scatter_add_(1, labels[:, None], -torch.ones_like(norm))
            if in_x is not None:
                torch.mm(slope, table, out=in_x[place * count : place * count + len(rows)])
            if in_table is not None:
                in_table.addmm_(slope.t(), rows)
            if in_bias is not None:
                in_bias += slope.sum(0)
        ctx.save_for_backward(x, table, bias, targets, in_x, in_table, in_bias)
        return total / len(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, table, bias, targets, *slopes = ctx.saved_tensors
        if not torch.is_grad_enabled():
            scale = gradient / len(x)
            return *(None if part is None else part * scale for part in slopes), None
        # The gradients are to be differentiated again.
        wanted = [
            part for part, slope in zip((x, table, bias), slopes, strict=True) if slope is not None
        ]
        loss = functional.cross_entropy(functional.linear(x, table, bias), targets)
        found = iter(torch.autograd.grad(loss, wanted, gradient, create_graph=True))
        return *(None if slope is None else next(found) for slope in slopes), None
