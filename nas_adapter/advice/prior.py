"""Priors on the edges: where the learners start, and what that costs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas_adapter.advice.climb import Climbed
from nas_adapter.errors import UserError, choose, meant
from nas_adapter.files import missing
from nas_adapter.spaces import NONE, Architecture, Space, nodes, uniform_over_choices

STRENGTH = 2.0
"""Nats of prior for a unit of the total score."""
UNIFORM = 0.1
"""Share of the uniform distribution, which caps a wrong prior's price at ln(K / 0.1) an edge."""
TIE = 1e-3
"""Nats by which the climb's cell leads changes that are worth as much."""


@dataclass(frozen=True)
class Prior:
    """The first distribution of every edge."""

    weights: Tensor
    """float64 (E, K) on the CPU; 0 where an edge does not offer the operation"""
    kind: str
    """uniform, scores, or the name of a file"""
    architecture: Architecture | None = None
    """the cell that it favours; None where it favours none"""
    facts: dict[str, Any] = field(default_factory=dict)
    """what result.json says of it"""

    def price(self, space: Space, architecture: Architecture) -> float:
        """sum_e ln(1 / p_e(a_e)), in nats: what a bound charges for starting elsewhere.

        Edges that an architecture drops although they do not offer "none" are not charged.
        """
        edges = [e for e, chosen in enumerate(architecture) if chosen in space.choices[e]]
        return float(-self.weights[edges, [architecture[e] for e in edges]].log().sum())


def uniform(space: Space) -> Prior:
    """Every operation that an edge offers alike."""
    return Prior(uniform_over_choices(space, torch.device("cpu")), "uniform")


def from_climb(space: Space, climbed: Climbed) -> Prior:
    """p_e(o) proportional to exp(2 gain_e(o)), with a tenth of the uniform distribution.

    The climb's cell is its mode, by a hair where other cells are worth as much.

    Where a node drops edges, "dropped" counts as an operation with gain 0; if the edge does not
    offer "none", its share is spread evenly over what it does offer. So an edge that the climb
    dropped says little, as it should; and where it would still say more than an edge of its node
    that was kept, it is drawn towards the uniform distribution until it says less.
    """
    even = uniform_over_choices(space, torch.device("cpu")).numpy()
    nats = STRENGTH * climbed.gains
    nats[np.arange(len(nats)), list(climbed.architecture)] += TIE
    share = np.exp(nats)
    share /= share.sum(-1, keepdims=True)
    offered = even > 0
    missing = np.where(offered, 0.0, share).sum(-1, keepdims=True)
    mixed = (1 - UNIFORM) * (np.where(offered, share, 0.0) + missing * even) + UNIFORM * even
    mixed /= mixed.sum(-1, keepdims=True)
    if space.inputs is not None:
        _weaken(space, climbed.architecture, mixed, even)
    return Prior(torch.from_numpy(mixed), "scores", climbed.architecture)


def _weaken(space: Space, architecture: Architecture, weights: Any, even: Any) -> None:
    """Draw dropped edges towards `even`, in place, until every kept edge of their node is stronger.

    An edge's strength is its largest probability, without "none"'s; here less that of `even`.
    """
    none = space.operations.index(NONE)
    real = np.arange(len(space.operations)) != none
    for edges in nodes(space):
        kept = [edge for edge in edges if architecture[edge] != none]
        weakest = min(weights[edge, architecture[edge]] for edge in kept)
        for edge in set(edges) - set(kept):
            flat = even[edge, real].max()
            strength, most = weights[edge, real].max() - flat, 0.9 * max(weakest - flat, 0.0)
            if strength > most:
                weights[edge] = even[edge] + (weights[edge] - even[edge]) * most / strength


def from_file(space: Space, path: Path) -> Prior:
    """From JSON, {edge: {operation: weight}}, as `edge_probabilities` in a result.json.

    Weights are nonnegative and are normalised; an edge that is left out, or an operation, has
    weight 0 only where another one of its edge has more; an edge without any is uniform.

    Raises
    ------
    UserError
        No such file, no such edge or operation, a weight that is no nonnegative number.
    """
    if not path.exists():
        kinds = ("uniform", "scores", "a JSON file")
        near = meant(str(path), kinds) or f"; {missing(path)}"
        raise UserError(f"unknown --prior {str(path)!r}: choose one of {', '.join(kinds)}{near}")
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"--prior {path}: not a readable JSON file ({error})") from error
    given = content.get("edge_probabilities", content) if isinstance(content, dict) else None
    if not isinstance(given, dict) or not all(isinstance(row, dict) for row in given.values()):
        raise UserError(f"--prior {path}: it must be {{edge: {{operation: weight}}}}")
    even = uniform_over_choices(space, torch.device("cpu"))
    weights = torch.zeros_like(even)
    for edge, row in given.items():
        choose(f"edge in --prior {path}:", edge, space.edges)
        for operation, weight in row.items():
            choose(f"operation in --prior {path}:", operation, space.operations)
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not number or not 0 <= weight <= sys.float_info.max:
                raise UserError(f"--prior {path}: {edge}, {operation}: {weight!r} is no weight")
            weights[space.edges.index(edge), space.operations.index(operation)] = weight
    weights = torch.where(even > 0, weights, 0.0)
    weights = weights / weights.amax(-1, keepdim=True).clamp(min=sys.float_info.min)
    total = weights.sum(-1, keepdim=True)
    return Prior(torch.where(total > 0, weights / total, even), str(path))
