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
        for record, (start, stop) in enumerate(pairwise([0, *ends, count]), start=low):
            self.total += losses[start:stop].sum(axis=0)
            self.expected += means[start:stop].sum(axis=0)
            if record < high:
                arm = self.expected.argmin(axis=-1)[..., None]
                self.optimal_at[record] = np.take_along_axis(self.total, arm, axis=-1)[..., 0]
