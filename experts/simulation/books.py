"""`Books`: the running sums of a game, and the arrays of its trace."""

from __future__ import annotations

import numpy as np

from experts.types import Array

_MOST_WEIGHTS = 2**22
"""Most numbers of recorded weights (32 MiB); beyond it they are recorded more rarely."""


class Books:
    """Running sums of a game and their values at the recorded rounds; B problems in a flat batch.

    `experts` are those that the player is compared with. They are what it plays as well, except
    where advisors advise on `arms`.

    Engines update the sums (`total`, `loss`, `level`, `best`, `switches`) and enter them at the
    recorded rounds only. `total` and `loss` are less `level`, the sum of each round's smallest
    loss: the regret does not depend on it, and would be rounded to it.
    """

    def __init__(
        self,
        rounds: int,
        every: int,
        batch: int,
        experts: int,
        certified: bool,
        wealth: bool = False,
        arms: int | None = None,
        switches: int | None = None,
    ) -> None:
        points = np.arange(every, rounds + every, every)
        self.rounds = np.minimum(points, rounds)
        self.every = every
        count = len(points)
        self.thin = max(1, -(-count * batch * experts // _MOST_WEIGHTS))
        kept = -(-count // self.thin)
        self.weight_rounds = self.rounds[:: self.thin]
        self.loss_at = np.zeros((count, batch))
        self.level_at = np.zeros((count, batch))
        self.best_loss_at = np.zeros((count, batch))
        self.best_at = np.zeros((count, batch), dtype=np.int64)
        self.switches_at = np.zeros((count, batch), dtype=np.int64)
        self.certificate_at = np.zeros((count if certified else 0, batch))
        self.weights_at = np.zeros((kept, batch, experts if arms is None else arms))
        self.tracking_at = None if switches is None else np.zeros((count, batch, switches + 1))
        self.log_wealth_at = np.zeros((count, batch)) if wealth else None
        self.done = 0
        self.total = np.zeros((batch, experts))
        self.loss = np.zeros(batch)
        self.log_wealth = np.zeros(batch)
        self.level = np.zeros(batch)
        self.best = np.zeros(batch, dtype=np.int64)
        self.switches = np.zeros(batch, dtype=np.int64)

    def due(self, first: int, count: int) -> tuple[slice, Array]:
        """Records among rounds first + 1 ... first + count, and their offsets from first + 1."""
        low, high = np.searchsorted(self.rounds, [first, first + count], side="right")
        return slice(int(low), int(high)), self.rounds[low:high] - first - 1

    def certify(self, where: slice, certificates: Array) -> None:
        """Enter the best expert's certificate, out of (r, B, K), in the records `where`."""
        best = self.best_at[where, :, None]
        self.certificate_at[where] = np.take_along_axis(certificates, best, -1)[..., 0]

    def keep_weights(self, where: slice, weights: Array) -> None:
        """Enter distributions (r, B, K) in the records `where`; every `thin`-th is kept."""
        for offset, record in enumerate(range(where.start, where.stop)):
            if record % self.thin == 0:
                self.weights_at[record // self.thin] = weights[offset]
