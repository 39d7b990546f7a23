"""`History`: every row that was played, for tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from experts.types import Array


class History(NamedTuple):
    """n rows. S is left out for a plain table, Q for single forecasts; B is S, or S and Q."""

    forecasts: Array
    """(n, S, K, Q): as given; nan where missing"""
    observed: Array
    """(n, S); nan where missing"""
    combined: Array
    """(n, S, Q): ours; nan where all forecasts are missing"""
    weights: Array
    """(n, B, K): coefficients of the forecasts, 0 where these are missing"""
    time: Array | None
    """(n,): numbers; dates as nanoseconds"""
    group: Array | None
    """(n,)"""
    track: Array
    """(n,): in which game of `tracks` a row was played"""
    number: Array
    """(n,): and as which row of it, from 0"""

    @classmethod
    def joined(cls, parts: Sequence[History]) -> Self:
        """One after the other; experts that came later had no forecasts before."""
        experts = parts[-1].weights.shape[-1]
        wide = [part.widened(experts) for part in parts]
        return cls(*(
            None if column[0] is None else np.concatenate(column)
            for column in zip(*wide, strict=True)
        ))  # fmt: skip

    def widened(self, experts: int) -> History:
        """With so many experts."""
        more = experts - self.weights.shape[-1]
        if not more:
            return self
        return self._replace(
            forecasts=padded(self.forecasts, more, np.nan, axis=2),
            weights=padded(self.weights, more, 0.0, axis=-1),
        )

    def squeezed(self, *, series: bool, levels: bool) -> History:
        """Without the axes S and Q that the user's table does not have."""
        forecasts, observed, combined, weights = self[:4]
        if not levels:
            forecasts, combined = forecasts[..., 0], combined[..., 0]
        if not series:
            forecasts, observed, combined, weights = (
                array[:, 0] for array in (forecasts, observed, combined, weights)
            )
        return History(forecasts, observed, combined, weights, *self[4:])


def padded(array: Array, more: int, value: float, axis: int) -> Array:
    """With `value` in so many more places of an axis."""
    shape = list(array.shape)
    shape[axis] = more
    return np.concatenate([array, np.full(shape, value)], axis=axis)
