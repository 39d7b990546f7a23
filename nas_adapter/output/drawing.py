"""Drawing of an architecture as a graph, one panel for each cell of the space."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from nas_adapter.spaces import NONE, Architecture, Space, ends

COLORS = mpl.color_sequences["tab10"]
NODE = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black"}
LABEL = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
OUTPUT = -1
"""Number of the output, where it is not a node of the space."""

Place = tuple[float, float]
"""(x, y) in inches."""


class Edge(NamedTuple):
    """An arrow from node to node; operation None: the output takes the node unchanged."""

    source: int
    target: int
    operation: int | None


def cells(space: Space, architecture: Architecture) -> Figure:
    """Picture of an architecture: all its cells side by side.

    A node that no edge enters is an input. In spaces where a node keeps `inputs` edges, as in
    DARTS's, dropped edges are left out and the output joins all nodes; else the last node is the
    output, and edges with "none" are dotted.
    """
    names = list(dict.fromkeys(end.cell for end in ends(space)))
    graphs = [_edges(space, architecture, name) for name in names]
    lay_out = _line if space.inputs is None else _column
    places = [lay_out(graph) for graph in graphs]
    margin = (1.0, 0.5 if space.inputs is not None else 1.1)
    wide = [2 * margin[0] + max(x for x, _ in place.values()) for place in places]
    low = min(y for place in places for _, y in place.values()) - margin[1]
    high = max(y for place in places for _, y in place.values()) + margin[1]
    title = textwrap.wrap(space.genotype(architecture), int(14 * sum(wide)))
    size = (sum(wide), high - low + 0.5 + 0.15 * len(title))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, width_ratios=wide).ravel()
    for axis, name, graph, place, width in zip(panels, names, graphs, places, wide, strict=True):
        _draw(axis, space, graph, place)
        axis.set_xlim(-margin[0], width - margin[0])
        axis.set_ylim(low, high)
        axis.set_aspect("equal")
        axis.axis("off")
        axis.set_title(f"{name} cell" if name else "", fontsize=11)
    figure.suptitle("\n".join(title), fontsize=8)
    return figure


def _edges(space: Space, architecture: Architecture, cell: str) -> list[Edge]:
    """The arrows of one cell."""
    mine = [
        (end, operation)
        for end, operation in zip(ends(space), architecture, strict=True)
        if end.cell == cell
    ]
    nodes = dict.fromkeys(end.target for end, _ in mine)
    if space.inputs is None:
        last = max(nodes)
        return [
            Edge(end.source, OUTPUT if end.target == last else end.target, operation)
            for end, operation in mine
        ]
    kept = [
        Edge(end.source, end.target, operation)
        for end, operation in mine
        if space.operations[operation] != NONE
    ]
    return kept + [Edge(node, OUTPUT, None) for node in nodes]


def _inputs(graph: list[Edge]) -> list[int]:
    return sorted({edge.source for edge in graph} - {edge.target for edge in graph})


def _line(graph: list[Edge]) -> dict[int, Place]:
    """Places of the nodes from left to right, the output last."""
    nodes = sorted({edge.source for edge in graph})
    return {node: (1.9 * place, 0.0) for place, node in enumerate([*nodes, OUTPUT])}


def _column(graph: list[Edge]) -> dict[int, Place]:
    """Places: inputs on the left, nodes one below the other, the output on the right."""
    inputs = _inputs(graph)
    nodes = sorted({edge.target for edge in graph} - {OUTPUT})
    middle = -(len(nodes) - 1) / 2
    places = {
        node: (0.0, middle + 1.6 * ((len(inputs) - 1) / 2 - place))
        for place, node in enumerate(inputs)
    }
    places |= {node: (3.4, -float(place)) for place, node in enumerate(nodes)}
    spans = [
        places[edge.source][1] - places[edge.target][1]
        for edge in graph
        if edge.source in nodes and edge.target in nodes
    ]
    return places | {OUTPUT: (3.4 + 1.9 + 0.6 * max(spans, default=1.0), middle)}


def _draw(axis: Axes, space: Space, graph: list[Edge], places: dict[int, Place]) -> None:
    inputs = _inputs(graph)
    for edge in graph:
        if edge.operation is None:
            _arrow(axis, edge, places, color="0.8", linewidth=1, bend=0.0)
        else:
            _operation(axis, space, edge, places, inputs)
    for node, (x, y) in places.items():
        label = "output" if node == OUTPUT else str(node)
        if node in inputs:
            label = "input" if len(inputs) == 1 else f"input {node}"
        axis.text(x, y, label, ha="center", va="center", zorder=4, bbox=NODE)


def _operation(
    axis: Axes, space: Space, edge: Edge, places: dict[int, Place], inputs: list[int]
) -> None:
    """Draw an arrow and its name; an arrow that would cross a node is an arc."""
    operation = edge.operation or 0
    idle = space.operations[operation] == NONE
    color = "0.6" if idle else COLORS[operation % len(COLORS)]
    (x0, y0), (x1, y1) = places[edge.source], places[edge.target]
    if x0 == x1:  # between nodes of a column
        bend = 0.35 + 0.6 * (y0 - y1 - 1)
        at, anchor = (x0 + bend - 0.05, (y0 + y1) / 2), "left"
    elif y0 == y1 == 0 and space.inputs is None:
        between = sum(x0 < x < x1 for x, _ in places.values())
        bend = between * 0.45 * (1 if edge.source % 2 == 0 else -1)
        at, anchor = ((x0 + x1) / 2, bend), "center"
    else:  # from an input: labels of one input at other places than those of the next
        bend = 0.0
        along = 0.78 - 0.3 * (inputs.index(edge.source) % 2)
        at, anchor = (x0 + along * (x1 - x0), y0 + along * (y1 - y0)), "center"
    _arrow(axis, edge, places, color=color, linewidth=2, bend=bend, dotted=idle)
    axis.text(
        *at, space.operations[operation], ha=anchor, va="center", fontsize=8, color=color,
        zorder=3, bbox=LABEL,
    )  # fmt: skip


def _arrow(
    axis: Axes,
    edge: Edge,
    places: dict[int, Place],
    *,
    color: Any,
    linewidth: float,
    bend: float,
    dotted: bool = False,
) -> None:
    """Draw an arrow; `bend`: distance of its middle from the straight line, to the left."""
    start, end = places[edge.source], places[edge.target]
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    axis.add_patch(
        FancyArrowPatch(
            start, end,
            connectionstyle=f"arc3,rad={-2 * bend / length:.3f}",
            arrowstyle="-|>", mutation_scale=14,
            shrinkA=12 if edge.source >= 0 else 24, shrinkB=26 if edge.target == OUTPUT else 14,
            color=color, linestyle=":" if dotted else "-", linewidth=linewidth,
            zorder=1 if edge.operation is None else 2,
        )
    )  # fmt: skip
