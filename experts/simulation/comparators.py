"""What the environment knows: losses of the expert of smallest mean, and of the best sequence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from experts.types import Array


class Comparators:
    """Cumulative losses of comparators that depend on the expected losses, at the recorded rounds.

    `optimal_at` (R, S, ...): of the expert whose expected losses add up to the least, so far;
    `sequence_at` (R, S, ...): of the expert of smallest expected loss in every round.

    Parameters
    ----------
    rounds : int (R,)
        The recorded rounds.
    shape
        (S, ..., K).
    """

    def __init__(self, rounds: Array, shape: tuple[int, ...]) -> None:
        self.rounds, self.done = rounds, 0
        self.total, self.expected = np.zeros(shape), np.zeros(shape)
        self.sequence = np.zeros(shape[:-1])
        self.optimal_at, self.sequence_at = (np.zeros((len(rounds), *shape[:-1])) for _ in "ab")

    def add(self, losses: Array, means: Array) -> None:
        """The next n rounds: losses (n, S, ..., K), and what `Told.told` says of their means."""
        count = len(losses)
        low, high = np.searchsorted(self.rounds, [self.done, self.done + count], side="right")
        ends = self.rounds[low:high] - self.done
        best = np.broadcast_to(means.argmin(axis=-1)[..., None], (*losses.shape[:-1], 1))
        path = np.cumsum(np.take_along_axis(losses, best, axis=-1)[..., 0], axis=0)
        self.sequence_at[low:high] = self.sequence + path[ends - 1]
        self.sequence = self.sequence + path[-1]
        self.done += count
        if len(means) == 1:  # they never change
            self.optimal_at[low:high] = self.sequence_at[low:high]
            return
        # Stretches that end with a record; the last one, which may be empty, with the rounds.
        stretches = list(pairwise([0, *ends, count]))
        totals, expected = (
            before + np.cumsum([rows[a:b].sum(axis=0) for a, b in stretches], axis=0)
            for before, rows in ((self.total, losses), (self.expected, means))
        )
        arms = expected[: len(ends)].argmin(axis=-1)[..., None]
        arms = np.broadcast_to(arms, (*totals[: len(ends)].shape[:-1], 1))
        self.optimal_at[low:high] = np.take_along_axis(totals[: len(ends)], arms, axis=-1)[..., 0]
        self.total, self.expected = totals[-1], expected[-1]
