"""Priors on the edges: where the learners start, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas_adapter.advice.climb import Climbed
from nas_adapter.spaces import Architecture, Space, uniform_over_choices

STRENGTH = 2.0
"""Nats of prior for a unit of the total score."""
UNIFORM = 0.1
"""Share of the uniform distribution, which caps a wrong prior's price at ln(K / 0.1) an edge."""


@dataclass(frozen=True)
class Prior:
    """The first distribution of every edge."""

    weights: Tensor
    """float64 (E, K) on the CPU; 0 where an edge does not offer the operation"""
    kind: str
    architecture: Architecture | None = None
    """the cell that it favours; None where it favours none"""
    facts: dict[str, Any] = field(default_factory=dict)
    """what result.json says of it"""

    def price(self, architecture: Architecture) -> float:
        """sum_e ln(1 / p_e(a_e)), in nats: what a bound charges for starting elsewhere."""
        chosen = self.weights[torch.arange(len(self.weights)), list(architecture)]
        return float(-chosen.log().sum())


def uniform(space: Space) -> Prior:
    """Every operation that an edge offers alike."""
    return Prior(uniform_over_choices(space, torch.device("cpu")), "uniform")


def from_climb(space: Space, climbed: Climbed) -> Prior:
    """p_e(o) proportional to exp(2 gain_e(o)), with a tenth of the uniform distribution.

    Where a node drops edges, "dropped" counts as an operation with gain 0; if the edge does not
    offer "none", its share is spread evenly over what it does offer. So an edge that the climb
    dropped says little, as it should: its strength stays low.
    """
    even = uniform_over_choices(space, torch.device("cpu")).numpy()
    share = np.exp(STRENGTH * climbed.gains)
    share /= share.sum(-1, keepdims=True)
    offered = even > 0
    missing = np.where(offered, 0.0, share).sum(-1, keepdims=True)
    mixed = (1 - UNIFORM) * (np.where(offered, share, 0.0) + missing * even) + UNIFORM * even
    weights = torch.from_numpy(mixed / mixed.sum(-1, keepdims=True))
    return Prior(weights, "scores", climbed.architecture)
