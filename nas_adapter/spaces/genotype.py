"""Rules that read an architecture off the distributions on the edges."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from experts import draw
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import NONE, Architecture, Space, ends, nodes, real_choices

FLOOR = -1e9
"""Score in the place of log 0, for a dropped edge whose "none" has probability 0."""


def read(
    space: Space, rule: str, play: Tensor, *, loss: Tensor | None = None, seed: int
) -> Architecture:
    """The architecture that `rule` reads off the distributions on the edges.

    Where a node keeps only `space.inputs` edges, p(a) = prod_e p_e(a_e) is conditioned on that:
    dropped edges are "none", kept ones are not.

    Parameters
    ----------
    rule
        "darts": every node keeps its strongest edges (`inputs` of them; 2 where the space does
        not say); an edge's strength is its largest probability, without "none"'s (Liu et al. 2019,
        Section 2.4). "mode": the most probable architecture. "sample": drawn from p.
        "best-cumulative": the smallest cumulative loss. "auto": "darts" in spaces with `inputs`,
        else "mode". "additive": the largest sum of the scores `play`.
    play : (E, K)
        The distributions.
    loss : (E, K), optional
        Cumulative losses, inf for what was removed; for "best-cumulative".
    seed
        Seed of the sample.

    Each method names the rules that it allows.
    """
    scores = play.detach().double().cpu()
    if rule == "auto":
        rule = "mode" if space.inputs is None else "darts"
    if rule == "darts":
        return _strongest(space, scores)
    if rule == "additive":
        return _best(space, scores)
    if rule == "mode":
        return _best(space, scores.log())
    if rule == "sample":
        return sample(space, scores, stream(seed, Stream.READ))
    if rule != "best-cumulative" or loss is None:
        raise ValueError(f"rule must be one of those above, the last with a loss; got {rule!r}")
    return _best(space, -loss.double().cpu())


def carries(space: Space, architecture: Architecture) -> bool:
    """Whether a path without "none" leads from the inputs of every cell to its last node.

    Inputs of a cell are the nodes that no edge enters. Where a node keeps `Space.inputs` edges,
    none of them is "none", so the answer is yes.

    >>> from nas_adapter.spaces import NASBench201
    >>> carries(NASBench201(), (3, 0, 3, 0, 0, 3)), carries(NASBench201(), (3, 0, 3, 0, 0, 0))
    (True, False)
    """
    placed = ends(space)
    entered = {(end.cell, end.target) for end in placed}
    reached = {(end.cell, end.source) for end in placed} - entered
    for end, operation in sorted(zip(placed, architecture, strict=True)):
        if space.operations[operation] != NONE and (end.cell, end.source) in reached:
            reached.add((end.cell, end.target))
    return all(
        (cell, max(target for other, target in entered if other == cell)) in reached
        for cell, _ in entered
    )


def _strongest(space: Space, play: Tensor) -> Architecture:
    chosen = _real_argmax(space, play, without_none=True)
    strength = [float(play[edge, operation]) for edge, operation in enumerate(chosen)]
    return _keep(space, chosen, strength, space.inputs or 2)


def _best(space: Space, scores: Tensor) -> Architecture:
    """The architecture with the largest sum of scores; kept edges gain most over "none"."""
    chosen = _real_argmax(space, scores, without_none=space.inputs is not None)
    if space.inputs is None:
        return tuple(chosen)
    floored = scores.clamp(min=FLOOR)
    none = space.operations.index(NONE)
    gain = [float(floored[e, o] - floored[e, none]) for e, o in enumerate(chosen)]
    return _keep(space, chosen, gain, space.inputs)


def sample(space: Space, play: Tensor, generator: torch.Generator) -> Architecture:
    """An architecture drawn from the distributions `play`, float64 (E, K) on the CPU.

    The sample is exact: first the edges that a node keeps, by their odds against "none"; then the
    operations.
    """
    offered = real_choices(space)
    real = torch.zeros_like(play)
    for edge, indices in enumerate(offered):
        # The floor is for an edge that must be kept though only its "none" is left.
        real[edge, list(indices)] = play[edge, list(indices)].clamp(min=1e-300)
    uniforms = torch.rand(len(offered), 1, generator=generator, dtype=torch.float64)
    chosen = draw(real, uniforms).int().argmax(-1).tolist()
    if space.inputs is None:
        return tuple(chosen)
    none = space.operations.index(NONE)
    odds = real.sum(-1).log() - play[:, none].log().clamp(min=FLOOR)
    for edges in nodes(space):
        subsets = list(itertools.combinations(edges, min(space.inputs, len(edges))))
        weight = torch.stack([odds[list(subset)].sum() for subset in subsets]).softmax(0)
        uniform = torch.rand(1, generator=generator, dtype=torch.float64)
        kept = subsets[int(draw(weight, uniform).int().argmax())]
        for edge in set(edges) - set(kept):
            chosen[edge] = none
    return tuple(chosen)


def _real_argmax(space: Space, scores: Tensor, *, without_none: bool) -> list[int]:
    """Every edge's best operation among those that it offers; ties: the smaller index."""
    return [
        max(
            (o for o in offered if not (without_none and space.operations[o] == NONE)),
            key=lambda operation, edge=edge: float(scores[edge, operation]),  # type: ignore[misc]
        )
        for edge, offered in enumerate(space.choices)
    ]


def _keep(
    space: Space, chosen: Sequence[int], strength: Sequence[float], count: int
) -> Architecture:
    """The architecture that keeps each node's `count` strongest edges; others become "none"."""
    none = space.operations.index(NONE)
    kept = list(chosen)
    for edges in nodes(space):
        order = sorted(edges, key=lambda edge: -strength[edge])  # stable: ties by the edge's place
        for edge in order[count:]:
            kept[edge] = none
    return tuple(kept)
