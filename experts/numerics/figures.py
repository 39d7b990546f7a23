"""Figures of matplotlib, which is optional, and imported when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(what: str, width: float, height: float) -> Figure:
    """An empty figure, in inches; ImportError that says what `what` needs installed."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (optional, and slow to import)
    except ImportError as missing:
        raise ImportError(f"{what} needs matplotlib: pip install matplotlib") from missing
    return Figure(figsize=(width, height), layout="constrained")
