"""A search space as choices that `experts.structured.Search` asks about, and back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from experts.structured import Choice
from nas_adapter.spaces import NONE, Architecture, Space, ends, nodes, real_choices


def as_choices(space: Space, prior: Tensor) -> dict[str, Choice]:
    """The dimensions of a space: the operation of every edge, and the edges that a node keeps.

    A dimension of operations is named like its edge. Where a node keeps `space.inputs` of more
    edges, there is a dimension "inputs of NODE" with options such as "0+2" (source nodes), and the
    operations of an edge are asked for only where it is kept. As in `genotype.sample`, a node's
    options have prior weights of the kept edges' odds against "none".

    Parameters
    ----------
    prior : (E, K)
        Distributions over what each edge offers.
    """
    kept_when: dict[int, dict[str, list[str]]] = {}
    choices: dict[str, Choice] = {}
    for name, options in _kept(space).items():
        weights = []
        for label, edges in options.items():
            weight = 1.0
            for edge in edges:
                none = float(prior[edge, space.operations.index(NONE)])
                weight *= max(1 - none, 1e-9) / max(none, 1e-9)
                kept_when.setdefault(edge, {}).setdefault(name, []).append(label)
            weights.append(weight)
        choices[name] = Choice(list(options), prior=weights)
    for edge, offered in enumerate(real_choices(space)):
        weights = [float(prior[edge, index]) for index in offered]
        named = [space.operations[index] for index in offered]
        # An edge may have to be kept though only its "none" has weight.
        choices[space.edges[edge]] = Choice(
            named, prior=weights if any(weights) else None, when=kept_when.get(edge, {})
        )
    return choices


def to_point(space: Space, architecture: Architecture) -> dict[str, Any]:
    """An architecture as a point of `as_choices`."""
    point: dict[str, Any] = {}
    dropped: set[int] = set()
    for name, options in _kept(space).items():
        into = set().union(*options.values())
        gone = {edge for edge in into if space.operations[architecture[edge]] == NONE}
        dropped |= gone
        point[name] = next(label for label, kept in options.items() if set(kept) == into - gone)
    for edge, operation in enumerate(architecture):
        if edge not in dropped:
            point[space.edges[edge]] = space.operations[operation]
    return point


def to_architecture(space: Space, point: Mapping[str, Any]) -> Architecture:
    """Back from a point; an edge that it leaves out is "none"."""
    return tuple(space.operations.index(point.get(edge, NONE)) for edge in space.edges)


def _kept(space: Space) -> dict[str, dict[str, tuple[int, ...]]]:
    """For every node with a choice of edges: the sources' names -> the edges that are kept."""
    placed, found = ends(space), {}
    for edges in nodes(space):
        if space.inputs is not None and len(edges) > space.inputs:
            node = space.edges[edges[0]].partition("<-")[0]
            found[f"inputs of {node}"] = {
                "+".join(str(placed[edge].source) for edge in kept): kept
                for kept in itertools.combinations(edges, space.inputs)
            }
    return found
