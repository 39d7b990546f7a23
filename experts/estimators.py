"""From what was seen to an estimate of every expert's loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from array_api_compat import array_namespace

from experts.types import Array, Feedback


class Estimator(Protocol):
    """What FTRL asks of an estimator."""

    def estimate(self, feedback: Feedback) -> Array:
        """Estimated losses, (..., K); may be nan where `feedback.loss` is, if all is seen."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """Importance weighting: ``loss / (chance + bias)`` where seen, 0 elsewhere.

    Under full information it is the loss itself. Without bias the estimate is unbiased:
    ``E[estimate_i] = loss_i``. A positive bias (implicit exploration) lowers it a little and
    its variance a lot.

    Parameters
    ----------
    bias
        gamma >= 0 of Exp3-IX.

    Source: Auer et al. 2002, Section 3 (bias 0); Neu 2015, Section 2 (bias > 0).
    """

    bias: float = 0.0

    def __post_init__(self) -> None:
        if not (self.bias >= 0 and math.isfinite(self.bias)):
            raise ValueError(f"bias must be a number >= 0, got {self.bias!r}")

    def estimate(self, feedback: Feedback) -> Array:
        """Estimated losses, (..., K); ValueError if `chance` is missing where `seen` is given."""
        if feedback.seen is None:
            return feedback.loss
        if feedback.chance is None:
            raise ValueError("chance is needed with seen: the probability of being seen")
        xp = array_namespace(feedback.loss)
        chance = xp.where(feedback.seen, feedback.chance + self.bias, 1.0)
        return xp.where(feedback.seen, feedback.loss, 0.0) / chance
