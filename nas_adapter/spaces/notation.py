"""DARTS's notation for architectures: ``Genotype(normal=[('sep_conv_3x3', 0), ...], ...)``."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from nas_adapter.spaces.base import NONE, Architecture, Space, ends, nodes

LONGEST = 1000
"""Largest range in a genotype."""


def to_pairs(space: Space, architecture: Architecture, cell: str = "") -> list[tuple[str, int]]:
    """Pairs (operation, source) of the edges of `cell` that are kept, node by node."""
    return [
        (space.operations[operation], end.source)
        for operation, end in zip(architecture, ends(space), strict=True)
        if end.cell == cell and space.operations[operation] != NONE
    ]


def from_pairs(space: Space, cells: Mapping[str, Iterable[tuple[str, int]]]) -> Architecture:
    """The architecture with the given pairs of all cells, `space.inputs` for each node.

    Raises ValueError if they are malformed.
    """
    if space.inputs is None:
        raise ValueError("pairs do not say where edges end in a space without `inputs`")
    placed = ends(space)
    places = {end: edge for edge, end in enumerate(placed)}
    found = [space.operations.index(NONE)] * len(space.edges)
    pairs = {cell: iter(given) for cell, given in cells.items()}
    for edges in nodes(space):
        cell, target, _ = placed[edges[0]]
        for _ in range(min(space.inputs, len(edges))):
            operation, source = next(pairs[cell], (NONE, -1))
            edge = places.get(placed[edges[0]]._replace(source=source))
            if operation not in space.operations or operation == NONE or edge is None:
                raise ValueError(f"node {target} cannot have the edge {(operation, source)!r}")
            if space.operations[found[edge]] != NONE:
                raise ValueError(f"node {target} has two edges from {source}")
            found[edge] = space.operations.index(operation)
    if any(next(left, None) is not None for left in pairs.values()):
        raise ValueError("there are more edges than the nodes take")
    return tuple(found)


def write_call(fields: Mapping[str, Any]) -> str:
    """A genotype as text: ``Genotype(name=value, ...)``.

    >>> write_call({"recurrent": [("tanh", 0)], "concat": range(1, 9)})
    "Genotype(recurrent=[('tanh', 0)], concat=range(1, 9))"
    """
    return f"Genotype({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


def read_call(text: str) -> dict[str, Any]:
    """The fields of a genotype that `write_call` wrote: literals and ranges, nothing is executed.

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
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"not a genotype: {text!r}: {error}") from error


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range" and not node.keywords:
        found = range(*(ast.literal_eval(argument) for argument in node.args))
        if abs(found.stop - found.start) > LONGEST:
            raise ValueError(f"{found} is too long")
        return found
    return ast.literal_eval(node)
