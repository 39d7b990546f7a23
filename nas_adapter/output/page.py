"""The HTML of a page: one file that needs no network, for any screen, light or dark, and paper."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

import vl_convert

from nas_adapter.output.chart import Chart
from nas_adapter.output.look import DARK, LIGHT, VEGA, on_page, variables

RELOAD_SECONDS = 10
"""Time after which the page of a run under way is read anew."""


class Page:
    """A page that grows from top to bottom; what it is given as text is escaped here.

    Parameters
    ----------
    title
        Its heading.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[str] = [f"<h1>{words(title)}</h1>"]
        self._specs: list[dict[str, Any]] = []

    def add(self, html: str) -> None:
        """Append HTML."""
        self._parts.append(html)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.add(f"<h2>{words(text)}</h2>")

    def paragraph(self, text: str, kind: str = "") -> None:
        """Append a paragraph; nothing for no text."""
        if text:
            self.add(f"<p{_class(kind)}>{words(text)}</p>")

    def charts(self, charts: Iterable[Chart]) -> None:
        """Append charts, one beside the other where there is room."""
        self.add(f'<div class="figures">{"".join(map(self._figure, charts))}</div>')

    def _figure(self, chart: Chart) -> str:
        """A chart: its panels, its legend, its caption, and its numbers to unfold."""
        panels = []
        for spec, said in zip(chart.specs(), chart.words, strict=True):
            panels.append(
                f'<div class="panel" role="img" data-chart="{len(self._specs)}" '
                f'aria-label="{escape(said)}"></div>'
            )
            self._specs.append(spec)
        legend = "".join(
            f'<li><span style="background:{on_page(color)}"></span>{words(name)}</li>'
            for name, color in chart.legend.items()
        )
        return (
            f"<figure{_class('many' * (len(panels) > 1))}><h3>{words(chart.title)}</h3>"
            + (f'<ul class="legend">{legend}</ul>' if legend else "")
            + f'<div class="panels">{"".join(panels)}</div>'
            f"<figcaption>{words(chart.caption)}</figcaption>"
            f"<details><summary>Numbers</summary>"
            f"{table(chart.title, chart.table[0], chart.table[1:])}</details></figure>"
        )

    def html(self, *, reload: bool = False) -> str:
        """The whole file. `reload`: it reads itself anew, with a box to stop that."""
        body = "".join(self._parts)
        if reload:
            body = _RELOAD.format(seconds=RELOAD_SECONDS) + body
        charts = json.dumps({"config": VEGA, "specs": self._specs}, separators=(",", ":"))
        charts = charts.replace("<", "\\u003c")  # no tag in it ends the script
        scripts = (
            f'<script type="application/json" id="charts">{charts}</script>'
            f'<script type="module">{bundle()}\n{_file("page.js")}</script>'
        )
        style = (
            f":root{{{variables(LIGHT)}}}"
            f"@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
            f"{_file('page.css')}"
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._title)}</title><style>{style}</style></head>"
            f"<body><main>{body}</main>{scripts if self._specs or reload else ''}</body></html>\n"
        )


_RELOAD = (
    '<p class="reload small"><label><input type="checkbox" id="reload" checked '
    'data-seconds="{seconds}"> read this page anew every {seconds} seconds</label></p>'
)


@functools.cache
def bundle() -> str:
    """Vega-Lite in JavaScript, 0.9 MB. The first call takes some seconds."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def words(text: str) -> str:
    """Text as HTML; what is written from right to left stays in its place."""
    return f"<bdi>{escape(text)}</bdi>" if not text.isascii() else escape(text)


def table(
    name: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, bold: int | None = None
) -> str:
    """A table, which can be moved sideways where it is wider than the page.

    Parameters
    ----------
    name
        What it is, for those who do not see it.
    bold
        Row to be set in bold.
    """
    rows = [list(row) for row in rows]
    long = {place for row in rows for place, cell in enumerate(row) if len(cell) > 40}

    def cell(text: str, place: int) -> str:
        kind = (
            "long" if place in long else "number" if text[:1].isdigit() or text[:1] in "+-−" else ""
        )
        return f"<td{_class(kind)}>{words(text)}</td>"

    top = "".join(f"<th scope=\"col\"{_class('long' * (place in long))}>{words(text)}</th>"
                  for place, text in enumerate(head))  # fmt: skip
    body = "".join(
        f"<tr{_class('found' * (number == bold))}>"
        + "".join(cell(text, place) for place, text in enumerate(row))
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(name)}"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def pairs(entries: Mapping[str, str]) -> str:
    """A list of names with what belongs to them; without what is empty."""
    rows = "".join(
        f"<dt>{words(name)}</dt><dd>{words(text)}</dd>" for name, text in entries.items() if text
    )
    return f"<dl{_class('long' * any(len(name) > 20 for name in entries))}>{rows}</dl>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


@functools.cache
def _file(name: str) -> str:
    return resources.files("nas_adapter.output").joinpath(name).read_text(encoding="utf-8")
