"""Schedules of the learning rate eta, kept as ``scale = 1 / eta`` so that eta = inf is scale 0.

A scale never falls: this is what FTRL's certificate needs. `width` is ``max_k R(e_k)`` over the
experts that take part (ln K for the entropy with a uniform prior) and `stability` is the
regularizer's c in ``gap <= c * eta * B**2``, 1/8 for the entropy; schedules with `bandit` ask for
the c of importance-weighted losses in [0, 1], K/2 for the entropy. Schedules tune themselves with
both. The bounds below are for regularizers with a finite R(e_k); `LogBarrier` charges otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from array_api_compat import array_namespace

from experts.numerics.arguments import whole
from experts.numerics.parameters import Setting, fitted, setting
from experts.types import Array


class Clock(NamedTuple):
    """State of a schedule, each field (..., 1)."""

    rounds: Array
    """rounds played"""
    scale: Array
    """1 / eta for the next round"""
    unit: Array
    """what the scale grows in proportion to; each schedule defines its own"""


@runtime_checkable
class Rate(Protocol):
    """A schedule of the learning rate, as FTRL uses it."""

    @property
    def horizon(self) -> int | None:
        """Rounds that the schedule is tuned for; None: any number."""

    @property
    def bandit(self) -> bool:
        """Whether it is tuned for importance-weighted losses in [0, 1]."""

    def init(self, width: Array, stability: Array) -> Clock:
        """State before the first round; both arguments are (..., 1)."""

    def update(self, clock: Clock, gap: Array) -> Clock:
        """State after a round; `gap` (..., 1) is the sum of all gaps so far."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Fixed rate: the same eta in every round.

    Parameters
    ----------
    eta
        Learning rate, > 0; for a sweep an array, (1,) or batch + (1,), of which a copy is kept.
        `init` refuses one that the problems' dtype cannot hold, and a batch that is not theirs.
    bandit
        Meant for importance-weighted losses in [0, 1]. Nothing is tuned here.

    Bound with the entropy: ``ln K / eta + eta T B**2 / 8`` (`bounds.hedge`).

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """

    eta: Setting
    bandit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "eta", setting("eta", self.eta))

    @property
    def horizon(self) -> int | None:
        """None: the bound holds for every T."""
        return None

    def init(self, width: Array, stability: Array) -> Clock:
        """Scale 1 / eta."""
        zero = width * 0
        return Clock(rounds=zero, scale=(zero + 1) / fitted("eta", self.eta, width), unit=zero)

    def update(self, clock: Clock, gap: Array) -> Clock:
        """The scale stays."""
        return clock._replace(rounds=clock.rounds + 1)


@dataclass(frozen=True, slots=True)
class Horizon:
    """Tuned rate: the best fixed eta for a known number of rounds, sqrt(width / (c T B**2)).

    Parameters
    ----------
    rounds
        T >= 1.
    loss_range
        B > 0, the largest difference between two losses of a round (1 for losses in [0, 1],
        2L for rewards clipped to [-L, L]); a number or an array, as `Fixed.eta`.
    bandit
        Tune for importance-weighted losses in [0, 1] (with the entropy: Exp3's rate).

    Bound: ``2 B sqrt(c T width)``; with the entropy eta = sqrt(8 ln K / (T B**2)) and
    ``B sqrt(T ln K / 2)`` (`bounds.hedge_tuned`).

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """

    rounds: int
    loss_range: Setting = 1.0
    bandit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounds", whole("rounds", self.rounds))
        object.__setattr__(self, "loss_range", setting("loss_range", self.loss_range))

    @property
    def horizon(self) -> int | None:
        """T."""
        return self.rounds

    def init(self, width: Array, stability: Array) -> Clock:
        """Scale ``B sqrt(c T / width)``."""
        xp = array_namespace(width)
        zero = width * 0
        loss_range = fitted("loss_range", self.loss_range, width)
        scale = loss_range * xp.sqrt(stability * self.rounds / _nonzero(width))
        return Clock(rounds=zero, scale=scale, unit=zero)

    def update(self, clock: Clock, gap: Array) -> Clock:
        """The scale stays."""
        return clock._replace(rounds=clock.rounds + 1)


@dataclass(frozen=True, slots=True)
class Anytime:
    """Decreasing rate without a horizon: eta_t = sqrt(width / (2 c t)) / B.

    Parameters
    ----------
    loss_range
        B > 0, as in `Horizon`.
    eta
        Use eta / sqrt(t) instead, whatever the regularizer; as in `Fixed`.
    bandit
        As in `Horizon`; with `eta`, as in `Fixed`.

    Bound: ``2 B sqrt(2 c T width)``; with the entropy eta_t = 2 sqrt(ln K / t) / B and
    ``B sqrt(T ln K)`` (`bounds.hedge_anytime`).

    Source: Orabona 2019, Section 7.6 (FTRL with a decreasing rate).
    """

    loss_range: Setting = 1.0
    eta: Setting | None = None
    bandit: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss_range", setting("loss_range", self.loss_range))
        if self.eta is not None:
            object.__setattr__(self, "eta", setting("eta", self.eta))

    @property
    def horizon(self) -> int | None:
        """None."""
        return None

    def init(self, width: Array, stability: Array) -> Clock:
        """Scale of round 1, which is also the unit: scale_t = unit * sqrt(t)."""
        xp = array_namespace(width)
        if self.eta is None:
            loss_range = fitted("loss_range", self.loss_range, width)
            unit = loss_range * xp.sqrt(2 * stability / _nonzero(width))
        else:
            unit = (width * 0 + 1) / fitted("eta", self.eta, width)
        return Clock(rounds=width * 0, scale=unit, unit=unit)

    def update(self, clock: Clock, gap: Array) -> Clock:
        """Scale of the next round."""
        rounds = clock.rounds + 1
        scale = clock.unit * array_namespace(gap).sqrt(rounds + 1)
        return clock._replace(rounds=rounds, scale=scale)


@dataclass(frozen=True, slots=True)
class Gap:
    """Rate of AdaHedge, for any regularizer: scale = (sum of gaps so far) / width.

    Needs neither horizon nor range of the losses; starts as follow-the-leader (scale 0).

    Bound: ``2 * (sum of gaps)``; with the entropy also
    ``B sqrt(T ln K) + B (4/3 ln K + 2)`` (`bounds.adahedge`).

    Source: de Rooij et al. 2014, Theorem 6, with its variance at most T B**2 / 4.
    """

    @property
    def horizon(self) -> int | None:
        """None."""
        return None

    @property
    def bandit(self) -> bool:
        """False: nothing is tuned."""
        return False

    def init(self, width: Array, stability: Array) -> Clock:
        """Scale 0; the unit is 1 / width."""
        return Clock(rounds=width * 0, scale=width * 0, unit=1 / _nonzero(width))

    def update(self, clock: Clock, gap: Array) -> Clock:
        """The sum of gaps over the width; never falls, whatever was played."""
        scale = array_namespace(gap).maximum(clock.scale, gap * clock.unit)
        return clock._replace(rounds=clock.rounds + 1, scale=scale)


def check_rate(rate: Any) -> None:
    """ValueError unless it is a schedule: a number, for example, is none."""
    if isinstance(rate, type) or not isinstance(rate, Rate):
        raise ValueError(f"rate must be a schedule, such as Fixed(eta=0.1) or Gap(), got {rate!r}")


def _nonzero(width: Array) -> Array:
    """`width`, and 1 where it is 0: problems with a single expert, for which any rate will do."""
    return array_namespace(width).where(width > 0, width, 1.0)
