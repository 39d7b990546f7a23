"""Training-free scores: each a number that says something of an untrained network and one batch.

What is made of them for a search is in `nas_adapter.advice`. A score is advice, and advice can be
wrong: which way a score points in a space is not known until networks of it have been trained.

All take images and class labels. `parameters` and `flops` make sense for any network; the others
need layers that they know (said in each file) and are not meant for recurrent cells.
"""

from collections.abc import Callable

from torch import Tensor, nn

from nas_adapter.scores.gradient_norm import gradient_norm
from nas_adapter.scores.naswot import naswot
from nas_adapter.scores.ntk import ntk_condition
from nas_adapter.scores.size import flops, parameters
from nas_adapter.scores.synflow import synflow
from nas_adapter.scores.zico import zico

Score = Callable[[nn.Module, Tensor, Tensor], float]
"""(network, images (n, channels, height, width), labels (n,)) -> a number; nothing is changed."""

SCORES: dict[str, Score] = {
    "naswot": naswot,
    "synflow": synflow,
    "gradient_norm": gradient_norm,
    "zico": zico,
    "ntk_condition": ntk_condition,
    "parameters": parameters,
    "flops": flops,
}

__all__ = [
    "SCORES",
    "Score",
    "flops",
    "gradient_norm",
    "naswot",
    "ntk_condition",
    "parameters",
    "synflow",
    "zico",
]
