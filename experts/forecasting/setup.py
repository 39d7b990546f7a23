"""`Setup`: the parameters of an aggregator, checked, and the shapes of its problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experts.checks import check_learner
from experts.forecasting import frames
from experts.forecasting.classes import class_loss
from experts.forecasting.frames import Table
from experts.forecasting.game import Game
from experts.forecasting.hull import Hull
from experts.forecasting.losses import Loss, loss_of
from experts.forecasting.nonnegative import NonNegative
from experts.forecasting.rescaled import Rescaled
from experts.forecasting.track import Track
from experts.learners.hedge import hedge
from experts.numerics.arguments import flag
from experts.registry import REGISTRY
from experts.types import Array

_LONG = 2**62
"""More rows than there can be."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What stays the same from the first row on."""

    learner: Any
    loss: Loss
    aggregating: bool
    gradient: bool
    shared: bool
    """one weight for all levels or classes of an expert"""
    delay: int | None
    series: int
    """S"""
    levels: int
    """Q"""
    quantiles: bool
    """whether tables have an axis of levels or classes"""

    @classmethod
    def of(cls, model: Any, forecasts: Array, timed: bool) -> Setup:
        """From an aggregator's parameters and its first forecasts (n, S, K, Q)."""
        loss = loss_of_model(model)
        _, series, _, levels = forecasts.shape
        if has_levels(model) and levels != len(loss.levels):
            what = "classes are" if loss.classes else "levels has"
            raise ValueError(f"{what} {len(loss.levels)}, the forecasts' last axis has {levels}")
        _check(model, loss, timed)
        nnls = isinstance(model.learner, str) and model.learner == "nnls"
        learner, aggregating = learner_of(model.learner, loss, late=bool(timed or model.delay))
        if model.unit == "auto" and not aggregating and not nnls:
            learner = Rescaled(learner)
        return cls(
            learner,
            loss,
            aggregating,
            bool(model.gradient) and not aggregating,
            loss.classes or bool(model.shared),
            None if timed else int(model.delay),
            series,
            levels,
            has_levels(model),
        )

    def check(self, table: Table, observed: Array) -> None:
        """ValueError unless a table goes with the ones before, and the loss with its values."""
        _, series, _, levels = table.forecasts.shape
        if (series, levels) != (self.series, self.levels):
            raise ValueError(
                f"forecasts must have {self.series} series and {self.levels} levels as before, "
                f"got {series} and {levels}"
            )
        self.loss.check(table.forecasts, observed[..., None, None])

    @property
    def apart(self) -> bool:
        """Whether every level is a problem of its own."""
        return self.levels > 1 and not self.shared

    def track(self, hull: Hull) -> Track:
        """A fresh game."""
        loss = self.loss.spread(self.series) if self.apart else self.loss
        batch = self.series * (self.levels if self.apart else 1)
        if self.learner == "nnls":
            return Track(NonNegative(batch, hull.experts), self.delay)
        game = Game(
            self.learner,
            loss,
            hull.prior,
            batch,
            gradient=self.gradient,
            aggregating=self.aggregating,
        )
        return Track(game, self.delay)

    def problems(self, forecasts: Array) -> Array:
        """(n, B, K, Q') from (n, S, K, Q): series, or series x levels with Q' = 1."""
        if not self.apart:
            return forecasts
        n, _, experts, _ = forecasts.shape
        return np.moveaxis(forecasts, -1, 2).reshape(n, -1, experts, 1)

    def observed(self, values: Array) -> Array:
        """(n, B) from (n, S)."""
        return np.repeat(values, self.levels, axis=1) if self.apart else values

    def combined(self, values: Array) -> Array:
        """(n, S, Q) from (n, B, Q'). Quantiles are sorted, which never raises their total loss."""
        values = values.reshape(len(values), self.series, self.levels)
        return values if self.loss.classes else np.sort(values, axis=-1)

    def by_level(self, values: Array, *, series: bool) -> Array:
        """(..., B, K) as (..., S, Q, K), without Q if levels share their weights, without S if not
        `series`.
        """
        values = values.reshape(*values.shape[:-2], self.series, -1, values.shape[-1])
        values = values if self.apart else values[..., 0, :]
        return values if series else np.take(values, 0, axis=-2 - self.apart)


def _check(model: Any, loss: Loss, timed: bool) -> None:
    """ValueError for parameters that cannot be, or do not go together."""
    for name in ("gradient", "shared", "keep_history"):
        flag(name, getattr(model, name))
    delay = model.delay
    if isinstance(delay, bool) or not isinstance(delay, int | np.integer) or not 0 <= delay < _LONG:
        raise ValueError(f"delay must be a whole number of rows >= 0, got {delay!r}")
    if timed and delay:
        raise ValueError(f"available_at and delay={delay} both say when observations come")
    nnls = isinstance(model.learner, str) and model.learner == "nnls"
    if nnls and (model.combine != "nonnegative" or loss.name != "squared"):
        raise ValueError(
            "learner='nnls' goes with combine='nonnegative' and loss='squared', got "
            f"combine={model.combine!r} and loss={model.loss!r}"
        )
    if model.combine != "convex" and loss.mixability is not None:
        raise ValueError(
            f"combine must be 'convex' for the loss {loss.name!r}, whose forecasts are "
            f"probabilities, got {model.combine!r}"
        )
    if model.unit not in (None, "auto"):
        raise ValueError(f"unit must be None or 'auto', got {model.unit!r}")


def has_levels(model: Any) -> bool:
    """Whether an aggregator's tables have a last axis of levels or classes."""
    return model.levels is not None or model.classes is not None


def loss_of_model(model: Any) -> Loss:
    """The loss that an aggregator's parameters say."""
    if model.classes is None:
        return loss_of(model.loss, model.levels)
    if model.levels is not None:
        raise ValueError(
            f"classes={model.classes!r} and levels={model.levels!r} exclude each other"
        )
    return class_loss(model.loss, model.classes)


def read_table(how: Any, data: Any, columns: dict[str, Any], *, ahead: bool = False) -> Table:
    """The table in `data`, by the parameters `how`."""
    loss_of_model(how)  # what is wrong with them is not the table's mistake
    special = {"time": how.time, "group": how.group, "available_at": how.available_at}
    for name in columns:
        if name not in special:
            raise TypeError(f"{name} is no argument; time, group and available_at are")
    optional = ("available_at",) if ahead else ()
    return frames.read(data, special | columns, quantiles=has_levels(how), optional=optional)


def learner_of(given: Any, loss: Loss, *, late: bool) -> tuple[Any, bool]:
    """The learner that a name stands for, and whether it is the aggregating algorithm."""
    if isinstance(given, str) and given == "auto":
        plain = "adahedge" if late else "ml_poly"
        given = plain if loss.mixability is None else "aggregating"
    if given == "aggregating":
        if loss.mixability is None:
            raise ValueError(
                f"learner='aggregating' needs a loss of known mixability, 'log' or 'brier', got "
                f"loss={loss.name!r}"
            )
        return hedge(loss.mixability), True
    if not isinstance(given, str):
        check_learner(given)
        return given, False
    if given == "nnls":
        return given, False
    if given not in REGISTRY:
        known = ", ".join(["auto", "aggregating", "nnls", *sorted(REGISTRY)])
        raise ValueError(f"learner must be a learner or one of {known}; got {given!r}")
    try:
        return REGISTRY[given].make(), False
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"learner={given!r} has parameters without a default ({error}): pass "
            f"experts.{given}(...) itself, tuned for losses in the unit of yours"
        ) from None
