"""Reading an architecture off a distribution, and DARTS's notation for architectures."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from experts import draw
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces.base import NONE, Architecture, Space, ends, nodes, real_choices

FLOOR = -1e9
"""Stands for the score of what has probability 0 but must be: a dropped edge's "none"."""


def read(
    space: Space, rule: str, play: Tensor, *, loss: Tensor | None = None, seed: int
) -> Architecture:
    """One architecture from what is played on the edges.

    Where a node keeps only `space.inputs` edges, p(a) = prod_e p_e(a_e) is meant conditional on
    that: dropped edges are "none", kept ones are not.

    Parameters
    ----------
    rule
        "darts": every node keeps its strongest edges (`inputs` of them; 2 where the space does
        not say), an edge's strength being its largest probability but "none"'s (Liu et al. 2019,
        Section 2.4). "mode": the most probable architecture. "sample": drawn from p.
        "best-cumulative": the smallest cumulative loss. "auto": "darts" in spaces with `inputs`,
        else "mode".
    play : (E, K)
        The distributions.
    loss : (E, K), optional
        Cumulative losses, inf for what was removed; for "best-cumulative".
    seed
        Of the sample.

    Which rules a method allows is entered in `strategies.METHODS`.
    """
    scores = play.detach().double().cpu()
    if rule == "auto":
        rule = "mode" if space.inputs is None else "darts"
    if rule == "darts":
        return _strongest(space, scores)
    if rule == "mode":
        return _best(space, scores.log())
    if rule == "sample":
        return _sample(space, scores, stream(seed, Stream.READ))
    if rule != "best-cumulative" or loss is None:
        raise ValueError(f"rule must be one of those above, the last with a loss; got {rule!r}")
    return _best(space, -loss.double().cpu())


def _strongest(space: Space, play: Tensor) -> Architecture:
    chosen = _real_argmax(space, play, without_none=True)
    strength = [float(play[edge, operation]) for edge, operation in enumerate(chosen)]
    return _keep(space, chosen, strength, space.inputs or 2)


def _best(space: Space, scores: Tensor) -> Architecture:
    """The largest sum of scores: by what an edge gains over "none"."""
    chosen = _real_argmax(space, scores, without_none=space.inputs is not None)
    if space.inputs is None:
        return tuple(chosen)
    floored = scores.clamp(min=FLOOR)
    none = space.operations.index(NONE)
    gain = [float(floored[e, o] - floored[e, none]) for e, o in enumerate(chosen)]
    return _keep(space, chosen, gain, space.inputs)


def _sample(space: Space, play: Tensor, generator: torch.Generator) -> Architecture:
    """Exact: first which edges a node keeps, by their odds against "none"; then operations."""
    offered = real_choices(space)
    real = torch.zeros_like(play)
    for edge, indices in enumerate(offered):
        # The floor is for an edge that must be kept though only "none" is left of it.
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
    """Of each node's edges the `count` strongest; the others become "none"."""
    none = space.operations.index(NONE)
    kept = list(chosen)
    for edges in nodes(space):
        order = sorted(edges, key=lambda edge: -strength[edge])  # stable: ties by the edge's place
        for edge in order[count:]:
            kept[edge] = none
    return tuple(kept)


def to_pairs(space: Space, architecture: Architecture, cell: str = "") -> list[tuple[str, int]]:
    """(operation, source) of every edge of `cell` that is kept, node by node."""
    return [
        (space.operations[operation], end.source)
        for operation, end in zip(architecture, ends(space), strict=True)
        if end.cell == cell and space.operations[operation] != NONE
    ]


def from_pairs(space: Space, cells: Mapping[str, Iterable[tuple[str, int]]]) -> Architecture:
    """Back from the pairs of all cells, `space.inputs` for each node; ValueError if malformed."""
    if space.inputs is None:
        raise ValueError("pairs do not say where edges end in a space without `inputs`")
    places = {end: edge for edge, end in enumerate(ends(space))}
    found = [space.operations.index(NONE)] * len(space.edges)
    pairs = {cell: iter(given) for cell, given in cells.items()}
    for edges in nodes(space):
        cell, target, _ = ends(space)[edges[0]]
        for _ in range(min(space.inputs, len(edges))):
            operation, source = next(pairs[cell], (NONE, -1))
            edge = places.get(ends(space)[edges[0]]._replace(source=source))
            if operation not in space.operations or operation == NONE or edge is None:
                raise ValueError(f"node {target} cannot have the edge {(operation, source)!r}")
            if space.operations[found[edge]] != NONE:
                raise ValueError(f"node {target} has two edges from {source}")
            found[edge] = space.operations.index(operation)
    if any(next(left, None) is not None for left in pairs.values()):
        raise ValueError("there are more edges than the nodes take")
    return tuple(found)


def write_call(fields: Mapping[str, Any]) -> str:
    """``Genotype(name=value, ...)``.

    >>> write_call({"recurrent": [("tanh", 0)], "concat": range(1, 9)})
    "Genotype(recurrent=[('tanh', 0)], concat=range(1, 9))"
    """
    return f"Genotype({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


def read_call(text: str) -> dict[str, Any]:
    """Back from `write_call`: literals and ranges only, nothing is executed.

    >>> read_call("Genotype(recurrent=[('tanh', 0)], concat=range(1, 9))")
    {'recurrent': [('tanh', 0)], 'concat': range(1, 9)}
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "Genotype"):
            raise ValueError("it does not start with Genotype(")
        if call.args:
            raise ValueError("its fields must be named")
        return {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, TypeError) as error:
        raise ValueError(f"not a genotype: {text!r}: {error}") from error


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range" and not node.keywords:
        return range(*(ast.literal_eval(argument) for argument in node.args))
    return ast.literal_eval(node)
