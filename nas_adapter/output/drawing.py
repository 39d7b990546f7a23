"""Drawing of an architecture as a graph, one panel for each cell of the space, as SVG."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from html import escape
from typing import NamedTuple

from nas_adapter.output.look import on_page, on_paper, series
from nas_adapter.spaces import NONE, Architecture, Space, ends

OUTPUT = -1
"""Number of the output, where it is not a node of the space."""
UNIT = 66.0
"""Pixels of a unit of length."""
LONGEST = 16
"""Letters of an operation's name that are drawn; all of it is shown by hovering."""
FONT = "font-family=\"system-ui, 'Liberation Sans', sans-serif\""

Place = tuple[float, float]
"""(x, y) in units, y upwards; in pixels downwards."""
At = Callable[[Place], Place]
"""From a place in units to pixels."""


class Edge(NamedTuple):
    """An arrow from node to node; operation None: the output takes the node unchanged."""

    source: int
    target: int
    operation: int | None


class Panel(NamedTuple):
    """One cell: its name, its size in pixels, and the SVG inside of it."""

    name: str
    width: float
    height: float
    inside: str


def panels(space: Space, architecture: Architecture) -> list[Panel]:
    """The cells of an architecture.

    A node that no edge enters is an input. In spaces where a node keeps `inputs` edges, as in
    DARTS's, dropped edges are left out and the output joins all nodes; else the last node is the
    output, and edges with "none" are dotted.
    """
    names = list(dict.fromkeys(end.cell for end in ends(space)))
    return [_panel(space, _edges(space, architecture, name), name) for name in names]


def inline(panel: Panel) -> str:
    """A panel for a page, in the page's colours, as wide as there is room."""
    width, height = panel.width, panel.height
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px" {FONT} '
        f'aria-hidden="true">{panel.inside}</svg>'
    )


def picture(space: Space, architecture: Architecture) -> str:
    """All panels side by side with the genotype, as an SVG file."""
    drawn = panels(space, architecture)
    width = sum(panel.width for panel in drawn)
    lines = textwrap.wrap(space.genotype(architecture), max(20, int(width / 5.4)))
    top = 15.0 * len(lines) + 12
    height = top + max(panel.height for panel in drawn)
    parts, left = [], 0.0
    for panel in drawn:
        parts.append(f'<g transform="translate({left:.1f} {top:.1f})">{panel.inside}</g>')
        left += panel.width
    title = "".join(
        _text((width / 2, 15.0 * row + 16), line, on_page("ink"), 10)
        for row, line in enumerate(lines)
    )
    return on_paper(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" {FONT}>'
        f'<rect width="100%" height="100%" fill="{on_page("paper")}"/>{title}{"".join(parts)}</svg>'
    )


def described(space: Space, architecture: Architecture) -> str:
    """The drawing in words, for those who do not see it."""
    cells: dict[str, list[str]] = {}
    for end, operation in zip(ends(space), architecture, strict=True):
        name = space.operations[operation]
        if space.inputs is None or name != NONE:
            step = f"{name} from node {end.source} to node {end.target}"
            cells.setdefault(end.cell, []).append(step)
    return ". ".join(
        f"{f'{cell} cell' if cell else 'Cell'}: {', '.join(steps)}" for cell, steps in cells.items()
    )


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
    return {node: (2.15 * place, 0.0) for place, node in enumerate([*nodes, OUTPUT])}


def _column(graph: list[Edge]) -> dict[int, Place]:
    """Places: inputs on the left, nodes one below the other, the output on the right."""
    inputs = _inputs(graph)
    nodes = sorted({edge.target for edge in graph} - {OUTPUT})
    middle = -(len(nodes) - 1) / 2
    places = {
        node: (0.0, middle + 1.6 * ((len(inputs) - 1) / 2 - place))
        for place, node in enumerate(inputs)
    }
    places |= {node: (3.0, -float(place)) for place, node in enumerate(nodes)}
    spans = [
        places[edge.source][1] - places[edge.target][1]
        for edge in graph
        if edge.source in nodes and edge.target in nodes
    ]
    return places | {OUTPUT: (3.0 + 1.9 + 0.6 * max(spans, default=1.0), middle)}


class _Arrow(NamedTuple):
    """An arrow's way, and the place of its label."""

    edge: Edge
    bend: float
    """distance of its middle from the straight line, to the left"""
    label: Place
    anchor: str


def _route(edge: Edge, places: dict[int, Place], inputs: list[int], *, in_line: bool) -> _Arrow:
    """The way of an arrow: one that would cross a node is an arc."""
    (x0, y0), (x1, y1) = places[edge.source], places[edge.target]
    if edge.operation is None:
        return _Arrow(edge, 0.0, (x0, y0), "middle")
    if in_line:
        between = sum(x0 < x < x1 for x, _ in places.values())
        bend = between * 0.45 * (1 if edge.source % 2 == 0 else -1)
        aside = bend + (0.14 if bend >= 0 else -0.14)
        return _Arrow(edge, bend, ((x0 + x1) / 2, aside), "middle")
    if x0 == x1:  # between nodes of a column
        bend = 0.35 + 0.6 * (y0 - y1 - 1)
        return _Arrow(edge, bend, (x0 + bend + 0.05, (y0 + y1) / 2), "start")
    along = 0.7 - 0.28 * (inputs.index(edge.source) % 2)  # not where the next input's label is
    return _Arrow(edge, 0.0, (x0 + along * (x1 - x0), y0 + along * (y1 - y0)), "middle")


def _panel(space: Space, graph: list[Edge], name: str) -> Panel:
    in_line, inputs = space.inputs is None, _inputs(graph)
    places = (_line if in_line else _column)(graph)
    arrows = [_route(edge, places, inputs, in_line=in_line) for edge in graph]
    heights = [*(y for _, y in places.values()), *(arrow.label[1] for arrow in arrows)]
    low, high = min(heights) - 0.45, max(heights) + 0.45 + 0.4 * bool(name)
    left, right = -0.75, max(x for x, _ in places.values()) + 0.75

    def at(place: Place) -> Place:
        return (place[0] - left) * UNIT, (high - place[1]) * UNIT

    width, height = (right - left) * UNIT, (high - low) * UNIT
    parts = [_path(space, arrow, places, at) for arrow in arrows]
    parts += [_label(space, arrow, at) for arrow in arrows if arrow.edge.operation is not None]
    for node, place in places.items():
        shown = "output" if node == OUTPUT else str(node)
        if node in inputs:
            shown = "input" if len(inputs) == 1 else f"input {node}"
        parts.append(_node(at(place), shown))
    if name:
        parts.insert(0, _text((width / 2, 18), f"{name} cell", on_page("ink"), 14))
    return Panel(name, width, height, "".join(parts))


def _color(space: Space, operation: int | None) -> str:
    if operation is None:
        return on_page("line")
    if space.operations[operation] == NONE:
        return on_page("soft")
    return on_page(series(operation))


def _path(space: Space, arrow: _Arrow, places: dict[int, Place], at: At) -> str:
    """An arrow as a quadratic curve with its head."""
    edge, color = arrow.edge, _color(space, arrow.edge.operation)
    start, end = at(places[edge.source]), at(places[edge.target])
    dx, dy = end[0] - start[0], end[1] - start[1]
    length, away = math.hypot(dx, dy), 2 * arrow.bend * UNIT
    control = ((start[0] + end[0]) / 2 + away * dy / length,
               (start[1] + end[1]) / 2 - away * dx / length)  # fmt: skip
    start = _towards(start, control, 16 if edge.source >= 0 else 30)
    tip = _towards(end, control, 32 if edge.target == OUTPUT else 17)
    back = _towards(tip, control, 9)
    ux, uy = (tip[0] - back[0]) / 9, (tip[1] - back[1]) / 9
    sides = [(back[0] - 4.5 * uy, back[1] + 4.5 * ux), (back[0] + 4.5 * uy, back[1] - 4.5 * ux)]
    idle = edge.operation is not None and space.operations[edge.operation] == NONE
    dotted = ' stroke-dasharray="2 4"' if idle else ""
    wide = 1 if edge.operation is None else 2
    curve = f"M{_pair(start)}Q{_pair(control)} {_pair(back)}"
    head = f"M{_pair(tip)}L{_pair(sides[0])}L{_pair(sides[1])}Z"
    return (
        f'<path d="{curve}" fill="none" stroke="{color}" stroke-width="{wide}"{dotted}/>'
        f'<path d="{head}" fill="{color}"/>'
    )


def _label(space: Space, arrow: _Arrow, at: At) -> str:
    name = space.operations[arrow.edge.operation or 0]
    x, y = at(arrow.label)
    shown = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    color = _color(space, arrow.edge.operation)
    halo = f' stroke="{on_page("paper")}" stroke-width="5" stroke-linejoin="round"'
    text = _text((x, y + 4), shown, color, 12, f'{halo} paint-order="stroke"', arrow.anchor)
    return f"<g><title>{escape(name)}</title>{text}</g>"


def _node(place: Place, shown: str) -> str:
    wide = max(26.0, 7.2 * len(shown) + 14)
    box = (
        f'<rect x="{place[0] - wide / 2:.1f}" y="{place[1] - 13:.1f}" width="{wide:.1f}" '
        f'height="26" rx="13" fill="{on_page("card")}" stroke="{on_page("soft")}"/>'
    )
    return box + _text((place[0], place[1] + 4.5), shown, on_page("ink"), 13)


def _text(
    place: Place, words: str, color: str, size: int, further: str = "", anchor: str = "middle"
) -> str:
    return (
        f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{color}"{further}>{escape(words)}</text>'
    )


def _towards(place: Place, goal: Place, distance: float) -> Place:
    """The place at a distance from `place` in the direction of `goal`."""
    share = distance / max(1e-9, math.hypot(goal[0] - place[0], goal[1] - place[1]))
    return place[0] + share * (goal[0] - place[0]), place[1] + share * (goal[1] - place[1])


def _pair(place: Place) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"
