"""`Units`: from an environment's numbers to the losses of a learner, and back to its numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from experts.numerics.arguments import flag
from experts.numerics.parameters import largest
from experts.numerics.units import Interval, checked_interval
from experts.types import Array

ALLOWANCE = 1e-6
"""A number may lie outside of an interval by this share of the interval's width, for the rounding
of float32; under bandit feedback it is then taken for the interval's end."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a game: which numbers are accepted, and which loss each of them is.

    Full information: a number x is the loss x, and a reward r the loss -r; an interval only
    checks, as a change of scale would change the learning rate. Bandit feedback: [low, high] goes
    to the learner's interval [a, b] by a straight line, a + (x - low) (b - a) / (high - low), or
    a + (high - r) (b - a) / (high - low) for rewards.
    """

    shape: tuple[int, ...]
    """(S, ..., K): the numbers of one round"""
    checks: bool
    """whether values are checked; the shape always is"""
    rewards: bool
    accepted: Interval | None
    """the environment's numbers; None: any finite one"""
    span: Interval | None = None
    """bandit feedback: what is mapped, (low, high)"""
    own: Interval | None = None
    """bandit feedback: where it goes, (a, b)"""

    def losses(self, numbers: Array, before: int) -> Array:
        """The learner's losses for numbers (n, S, ..., K) that follow after `before` rounds.

        Raises
        ------
        ValueError
            A wrong shape; a number that is not finite or not accepted.
        """
        if tuple(numbers.shape[1:]) != self.shape:
            raise ValueError(
                f"losses of a round have shape {tuple(numbers.shape[1:])}, expected {self.shape} "
                "(seeds, ..., experts)"
            )
        if self.checks:
            least, most = _ends(numbers)
            self._check(numbers, least, most, before)
            if self.span is not None and not self.span[0] <= least <= most <= self.span[1]:
                numbers = np.clip(numbers, *self.span)
        if self.span is None or self.own is None:
            return 0.0 - numbers if self.rewards else numbers  # 0 and not -0 for 0
        if not self.mapped:
            return numbers
        (low, high), (a, b) = self.span, self.own
        part = (high - numbers if self.rewards else numbers - low) / (high - low)
        return a + part * (b - a)

    @property
    def mapped(self) -> bool:
        """Whether numbers are mapped to other losses; else they are losses, or rewards -loss."""
        return self.own is not None and (self.span != self.own or self.rewards)

    @property
    def idle(self) -> float:
        """A number that is accepted, for experts that are asleep."""
        return 0.0 if self.accepted is None else self.accepted[0]

    @property
    def slope(self) -> float:
        """What one unit of the learner's loss is in the environment's units."""
        if self.span is None or self.own is None or not self.mapped:
            return 1.0
        return (self.span[1] - self.span[0]) / (self.own[1] - self.own[0])

    def back(self, sums: Array, rounds: Array | int) -> Array:
        """Sums of a learner's losses over so many rounds, in the environment's units.

        A reward r counts as the loss -r.
        """
        if self.span is None or self.own is None or not self.mapped:
            return sums
        start = -self.span[1] if self.rewards else self.span[0]
        return self.slope * sums + (start - self.slope * self.own[0]) * rounds

    def _check(self, numbers: Array, least: float, most: float, before: int) -> None:
        """Two comparisons; which number is wrong is looked up only when they fail."""
        low, high = _widened(self.accepted)
        if least >= low and most <= high:  # false for nan
            return
        bad = np.argwhere(~((numbers >= low) & (numbers <= high)))[0]
        got = numbers[tuple(bad)]
        rule, hint = "must be finite", ""
        if np.isfinite(got):
            ends = self.accepted or (-_BIG, _BIG)
            rule = f"must lie in [{ends[0]}, {ends[1]}]"
            hint = "" if self.own is None else f"; {_HOW}"
        raise ValueError(
            f"{'reward' if self.rewards else 'loss'} {rule}, got {got} in round "
            f"{before + bad[0] + 1}, at index {tuple(int(i) for i in bad[1:])} (seed, ..., expert)"
            f"{hint}"
        )


def _ends(numbers: Array) -> tuple[float, float]:
    """The smallest and the largest number of some rounds, nan if there is any.

    By parts, so that the second pass finds its numbers in the cache.
    """
    if numbers.flags.c_contiguous:
        numbers = numbers.reshape(-1)
    step = max(1, 2**16 // numbers[0].size)
    parts = [numbers[first : first + step] for first in range(0, len(numbers), step)]
    return np.min([part.min() for part in parts]), np.max([part.max() for part in parts])


_BIG = largest(np.zeros(1))
_HOW = (
    "pass loss_interval=(low, high) for losses in another interval, with rewards=True for rewards"
)


def units_of(
    learner: Any,
    environment: Any,
    shape: tuple[int, ...],
    *,
    bandit: bool,
    rewards: bool,
    loss_interval: Interval | None,
    checks: bool,
) -> Units:
    """The units of a game; ValueError if learner, environment and arguments do not agree."""
    flag("rewards", rewards)
    stated = environment.loss_interval
    given = checked_interval(loss_interval, np.zeros(1))
    if stated is not None and given is not None and not _within(stated, given):
        raise ValueError(
            f"loss_interval={given} does not hold the numbers of {environment!r}, which lie in "
            f"[{stated[0]}, {stated[1]}]"
        )
    accepted = given if stated is None else stated
    if not bandit or learner.loss_interval is None:
        return Units(shape, checks, bool(rewards), accepted)
    own = _own(learner)
    if given is None and stated is not None and not _within(stated, own):
        kind = "rewards" if rewards else "losses"
        raise ValueError(
            f"{learner!r} is proved for bandit feedback with losses in [{own[0]}, {own[1]}], and "
            f"{environment!r} has {kind} in [{stated[0]}, {stated[1]}]: pass "
            f"loss_interval=({stated[0]}, {stated[1]}) to map them"
        )
    span = own if given is None else given
    return Units(shape, checks, bool(rewards), span if accepted is None else accepted, span, own)


def _own(learner: Any) -> Interval:
    """The losses that a learner with bandit feedback is proved for."""
    low, high = learner.loss_interval
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(f"learner must have a finite loss_interval, got {low, high}: {learner!r}")
    return float(low), float(high)


def _widened(interval: Interval | None) -> Interval:
    """`interval` with the allowance for rounding, within the finite numbers; None: all of them."""
    low, high = (-_BIG, _BIG) if interval is None else interval
    allowance = ALLOWANCE * (high - low) if math.isfinite(high - low) else 0.0
    return max(low - allowance, -_BIG), min(high + allowance, _BIG)


def _within(inner: Interval, outer: Interval) -> bool:
    low, high = _widened(outer)
    return bool(low <= inner[0] and inner[1] <= high)
