"""NASWOT: how differently the images of a batch switch a network's rectifiers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nas_adapter.scores.modes import looked_at

RECTIFIERS = {
    torch.ops.aten.relu.default,
    torch.ops.aten.relu_.default,
    torch.ops.aten.leaky_relu.default,
    torch.ops.aten.leaky_relu_.default,
    torch.ops.aten.hardtanh.default,  # ReLU6
    torch.ops.aten.hardtanh_.default,
    torch.ops.aten.elu.default,
    torch.ops.aten.gelu.default,
    torch.ops.aten.silu.default,
    torch.ops.aten.silu_.default,
}
"""What has an "on" side, its argument > 0, however a network calls it."""


class _Codes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects the sign patterns, bool (n, units), of every rectifier that is applied."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Tensor] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func in RECTIFIERS:
            self.found.append((args[0] > 0).flatten(1))
        return func(*args, **(kwargs or {}))


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor, labels: Tensor | None = None) -> float:
    """ln |det K| with K_ij = A - d_H(c_i, c_j), in nats; larger is taken to be better.

    c_i in {0, 1}^A says which of the A rectifier units image i switches on, d_H is the Hamming
    distance: K_ij counts the units on which two images agree. -inf where two images agree on all,
    or where the network has no rectifier (ReLU, leaky ReLU, ReLU6, ELU, GELU, SiLU): so it is not
    for the recurrent cells, whose activations are what is searched.

    Parameters
    ----------
    images : (n, channels, height, width)
        Batch normalisation uses their statistics.
    labels
        Not used.

    Source: Mellor, Turner, Storkey & Crowley 2021, "Neural Architecture Search without Training",
    Section 3.
    """
    codes = _Codes()
    with looked_at(network), codes:
        network(images)
    if not codes.found:
        return -torch.inf
    on = torch.cat(codes.found, dim=1).double()
    agreement = on @ on.T + (1 - on) @ (1 - on).T
    return float(torch.linalg.slogdet(agreement).logabsdet)
