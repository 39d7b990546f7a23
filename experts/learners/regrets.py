"""Instantaneous regrets, cut to a range that is known before the round.

A learner whose proof needs regrets in a known range [-B_t, B_t] is given

    r'_{t,k} = r_{t,k} min(1, B_{t-1} / |largest r_t|),    B_t = max(B_{t-1}, |largest r_t|)

so that |r'_t| <= B_{t-1}, known before the round. As |r_t - r'_t| <= B_t - B_{t-1}, the regret is
off by at most B_T - B_0 in total. If B_0 is at least the range of the losses, nothing is cut.
All of r_t is scaled alike, so <w, r_t> = 0 stays 0.

Source: Cutkosky 2019 ("Artificial constraints and hints for unbounded online learning");
Mhammedi, Koolen & van Erven 2019, Section 4 (Squint+C).
"""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from experts.numerics.masks import highest, relative
from experts.numerics.parameters import Setting, fitted, setting
from experts.types import Array, Feedback


class Regrets(NamedTuple):
    """Running sums of the cut regrets r'; an expert's are frozen from its removal on."""

    total: Array
    """(..., K): sum of r'"""
    square: Array
    """(..., K): sum of r'**2 in units of B_t**2, which itself might over- or underflow"""
    reach: Array
    """(..., 1): B_t"""
    start: Array
    """(..., 1): B_0; 0 if no range was given"""

    @classmethod
    def open(cls, like: Array, loss_range: Setting | None) -> Regrets:
        """Before the first round; `like` is (..., K)."""
        zero = array_namespace(like).zeros_like(like)
        start = 0.0 if loss_range is None else fitted("loss_range", loss_range, like)
        reach = zero[..., :1] + start
        return cls(zero, zero, reach, reach)

    def add(self, play: Array, feedback: Feedback, alive: Array) -> tuple[Regrets, Array]:
        """The sums after one more round, and its r' (..., K), 0 for the removed."""
        xp = array_namespace(play)
        regret = instantaneous(play, feedback, alive)
        largest = highest(xp.abs(regret), alive)
        reach = xp.maximum(self.reach, largest)
        unit = nonzero(reach)
        shrink = xp.where(reach > self.reach, self.reach / unit, 1.0)
        cut = regret * shrink
        square = self.square * shrink**2 + (cut / unit) ** 2
        return Regrets(self.total + cut, square, reach, self.start), cut

    @property
    def lost(self) -> Array:
        """B_T - B_0, (..., 1): the most by which cutting has changed a regret."""
        return self.reach - self.start


def instantaneous(play: Array, feedback: Feedback, alive: Array) -> Array:
    """``<p, l> - l_k``, (..., K); 0 for the removed, whose losses may be nan."""
    if feedback.seen is not None:
        raise ValueError("seen must be None: this learner needs full information")
    xp = array_namespace(play)
    loss = relative(feedback.loss, alive)
    return xp.where(alive, xp.sum(play * loss, axis=-1, keepdims=True) - loss, 0.0)


def nonzero(value: Array) -> Array:
    """`value`, and 1 where it is not positive: a divisor for numerators that are 0 there."""
    return array_namespace(value).where(value > 0, value, 1.0)


def checked_range(loss_range: Setting | None) -> Setting | None:
    """`loss_range` as a constant, or None; ValueError unless it is positive and finite."""
    return None if loss_range is None else setting("loss_range", loss_range)


def margin(regret: Array, reach: Array) -> Array:
    """Rounding error of a sum of regrets, (..., 1): 4096 units in the last place of B."""
    return reach * (4096 * float(array_namespace(regret).finfo(regret.dtype).eps))
