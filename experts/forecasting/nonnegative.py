r"""`NonNegative`: nonnegative least squares, row by row: coefficients with no bound on their sum.

.. math:: u_{t+1} = \arg\min_{u \ge 0} \; \lambda \|u - u_1\|^2
          + \sum_{s \le t} (\langle u, x_s \rangle - y_s)^2, \qquad u_1 = (1/K, ..., 1/K)

lambda is the mean square of the forecasts in the first row that is learned from. A missing forecast
is replaced by the mean of those that are there.

**Certificate.** For every u >= 0, whatever is late, over the rows whose observation has come::

    our loss less that of u  <=  lambda ||u - u_1||**2 + sum_s [l_s(v_s) - l_s(w_s)]

with v_s the coefficients that row s was played with, w_s those with its observation as the last to
come. Proof. Be-the-leader, in the order in which observations come: the w_s together have at most
the loss of u and its penalty, u_1 has none.

Sources: Cesa-Bianchi & Lugosi 2006, Lemma 3.1; Azoury & Warmuth 2001 (without the constraint).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import nnls

from experts.forecasting.game import Rows
from experts.forecasting.schedule import Schedule
from experts.types import Array


class NonNegative:
    """As `Game`, for the squared loss, B problems and K forecasts; only replaced, never changed."""

    late = True
    aggregating = False

    def __init__(self, batch: int, experts: int) -> None:
        # [R z] of the sum so far, ||R u - z||**2 + const: R'R is the Gram matrix, and never formed.
        self.root = np.zeros((batch, experts, experts + 1))
        self.ridge = np.zeros(batch)  # lambda; 0 until something is learned
        self.coefficients = np.full((batch, experts), 1 / experts)
        self.regret = np.zeros((batch, experts))
        self.gap = np.zeros((batch, 1))

    def weights(self, copy: int) -> Array:
        """The coefficients, (B, K)."""
        return self.coefficients

    def play(self, rows: Rows, held: int, plan: Schedule, work: int) -> None:
        """Fill `play` and `combined` of the rows after the first `held`, in the plan's order."""
        for t in range(len(plan.first) - 1):
            for row in plan.arrivals[plan.first[t] : plan.first[t + 1]]:
                self._learn(rows, int(row))
            if t < len(plan.first) - 2:
                x = rows.forecasts[held + t, ..., 0]
                rows.play[held + t] = np.where(np.isnan(x), 0.0, self.coefficients)
                rows.combined[held + t] = np.sum(self.coefficients * x, axis=-1, keepdims=True)

    def certificate(self) -> Array:
        """Bounds on the regrets to single forecasts, (B, K)."""
        distance = 1 - 1 / self.regret.shape[1]
        return self.gap + self.ridge[:, None] * distance + 0 * self.regret

    def admit(self, share: Array) -> None:
        """ValueError: with another forecast all combinations are others."""
        raise ValueError(
            "learner='nnls' takes no new columns: give all of them to the first fit, with nan "
            "where they have no forecast yet"
        )

    def _learn(self, rows: Rows, row: int) -> None:
        x, y, f = rows.forecasts[row, ..., 0], rows.observed[row], rows.combined[row, :, 0]
        counts = np.isfinite(y) & np.isfinite(f)
        names = ("root", "ridge", "coefficients", "regret", "gap")
        for name in names:
            setattr(self, name, getattr(self, name).copy())
        for b in np.flatnonzero(counts):
            self._learn_one(b, x[b], float(y[b]), float(f[b]))

    def _learn_one(self, b: Any, x: Array, y: float, f: float) -> None:
        """One problem's row, in place."""
        with np.errstate(over="ignore"):
            loss, losses, square = np.square(f - y), np.square(x - y), np.mean(x**2)
        if not np.isfinite([loss, square, *losses]).all():
            raise ValueError(
                f"squared is infinite for forecasts {x.tolist()} and observed {y}: clip the "
                "forecasts"
            )
        if self.ridge[b] == 0 < square:
            self.ridge[b], size = square, np.sqrt(square)
            self.root[b] = np.column_stack([size * np.eye(len(x)), np.full(len(x), size / len(x))])
        if self.ridge[b] > 0:
            rows = np.vstack([self.root[b], np.append(x, y)])
            self.root[b] = np.linalg.qr(rows, mode="r")[:-1]
            self.coefficients[b] = nnls(self.root[b, :, :-1], self.root[b, :, -1])[0]
        self.regret[b] += loss - losses
        self.gap[b] += loss - (self.coefficients[b] @ x - y) ** 2
