"""Progress bars with the time left."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tqdm import tqdm

from nas_adapter import ranks

Item = TypeVar("Item")
DELAY = 2.0
"""Seconds after which the bar of a short piece of work appears."""


def progress_bar(label: str, total: int, done: int = 0) -> tqdm[Any]:
    """A bar over steps; without a terminal a line every ten seconds."""
    hidden, pace = ranks.rank() > 0, _interval()
    return tqdm(
        desc=label, total=total, initial=done, unit="step", mininterval=pace, disable=hidden
    )


def progress(items: Iterable[Item], label: str, unit: str = "cell") -> Iterator[Item]:
    """The items, with a bar if going through them takes long."""
    hidden, pace = ranks.rank() > 0, _interval()
    return iter(
        tqdm(items, label, unit=unit, delay=DELAY, mininterval=pace, leave=False, disable=hidden)
    )


def _interval() -> float:
    return 0.2 if sys.stderr.isatty() else 10.0
