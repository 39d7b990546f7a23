"""Colours of report.html and its pictures, light and dark, and what Vega-Lite makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LIGHT: Mapping[str, str] = {
    "ink": "#1b1f24", "soft": "#57606a", "line": "#d0d7de", "paper": "#ffffff", "card": "#f6f8fa",
    "link": "#0b5cad",
    "c0": "#1f6fb4", "c1": "#b84d00", "c2": "#1a7f4b", "c3": "#8250c4", "c4": "#b8358a",
    "c5": "#0b7383", "c6": "#856900", "c7": "#5b6470",
}  # fmt: skip
"""Colour by name: text, pale text, lines, two backgrounds, links, and the series. Text and series
have a contrast of at least 4.5 to 1 to the first background."""

DARK: Mapping[str, str] = {
    "ink": "#e6edf3", "soft": "#a9b4c0", "line": "#3d444d", "paper": "#12161b", "card": "#1b2027",
    "link": "#7cb8f7",
    "c0": "#6cb2f5", "c1": "#f59e5b", "c2": "#5fd39a", "c3": "#b99af0", "c4": "#f08cc4",
    "c5": "#5ccbdb", "c6": "#d9b84a", "c7": "#a9b4c0",
}  # fmt: skip
"""The same on a dark background."""

SERIES = 8
"""Colours of operations, networks and lines; they repeat after the last."""


def on_page(name: str) -> str:
    """The colour that a page has for this name, light or dark.

    >>> on_page("ink")
    'var(--ink)'
    """
    return f"var(--{name})"


def on_paper(picture: str) -> str:
    """A picture for a page as one for a file of its own, which is light."""
    return re.sub(r"var\(--(\w+)\)", lambda found: LIGHT[found[1]], picture)


def series(index: int) -> str:
    """Name of the colour of series number `index`."""
    return f"c{index % SERIES}"


def variables(colors: Mapping[str, str]) -> str:
    """The colours as CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in colors.items())


_TEXT = {"labelColor": on_page("ink"), "titleColor": on_page("ink"), "titleFontWeight": "normal"}

VEGA: dict[str, Any] = {
    "background": None,
    "font": "system-ui, 'Liberation Sans', sans-serif",
    "view": {"stroke": None},
    "mark": {"color": on_page("c0")},
    "rule": {"color": on_page("ink")},
    "text": {"color": on_page("ink")},
    "axis": {
        **_TEXT, "gridColor": on_page("line"), "domainColor": on_page("soft"),
        "tickColor": on_page("soft"), "labelLimit": 130, "titleLimit": 300,
    },
    "title": {"color": on_page("ink"), "fontWeight": "normal", "fontSize": 12, "limit": 240},
}  # fmt: skip
"""Configuration of Vega-Lite."""
