"""How precisely networks are trained on a GPU: like PyTorch's own, a setting of the process."""

from __future__ import annotations

import torch

PRECISIONS = ("tf32", "float32", "bf16", "float64")
"""Products of 10-bit mantissas summed in float32; all in float32; activations of 7-bit mantissas as
well. Parameters, their updates and the expert problems are float32 or float64 in each. float64: all
of it, which is slow, to compare two ways of computing the same."""


class _Chosen:
    """What `set_precision` chose."""

    bf16 = False
    float64 = False


def set_precision(name: str) -> None:
    """Choose one of `PRECISIONS`; "tf32" and "float32" differ on CUDA only."""
    _Chosen.bf16 = name == "bf16"
    if (name == "float64") != _Chosen.float64:
        _Chosen.float64 = name == "float64"
        torch.set_default_dtype(torch.float64 if _Chosen.float64 else torch.float32)
    torch.backends.cudnn.allow_tf32 = name != "float32"
    torch.set_float32_matmul_precision("highest" if name == "float32" else "high")


def precise(device: torch.device) -> torch.autocast:
    """Context for the loss of a training step, with the precision that was chosen."""
    return torch.autocast(device.type, torch.bfloat16, enabled=_Chosen.bf16)
