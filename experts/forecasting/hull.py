r"""`Hull`: which linear combinations of the forecasts can be reached: corners, and their mixtures.

A learner mixes *corners*, multiples of single forecasts or constants, so what it is compared with
is any fixed combination sum_k u_k x_k + u_0 c in their convex hull:

========================= ============================================= ===========================
combine                   corners                                       combinations u
========================= ============================================= ===========================
"convex"                  x_k                                           u_k >= 0, sum 1
"nonnegative", radius U   0 and U x_k                                   u_k >= 0, sum <= U
"bounded", radius U       U x_k, -U x_k, U c, -U c                      sum |u_k| + |u_0| <= U
========================= ============================================= ===========================

c is `intercept`, a size in the unit of the target; without one there are no corners for it. Priors
are such that the first combination is the mean of the forecasts. Nonnegative least squares
(`nonnegative`) has no corners and no radius: its combinations are those with u_k >= 0, a cone.

Source: Kivinen & Warmuth 1997, Section 5 (EG+-).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experts.types import Array

KINDS = ("convex", "nonnegative", "bounded")
CONE = "cone"


@dataclass(frozen=True, slots=True)
class Hull:
    """The corners for K experts: those of constants first, then each expert's."""

    kind: str
    experts: int
    radius: float
    intercept: float

    @classmethod
    def of(cls, kind: str, experts: int, radius: float, intercept: float) -> Hull:
        """ValueError for a kind, a radius or an intercept that cannot be."""
        if kind == CONE:
            return cls(kind, experts, 1.0, 0.0)
        if kind not in KINDS:
            raise ValueError(f"combine must be one of {', '.join(KINDS)}, got {kind!r}")
        for name, value in (("radius", radius), ("intercept", intercept)):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise ValueError(f"{name} must be a number, got {value!r}")
        if kind == "convex":
            radius = 1.0
        elif not (radius > 1 and math.isfinite(radius)):
            raise ValueError(f"radius must be a number above 1, got {radius!r}")
        if not (intercept >= 0 and math.isfinite(intercept)):
            raise ValueError(f"intercept must be a size >= 0, got {intercept!r}")
        if intercept and kind != "bounded":
            raise ValueError(f"intercept goes with combine='bounded', got combine={kind!r}")
        return cls(kind, experts, float(radius), float(intercept))

    @property
    def constants(self) -> Array:
        """The corners that are constants, (C,)."""
        if self.kind == "nonnegative":
            return np.zeros(1)
        size = self.radius * self.intercept
        return np.asarray([size, -size]) if size else np.zeros(0)

    @property
    def multiples(self) -> Array:
        """What every expert's forecast is multiplied with, (M,)."""
        return np.asarray({
            "convex": [1.0],
            CONE: [1.0],
            "nonnegative": [self.radius],
            "bounded": [self.radius, -self.radius],
        }[self.kind])  # fmt: skip

    @property
    def prior(self) -> Array:
        """Of the corners, (C + K M,)."""
        size = len(self.constants)
        share = {"convex": 0.0, "nonnegative": 1 - 1 / self.radius}.get(
            self.kind, (1 - 1 / self.radius) / 2 if size else 0.0
        )
        # The experts' mass in all, and its tilt to the positive: U (mass * tilt) = 1.
        tilt = 1 / (self.radius * (1 - share))
        signs = [(1 + tilt) / 2, (1 - tilt) / 2] if self.kind == "bounded" else [1.0]
        each = np.tile((1 - share) / self.experts * np.asarray(signs), self.experts)
        return np.concatenate([np.full(size, share / max(size, 1)), each])

    def names(self, experts: list[str]) -> list[str]:
        """What the corners are, from the experts' names."""
        fixed = [f"{value:g}" for value in self.constants]
        if self.kind == "convex":
            return experts
        return fixed + [f"{scale:g}*{name}" for name in experts for scale in self.multiples]

    def features(self, forecasts: Array) -> Array:
        """The corners' forecasts (n, B, C + K M, Q) from forecasts (n, B, K, Q), nan where missing.

        Without one forecast the weights of the others would have another sum, and the combination
        another size. So outside of "convex" it is replaced by the mean of those that are there.
        """
        if self.kind == "convex":
            return forecasts
        mean = mean_forecast(forecasts)[:, :, None]
        scaled = (
            np.where(np.isfinite(forecasts), forecasts, mean)[:, :, :, None, :]
            * self.multiples[:, None]
        )
        n, batch, experts, multiples, levels = scaled.shape
        flat = scaled.reshape(n, batch, experts * multiples, levels)
        return np.concatenate([self.constants[:, None] + 0 * mean, flat], axis=2)

    def folded(self, weights: Array) -> tuple[Array, Array]:
        """Coefficients of the experts (..., K) and the constant (...) of weights (..., corners)."""
        size = len(self.constants)
        if self.kind == "convex":
            return weights, np.zeros(weights.shape[:-1])
        parts = weights[..., size:].reshape(*weights.shape[:-1], self.experts, -1)
        return parts @ self.multiples, weights[..., :size] @ self.constants


def mean_forecast(forecasts: Array) -> Array:
    """The mean of the forecasts (n, B, K, Q) that are there, (n, B, Q); nan where none is."""
    there = np.isfinite(forecasts)
    count = there.sum(axis=2)
    total = np.where(there, forecasts, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
