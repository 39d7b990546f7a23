"""The arrays of a trace while a game is played: the books at some thousand rounds."""

from __future__ import annotations

import numpy as np

from experts.types import Array

_MOST_WEIGHTS = 2**22
"""Numbers that the recorded weights may take (32 MiB); beyond it they are recorded more rarely."""


class Books:
    """The arrays of a trace while it is being written. B problems in one flat batch.

    Engines keep the running sums themselves (`total`, `loss`, `best`, `switches`) and hand them
    over at the recorded rounds only.
    """

    def __init__(self, rounds: int, every: int, batch: int, experts: int, certified: bool) -> None:
        points = np.arange(every, rounds + every, every)
        self.rounds = np.minimum(points, rounds)
        self.every = every
        count = len(points)
        self.thin = max(1, -(-count * batch * experts // _MOST_WEIGHTS))
        kept = -(-count // self.thin)
        self.weight_rounds = self.rounds[:: self.thin]
        self.loss_at = np.zeros((count, batch))
        self.best_loss_at = np.zeros((count, batch))
        self.best_at = np.zeros((count, batch), dtype=np.int64)
        self.switches_at = np.zeros((count, batch), dtype=np.int64)
        self.certificate_at = np.zeros((count if certified else 0, batch))
        self.weights_at = np.zeros((kept, batch, experts))
        self.done = 0
        self.total = np.zeros((batch, experts))
        self.loss = np.zeros(batch)
        self.best = np.zeros(batch, dtype=np.int64)
        self.switches = np.zeros(batch, dtype=np.int64)

    def due(self, first: int, count: int) -> tuple[slice, Array]:
        """Records among rounds first + 1 ... first + count, and their offsets from first + 1."""
        low, high = np.searchsorted(self.rounds, [first, first + count], side="right")
        return slice(int(low), int(high)), self.rounds[low:high] - first - 1

    def certify(self, where: slice, certificates: Array) -> None:
        """Enter certificates (r, B, K) of the records `where`: the best expert's of each."""
        best = self.best_at[where, :, None]
        self.certificate_at[where] = np.take_along_axis(certificates, best, -1)[..., 0]

    def keep_weights(self, where: slice, plays: Array) -> None:
        """Enter plays (r, B, K) of the records `where`, as many of them as are kept."""
        for offset, record in enumerate(range(where.start, where.stop)):
            if record % self.thin == 0:
                self.weights_at[record // self.thin] = plays[offset]
