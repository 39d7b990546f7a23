"""From looks to one number: expressivity in standard deviations, trainability in nats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from nas_adapter.advice.looks import Look

Numbers = np.ndarray[Any, Any]

TRAINABILITY = 0.5
"""Weight of a nat of trainability against a standard deviation of expressivity.

The middle of the plateau [0.25, 1] that seeds 1, 2, 3 of NAS-Bench-201 and of NAS-Bench-Macro
showed (docs/results); not tuned per space.
"""
LEAST = 8
"""Looks that a scale needs."""
WORST = -3.0
"""Standard deviations below the centre at which NASWOT and synflow are cut off: a network that
passes nothing on is bad, not infinitely bad."""
QUANTILE = 0.9
SPREAD = float(ndtri(QUANTILE))
"""Standard deviations from the median to that quantile of a normal distribution."""


@dataclass(frozen=True)
class Total:
    """A score of looks, on a scale that random architectures set.

    ::

        z_j = max((s_j - centre_j) / spread_j, -3)              NASWOT and ln synflow
        expressivity = (z_1 + z_2) / its spread
        trainability = -(ln gradient norm - its regression on z_1, z_2), in nats
        total = expressivity + 0.5 * trainability

    Two networks of one expressivity should have gradients of one size; a norm above that is
    gradients that explode on their way through the network. As the term is kept in nats, its size
    says how much it can matter: where blocks bring shortcuts of their own it is nearly silent.
    Ranks in its place would make it as loud everywhere.

    Centres are medians, and spreads reach from the median up to the 0.9 quantile, in units of a
    normal distribution's; the regression is on the half with the larger expressivity. So degenerate
    networks, which are in the lower tail, do not set the scale.
    """

    centre: Numbers
    """(2,)"""
    spread: Numbers
    """(2,)"""
    both: float
    """spread of z_1 + z_2"""
    line: Numbers
    """(3,): coefficients of z_1, z_2, and the constant"""
    trainability_sd: float
    """nats: of trainability over the half with the larger expressivity"""

    @classmethod
    def of(cls, looks: list[Look]) -> Total:
        """The scale that `looks` at random architectures set, at least 8 of them."""
        table = np.asarray(looks, dtype=np.float64)
        floored = _floored(table[:, :2])
        centre = _quantile(floored, 0.5)
        spread = _positive(_quantile(floored, QUANTILE) - centre) / SPREAD
        z = np.maximum((table[:, :2] - centre) / spread, WORST)
        total = z.sum(-1)
        both = float(_positive(_quantile(total, QUANTILE) - _quantile(total, 0.5))) / SPREAD
        upper = (total >= np.median(total)) & np.isfinite(table[:, 2])
        line, *_ = np.linalg.lstsq(_design(z[upper]), table[upper, 2], rcond=None)
        left = table[upper, 2] - _design(z[upper]) @ line
        return cls(centre, spread, both, line, float(left.std()) if len(left) else 0.0)

    def __call__(self, looks: list[Look] | Look) -> Numbers:
        """Of each look, (n,); larger is taken to be better."""
        return self.expressivity(looks) + TRAINABILITY * self.trainability(looks)

    def expressivity(self, looks: list[Look] | Look) -> Numbers:
        """In standard deviations, (n,)."""
        found: Numbers = self._z(looks).sum(-1) / self.both
        return found

    def trainability(self, looks: list[Look] | Look) -> Numbers:
        """In nats, (n,), at most 2: gradients that vanish are no merit."""
        norms = np.atleast_2d(np.asarray(looks, dtype=np.float64))[:, 2]
        left = norms - _design(self._z(looks)) @ self.line
        found: Numbers = -np.maximum(left, -2.0)
        return found

    def _z(self, looks: list[Look] | Look) -> Numbers:
        table = np.atleast_2d(np.asarray(looks, dtype=np.float64))[:, :2]
        found: Numbers = np.maximum((table - self.centre) / self.spread, WORST)
        return found


def normal_scores(values: Numbers) -> Numbers:
    """Normal quantiles of the ranks, (n,); ties share a rank."""
    found: Numbers = ndtri((rankdata(values) - 0.5) / len(values))
    return found


def _design(z: Numbers) -> Numbers:
    return np.column_stack([z, np.ones(len(z))])


def _floored(values: Numbers) -> Numbers:
    """Columns with their lowest number in the place of -inf (0 without any number).

    Else nothing could be measured from a median that is -inf: where most networks pass nothing on,
    or a batch holds an image twice, which makes every NASWOT -inf.
    """
    known = np.isfinite(values)
    lowest = np.where(known.any(0), np.where(known, values, np.inf).min(0), 0.0)
    return np.where(known, values, lowest)


def _quantile(values: Numbers, q: float) -> Numbers:
    """A value that occurs."""
    found: Numbers = np.quantile(values, q, axis=0, method="lower")
    return found


def _positive(spread: Numbers) -> Numbers:
    """1 where there is no spread to divide by."""
    return np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)
