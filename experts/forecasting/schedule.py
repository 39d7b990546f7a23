"""`Schedule`: when each row's observation becomes known, and which copy of the learner plays it.

A row may use an observation once it is available. A learner that bounds the regret of any
distributions ("delayed" among what it supports) takes each observation when it comes. Any other
is run in copies: a row is played by a copy that waits for no observation, a new one if all do. So
there are as many copies as observations are outstanding at once, plus one, each sees rounds
without delay, and the regret is at most the sum of the copies' regrets.

Source: Joulani, György & Szepesvári 2013, Section 3.1 (BOLD).
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np

from experts.types import Array


class Schedule(NamedTuple):
    """The order of a stretch of n rows, after P rows whose observations were outstanding.

    Rows are numbered from the oldest outstanding one: 0 ... P-1, then the new ones.
    """

    arrivals: Array
    """rows in the order in which their observations come"""
    first: Array
    """(n + 2,): ``arrivals[first[t]:first[t + 1]]`` come before new row t; the last, after all"""
    copy: Array
    """(P + n,): the copy of the learner that plays a row"""

    @property
    def outstanding(self) -> Array:
        """The rows whose observations have not come, in order."""
        waiting = np.ones(len(self.copy), dtype=bool)
        waiting[self.arrivals] = False
        return np.flatnonzero(waiting)


def schedule(now: Array, due: Array, held: Array, *, copies: bool) -> Schedule:
    """When observations come, and who plays which row.

    Parameters
    ----------
    now : (n + 1,)
        The time of every new row and of the moment after the last, never falling.
    due : (P + n,)
        When a row's observation becomes available, on the same clock. It is used from the first
        row on whose time is at least this, and never in its own row.
    held : (P,)
        The copies that played the outstanding rows.
    copies
        False: one copy plays all rows.
    """
    before, count = len(held), len(now) - 1
    own = np.arange(-before, count)
    slot = np.maximum(np.searchsorted(now, due, side="left"), np.maximum(own + 1, 0))
    order = np.lexsort((np.arange(before + count), due, slot))
    first = np.searchsorted(slot[order], np.arange(count + 2))
    arrivals = order[: first[-1]]
    if not copies:
        return Schedule(arrivals, first, np.zeros(before + count, dtype=np.int64))
    if not before and np.array_equal(slot, own + 1):  # nothing is ever late
        return Schedule(arrivals, first, np.zeros(count, dtype=np.int64))
    return Schedule(arrivals, first, _copies(arrivals, first, held, count))


def _copies(arrivals: Array, first: Array, held: Array, count: int) -> Array:
    """The lowest copy that is free, for every row."""
    copy = np.concatenate([held, np.zeros(count, dtype=np.int64)]).tolist()
    fresh = max(copy[: len(held)], default=-1) + 1
    free = sorted(set(range(fresh)) - set(copy[: len(held)]))
    come, ends = arrivals.tolist(), first.tolist()
    for t in range(count):
        for row in come[ends[t] : ends[t + 1]]:
            heapq.heappush(free, copy[row])
        if not free:
            free.append(fresh)
            fresh += 1
        copy[len(held) + t] = heapq.heappop(free)
    return np.asarray(copy, dtype=np.int64)
