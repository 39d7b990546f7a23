"""Estimators of every expert's loss from what a round revealed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from array_api_compat import array_namespace

from experts.types import Array, Feedback


class Estimator(Protocol):
    """An estimator of the losses, as FTRL uses it."""

    def estimate(self, feedback: Feedback, scale: Array) -> Array:
        """Estimated losses, (..., K), with 1 / eta of the round, `scale` (..., 1).

        May be nan where `feedback.loss` is, if all is seen.
        """

    def hint(self, loss: Array) -> Array:
        """A guess, (..., K), of the next round's losses from this round's estimate."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """Importance weighting: ``loss / (chance + bias * eta)`` where seen, 0 elsewhere.

    Under full information it is the loss itself. Without bias the estimate is unbiased:
    ``E[estimate_i] = loss_i``. A positive bias (implicit exploration) lowers it a little and
    its variance a lot.

    Parameters
    ----------
    bias
        gamma / eta >= 0; 1/2 in Exp3-IX.

    Source: Auer et al. 2002, Section 3 (bias 0); Neu 2015, Section 2 (bias > 0).
    """

    bias: float = 0.0

    def __post_init__(self) -> None:
        if not (self.bias >= 0 and math.isfinite(self.bias)):
            raise ValueError(f"bias must be a number >= 0, got {self.bias!r}")

    def estimate(self, feedback: Feedback, scale: Array) -> Array:
        """Estimated losses, (..., K); ValueError if `chance` is missing where `seen` is given."""
        if self.bias == 0:
            return _importance_weighted(feedback, 0.0)
        xp = array_namespace(feedback.loss)
        return _importance_weighted(feedback, self.bias / xp.where(scale > 0, scale, 1.0))

    def hint(self, loss: Array) -> Array:
        """No guess: 0, (..., K)."""
        return 0.0 * loss


@dataclass(frozen=True, slots=True)
class Shifted:
    """Importance weighting around a baseline, which cuts the variance.

    ``(loss - b_i) / chance + b_i`` where seen, b_i elsewhere, with ``b_i = baseline`` for an arm
    whose chance is at least ``(threshold * eta)**2`` and 0 for a rarer one. Unbiased: b_i is known
    before the arm is drawn. Under full information it is the loss itself.

    Parameters
    ----------
    baseline
        1/2 for losses in [0, 1]: quarters the second moment.
    threshold
        Zimmert and Seldin's condition w >= eta**2 is in their eta, which is this one's for
        `Tsallis`.

    Source: Zimmert & Seldin 2021, Section 3 (reduced-variance estimator).
    """

    baseline: float = 0.5
    threshold: float = 1.0

    def estimate(self, feedback: Feedback, scale: Array) -> Array:
        """Estimated losses, (..., K); ValueError if `chance` is missing where `seen` is given."""
        if feedback.seen is None or feedback.chance is None:
            return _importance_weighted(feedback, 0.0)
        xp = array_namespace(feedback.loss)
        common = xp.sqrt(feedback.chance) * scale >= self.threshold
        base = self.baseline * xp.astype(common, feedback.loss.dtype)
        return base + _importance_weighted(feedback._replace(loss=feedback.loss - base), 0.0)

    def hint(self, loss: Array) -> Array:
        """No guess: 0, (..., K)."""
        return 0.0 * loss


@dataclass(frozen=True, slots=True)
class Optimistic:
    """Optimistic losses: the loss itself, and the guess that the next one will be the same.

    ``p_t = argmin <p, L_{t-1} + m_t> + scale * R(p)`` with ``m_t = l_{t-1}``: little is lost where
    losses change slowly.

    Source: Rakhlin & Sridharan 2013; Syrgkanis et al. 2015 (recency of one round).
    """

    def estimate(self, feedback: Feedback, scale: Array) -> Array:
        """The loss, or its importance-weighted estimate, (..., K)."""
        return _importance_weighted(feedback, 0.0)

    def hint(self, loss: Array) -> Array:
        """The loss of the round, (..., K)."""
        return loss


def _importance_weighted(feedback: Feedback, bias: Array | float) -> Array:
    if feedback.seen is None:
        return feedback.loss
    if feedback.chance is None:
        raise ValueError("chance is needed with seen: the probability of being seen")
    xp = array_namespace(feedback.loss)
    chance = xp.where(feedback.seen, feedback.chance + bias, 1.0)
    return xp.where(feedback.seen, feedback.loss, 0.0) / chance
