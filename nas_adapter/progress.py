"""How far work is and how long it will take, in a line: rewritten on a terminal, added to a log."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from nas_adapter import ranks

Item = TypeVar("Item")
TERMINAL = 0.2
"""Seconds between two lines on a terminal."""
LOG = 10.0
"""Seconds between two lines in a log, at the least."""
SHARE = 0.05
"""In a log the next line is this share of the time until now away, if that is later: a day of work
is some 150 lines."""
DELAY = 2.0
"""Seconds after which the line of a short piece of work appears on a terminal."""


class Progress:
    """Context of some work; nothing is shown by any process but the first.

    On a terminal one line is rewritten. Elsewhere each line stands alone, without carriage returns.

    Parameters
    ----------
    label
        What the work is.
    total, done
        Its steps (None: not known), and how many of them are done before.
    facts
        What else to say; asked when a line is due. Default: the number of steps.
    unit
        What a step is.
    most
        Seconds after which the work ends, even if there are steps left.
    brief
        Whether nothing is to stay of the line on a terminal, and nothing to be shown of short work.
    """

    def __init__(
        self,
        label: str,
        total: int | None,
        done: int = 0,
        facts: Callable[[], str] | None = None,
        *,
        unit: str = "step",
        most: float = math.inf,
        brief: bool = False,
    ) -> None:
        self._most = most
        self._label, self._total, self._unit, self._brief = label, total, unit, brief
        self._facts = facts or self._count
        self._done = self._before = done
        self._terminal, self._hidden = sys.stderr.isatty(), ranks.rank() > 0
        self._start = time.monotonic()
        first = DELAY if brief else TERMINAL
        self._due = self._start + (first if self._terminal else LOG)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._hidden:
            return
        if not self._brief:
            self._show("\n")
        elif self._terminal:
            _write("\r\x1b[K")

    def update(self) -> None:
        """One more step is done."""
        self._done += 1
        now = time.monotonic()
        if now >= self._due and not self._hidden:
            self._show("" if self._terminal else "\n")
            pace = TERMINAL if self._terminal else max(LOG, SHARE * (now - self._start))
            self._due = now + pace

    def _show(self, end: str) -> None:
        line = f"{self._label}: {self._facts()}, {self._time()}"
        if self._terminal:
            line = f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K"
        _write(line + end)

    def _count(self) -> str:
        of = "" if self._total is None else f" of {self._total}"
        return f"{self._done}{of} {self._unit}s"

    def _time(self) -> str:
        """The time left, by the mean pace until now; without an end to see, the time taken."""
        taken, steps = time.monotonic() - self._start, self._done - self._before
        if self._total is None or steps == 0:
            return f"{as_time(taken)} taken"
        left = min(taken / steps * (self._total - self._done), self._most - taken)
        return f"{as_time(left)} left" if left > 0 else f"{as_time(taken)} taken"


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def as_time(seconds: float) -> str:
    """A time as people say it.

    >>> as_time(7.6), as_time(200), as_time(100_000)
    ('8 s', '3 min 20 s', '27 h 46 min')
    """
    whole = round(seconds)
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def progress(items: Iterable[Item], label: str, unit: str = "cell") -> Iterator[Item]:
    """The items, with a line on how many are done if going through them takes long."""
    total = len(items) if isinstance(items, Sized) else None
    with Progress(label, total, unit=unit, brief=True) as line:
        for item in items:
            yield item
            line.update()
