"""`Units`: rewards, and losses in another interval, as the losses that a learner is proved for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from experts.numerics.parameters import interval
from experts.types import Array

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Units:
    """The user's units (losses or rewards, in an interval), and how they become losses.

    Under full information a reward r is the loss -r, and the interval is only checked: scaling
    losses would silently scale eta. Under bandit feedback, where learners are proved for losses
    in an interval of their own [a, b], the user's [low, high] is mapped to it::

        a + (b - a) (loss - low) / (high - low),        b - (b - a) (reward - low) / (high - low)

    A regret is a sum of differences of losses: the user's is the learner's times `scale`.
    """

    own: Interval | None
    """what the learner is proved for under bandit feedback; None: any finite number"""
    given: Interval | None = None
    """the user's interval; None: `own`"""
    rewards: bool = False
    """whether the user's numbers are to be maximised"""

    @property
    def scale(self) -> float:
        """(high - low) / (b - a)."""
        if self.own is None or self.given is None:
            return 1.0
        return (self.given[1] - self.given[0]) / (self.own[1] - self.own[0])

    def allowed(self, bandit: bool) -> Interval | None:
        """The interval that the user's numbers must lie in; None: any finite number."""
        return self.own if bandit and self.given is None else self.given

    def losses(self, values: Array, bandit: bool) -> Array:
        """The learner's losses, (..., K), of the user's losses or rewards."""
        given = self.given or self.own
        if not bandit or self.own is None or given is None:
            return -values if self.rewards else values
        if self.rewards:
            return self.own[1] - (values - given[0]) / self.scale
        return values if given == self.own else self.own[0] + (values - given[0]) / self.scale


def checked_interval(given: Any, like: Array, name: str = "loss_interval") -> Interval | None:
    """(low, high) as floats of Python, or None: numpy's would change the dtype of a loss.

    ValueError unless both are finite, low < high, and the floats of `like` can tell losses in
    between apart: high - low is at least 256 ulps of the larger of |low| and |high|.
    """
    if given is None:
        return None
    low, high = interval(name, given)
    if not (math.isfinite(high - low) and low < high):
        raise ValueError(f"{name} must be finite with low < high, got {given!r}")
    info = array_namespace(like).finfo(like.dtype)
    largest = max(abs(low), abs(high))
    narrow = high - low < 256 * float(info.eps) * largest
    if narrow or max(high - low, largest) > float(info.max):
        raise ValueError(f"{name} must be one that {like.dtype} can resolve, got {given!r}")
    return low, high
