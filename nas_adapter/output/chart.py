"""A chart of a page, its file, and the parts that charts are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import vl_convert

from nas_adapter.output.look import LIGHT, VEGA, on_page, on_paper

Record = dict[str, Any]
Item = TypeVar("Item")
FEW = alt.Axis(tickCount=alt.ExprRef("ceil(width / 70)"), format="~r")
"""An axis from left to right, with as many ticks as there is room for."""


@dataclass(frozen=True)
class Chart:
    """A picture of one or several panels that share a legend."""

    name: str
    """of its file, without .png"""
    title: str
    caption: str
    panels: Sequence[Record]
    """in Vega-Lite, without a width"""
    words: Sequence[str]
    """what each panel shows, for those who do not see it"""
    legend: dict[str, str]
    """what is drawn -> the name of its colour"""
    table: Sequence[Sequence[str]]
    """the numbers, the head first"""

    def specs(self) -> list[Record]:
        """Every panel in Vega-Lite, as wide as there is room."""
        return [panel | {"width": "container"} for panel in self.panels]

    def png(self) -> bytes:
        """The picture as a file of its own."""
        count = len(self.panels)
        columns, wide = (1, 620) if count == 1 else (3, 260) if count <= 9 else (7, 150)
        parts: list[Record] = [
            {
                "concat": [_whole(panel) | {"width": wide} for panel in self.panels],
                "columns": columns,
            }
        ]
        if self.legend:
            parts.append(_whole(_legend(self.legend)))
        title = {"text": self.title, "fontSize": 15, "anchor": "middle"}
        spec = {"vconcat": parts, "title": title, "config": VEGA, "background": LIGHT["paper"]}
        return vl_convert.vegalite_to_png(on_paper(json.dumps(spec)), scale=1.5)


def lines(
    data: Sequence[Record],
    names: Sequence[str],
    colors: Sequence[str],
    title: str,
    *,
    zero: bool = False,
    share: bool = False,
    crosses: Sequence[Record] = (),
) -> Record:
    """Lines over the steps, whose values at a step are shown by hovering.

    Parameters
    ----------
    data
        Rows {"step", "v0", "v1", ...}; None: the line has no value there.
    names, colors
        Of the lines v0, v1, ...
    title
        Of the values.
    zero, share
        Whether the axis holds 0; whether it is from 0 to 1.
    crosses
        Rows {"step", "value", "name"} to mark.
    """
    fields: list[Any] = [f"v{index}" for index in range(len(names))]
    scale = alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=zero)
    x = alt.X("step:Q", title="search step", scale=alt.Scale(nice=False), axis=FEW)
    y = alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5))
    named = f"{json.dumps(list(names))}[+slice(datum.field, 1)]"
    base = alt.Chart(alt.NamedData("lines"))
    drawn = (
        base.transform_fold(fields, as_=["field", "value"])
        .transform_filter("isValid(datum.value)")
        .transform_calculate(name=named)
        .mark_line(strokeWidth=1.8)
        .encode(x=x, y=y, color=colored("name:N", names, colors))
    )
    shown = [alt.Tooltip(f, type="quantitative", title=name, format=".4g")
             for f, name in zip(fields, names, strict=True)]  # fmt: skip
    touched = base.mark_rule(strokeWidth=7, opacity=0).encode(
        x=x, tooltip=[alt.Tooltip("step:Q", title="step"), *shown]
    )
    marks = (
        alt.Chart(alt.NamedData("crosses"))
        .mark_point(shape="cross", angle=45, size=60, filled=True, opacity=1)
        .encode(x=x, y=y, color=colored("name:N", names, colors))
    )
    layers = [drawn, marks, touched] if crosses else [drawn, touched]
    return plain(alt.layer(*layers), lines=data, crosses=crosses)


def colored(field: str, names: Sequence[str], colors: Iterable[str]) -> alt.Color:
    """Colours, by their names, of the names in a field."""
    scale = alt.Scale(domain=list(names), range=[on_page(color) for color in colors])
    return alt.Color(field, scale=scale, legend=None)


def thinned(rows: Sequence[Item], count: int) -> list[Item]:
    """About `count` of the rows, evenly spread, the last among them."""
    stride = max(1, -(-len(rows) // count))
    return list(rows[::-1][::stride][::-1])


def number(value: float | None) -> str:
    """A number of a table; nothing for None."""
    return "" if value is None else f"{value:.4g}"


def plain(chart: Any, **data: Sequence[Record]) -> Record:
    """A chart in Vega-Lite, with its data by name, which altair would be slow to go through."""
    spec: Record = chart.to_dict(validate=False)
    del spec["config"], spec["$schema"]
    return spec | {"datasets": {name: list(rows) for name, rows in data.items()}}


def _whole(panel: Record) -> Record:
    """A panel with its data inside of its layers, as a part of a larger chart must have it."""
    data = panel["datasets"]

    def filled(part: Record) -> Record:
        named = {"data": {"values": data[part["data"]["name"]]}} if "data" in part else {}
        return (
            part | named | ({"layer": list(map(filled, part["layer"]))} if "layer" in part else {})
        )

    found = filled(panel)
    del found["datasets"]
    return found


def _legend(colors: dict[str, str]) -> Record:
    """The legend as a chart of its own: a mark and a name, one beside the other."""
    rows = [{"name": name, "place": index} for index, name in enumerate(colors)]
    base = alt.Chart(alt.NamedData("names")).encode(
        x=alt.X("place:O", axis=None), color=colored("name:N", list(colors), colors.values())
    )
    text = base.mark_text(align="left", dx=10, limit=110).encode(text="name:N")
    drawn = alt.layer(base.mark_point(shape="square", filled=True, size=90, opacity=1), text)
    return plain(drawn, names=rows) | {"width": {"step": 130}, "height": 20}
