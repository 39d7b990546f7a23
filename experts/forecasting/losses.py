"""`Loss`: what a forecast costs, its derivative in the forecast, and how forecasts are merged.

A forecast is compared with an observation y; losses are convex in the forecast f. The gradient
trick: ``loss(f) - loss(u) <= slope(f) (f - u)`` for every u, so the regret of f = <p, x> to any
fixed convex mixture of the forecasts x_k is at most its regret in the linear losses slope(f) x_k.

Sources: Kivinen & Warmuth 1997; Cesa-Bianchi & Lugosi 2006, Section 2.5 (the gradient trick),
Section 3.6 (the aggregating algorithm); Vovk 1998 (mixability).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.special import xlog1py, xlogy

from experts.types import Array

Function = Callable[[Array, Array], Array]

_MOST = float(np.finfo(np.float64).max)
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


def weighted_mean(play: Array, forecasts: Array) -> Array:
    """``<p, x>``: play (B, K), forecasts (B, K, Q), 0 where play is; shape (B, Q)."""
    return np.einsum("bk,bkq->bq", play, forecasts)


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of forecasts f and observations y, arrays that broadcast."""

    name: str
    value: Function
    """(f, y) -> losses"""
    slope: Function
    """(f, y) -> a subgradient in f"""
    mixability: float | None = None
    """the largest eta for which the loss is eta-mixable, if the aggregating algorithm is offered"""
    merge: Callable[[Array, Array], Array] = weighted_mean
    """what the aggregating algorithm forecasts, from p (B, K) and x (B, K, Q)"""
    interval: tuple[float, float] = (-_MOST, _MOST)
    """where forecasts lie"""
    target: tuple[float, float] = (-_MOST, _MOST)
    """where observations lie"""
    levels: tuple[float, ...] = ()
    """of quantile forecasts, one for each place on their last axis; (): single forecasts"""
    classes: bool = False
    """whether `levels` are numbers of classes, 0 ... C - 1"""

    def at(self, place: int) -> Loss:
        """The loss of one of the levels."""
        level = self.levels[place]
        return self._with(np.asarray([level]), levels=(level,))

    def spread(self, series: int, axes: int = 2) -> Loss:
        """The loss of series x levels single forecasts, level by level, with more axes behind."""
        return self._with(np.tile(self.levels, series).reshape(-1, *[1] * axes))

    def _with(self, array: Array, **changes: Any) -> Loss:
        """With another array of levels in its two functions, which are `partial`s."""
        value, slope = (
            partial(f.func, array, *f.args[1:])  # type: ignore[attr-defined]
            for f in (self.value, self.slope)
        )
        return replace(self, value=value, slope=slope, **changes)

    def check(self, forecasts: Array, observed: Array) -> None:
        """ValueError unless forecasts (n, ..., K, Q) and observations (n, ...) may be compared."""
        for name, values, (low, high) in (
            ("forecasts", forecasts, self.interval),
            ("observed", observed, self.target),
        ):
            wrong = np.argwhere((values < low) | (values > high))
            if len(wrong):
                place = tuple(int(i) for i in wrong[0])
                rule = f"lie in [{low:g}, {high:g}]" if high < _MOST else f"be at least {low:g}"
                raise ValueError(
                    f"{name} must {rule} for the loss {self.name!r}, got {values[place]} in row "
                    f"{place[0]}"
                )
        if self.classes:
            self._check_classes(forecasts, observed)
        elif self.target[0] > -_MOST:  # the others are defined everywhere
            with np.errstate(invalid="ignore", divide="ignore"):
                value = self.value(forecasts, observed)
            wrong = np.argwhere(np.isnan(value) & np.isfinite(forecasts) & np.isfinite(observed))
            if len(wrong):
                place = tuple(int(i) for i in wrong[0])
                raise ValueError(
                    f"{self.name} is not defined for the forecast {forecasts[place]} in row "
                    f"{place[0]} and what was observed"
                )

    def _check_classes(self, forecasts: Array, observed: Array) -> None:
        wrong = np.argwhere(np.abs(forecasts.sum(axis=-1) - 1) > 1e-6)
        if len(wrong):
            raise ValueError(
                "forecasts must add up to 1 over the classes, got "
                f"{forecasts[tuple(wrong[0])].tolist()} in row {wrong[0][0]}"
            )
        wrong = np.argwhere(observed % 1 > 0)
        if len(wrong):
            raise ValueError(
                f"observed must be numbers of classes, got {observed[tuple(wrong[0])]} in row "
                f"{wrong[0][0]}"
            )


def squared() -> Loss:
    """(f - y)**2."""
    return Loss("squared", _squared, _squared_slope)


def absolute() -> Loss:
    """|f - y|."""
    return Loss("absolute", _absolute, _absolute_slope)


def pinball(levels: Sequence[float], *, factor: float = 1.0, name: str | None = None) -> Loss:
    """factor * (1[y < f] - level) (f - y): its mean is smallest at the quantile of that level."""
    try:
        kept = tuple(float(level) for level in levels)
    except (TypeError, ValueError):
        raise ValueError(f"levels must be a list of numbers in (0, 1), got {levels!r}") from None
    if not kept or not all(0 < level < 1 for level in kept):
        raise ValueError(f"levels must lie in (0, 1), got {levels!r}")
    if list(kept) != sorted(set(kept)):
        raise ValueError(f"levels must rise, got {levels!r}")
    array = np.asarray(kept)
    value, slope = (partial(f, array, factor) for f in (_pinball, _pinball_slope))
    return Loss(name or f"pinball:{kept[0]:g}", value, slope, levels=kept)


def log() -> Loss:
    """-ln f if y = 1, -ln(1 - f) if y = 0: f is the probability of an event. 1-mixable, by <p, x>.

    Where y = 1 the forecast may be any number >= 0: the density that a forecaster gave to what
    happened, or the growth of a stock (then the loss of a portfolio <p, x> is -ln of its growth).
    """
    unit = (0.0, 1.0)
    return Loss("log", _log, _log_slope, mixability=1.0, interval=(0.0, _MOST), target=unit)


def brier() -> Loss:
    r"""(f - y)**2 for probabilities f of an event, y in [0, 1]: 2-mixable.

    The aggregating algorithm forecasts 1/2 + (G(0) - G(1)) / 2, with the generalised prediction
    G(y) = -(1/2) ln sum_k p_k exp(-2 (x_k - y)**2); then (f - y)**2 <= G(y) for y = 0 and 1, and
    for all y between. Source: Vovk 1998, Section 3 (eta = 2 / (b - a)**2 for y in [a, b]).
    """
    unit = (0.0, 1.0)
    return Loss("brier", _squared, _squared_slope, 2.0, _brier_merge, unit, unit)


def user_loss(value: Function, slope: Function | None = None) -> Loss:
    """A convex function (f, y) of your own; without `slope` it is a central difference.

    Both take arrays and return one of the same shape: the losses, not their mean. Regret bounds are
    then up to the error of that difference, and only if it is convex in f.
    """
    name = getattr(value, "__name__", type(value).__name__)
    value = partial(_elementwise, value)
    slope = partial(_difference, value) if slope is None else partial(_elementwise, slope)
    return Loss(name, value, slope)


def loss_of(given: Any, levels: Sequence[float] | None = None) -> Loss:
    """The `Loss` that a name, a callable, or a pair of callables (loss, slope) stands for."""
    if isinstance(given, Loss):
        return given
    if levels is not None:
        if given not in ("pinball", "crps"):
            raise ValueError(f"levels go with loss 'pinball' or 'crps', got loss={given!r}")
        return pinball(levels, factor=2.0 if given == "crps" else 1.0, name=given)
    if isinstance(given, str):
        name, _, level = given.partition(":")
        if name == "pinball" and level:
            return pinball([_number(given, level)])
        if given in _NAMED:
            return _NAMED[given]()
    elif callable(given):
        return user_loss(given)
    elif isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
        return user_loss(*given)
    raise ValueError(
        f"loss must be one of {', '.join(_NAMED)}, pinball:LEVEL such as 'pinball:0.9', 'pinball' "
        "or 'crps' with levels=..., a callable (forecast, observed) or a pair of callables "
        f"(loss, its derivative), got {given!r}"
    )


_NAMED: dict[str, Callable[[], Loss]] = {
    each.__name__: each for each in (squared, absolute, log, brier)
}


def _number(given: str, level: str) -> float:
    try:
        return float(level)
    except ValueError:
        raise ValueError(f"loss must be pinball:LEVEL with a number, got {given!r}") from None


def _squared(f: Array, y: Array) -> Array:
    return (f - y) ** 2


def _squared_slope(f: Array, y: Array) -> Array:
    return 2 * (f - y)


def _absolute(f: Array, y: Array) -> Array:
    return np.abs(f - y)


def _absolute_slope(f: Array, y: Array) -> Array:
    return np.sign(f - y)


def _pinball(levels: Array, factor: float, f: Array, y: Array) -> Array:
    return factor * (np.where(y < f, 1.0, 0.0) - levels) * (f - y)


def _pinball_slope(levels: Array, factor: float, f: Array, y: Array) -> Array:
    return factor * np.where(f == y, 0.0, np.where(y < f, 1.0, 0.0) - levels)


def _log(f: Array, y: Array) -> Array:
    return -(xlogy(y, f) + xlog1py(1 - y, -f))


def _log_slope(f: Array, y: Array) -> Array:
    left = np.divide(y, f, out=np.zeros(np.broadcast_shapes(f.shape, y.shape)), where=y > 0)
    right = np.divide(1 - y, 1 - f, out=np.zeros_like(left), where=y < 1)
    return right - left


def _brier_merge(play: Array, forecasts: Array) -> Array:
    """Weights far apart are no trouble: the exponents lie in [-2, 0]."""
    at_0, at_1 = (
        -0.5 * np.log(np.einsum("bk,bkq->bq", play, np.exp(-2 * (forecasts - y) ** 2)))
        for y in (0.0, 1.0)
    )
    return 0.5 + (at_0 - at_1) / 2


def _elementwise(function: Function, f: Array, y: Array) -> Array:
    """function(f, y); ValueError unless these are numbers, one for each forecast."""
    found = np.asarray(function(f, y))
    expected = np.broadcast_shapes(np.shape(f), np.shape(y))
    if found.shape != expected or found.dtype.kind not in "fiu":
        raise ValueError(
            f"loss must return a number for each forecast, an array {expected} and not its mean, "
            f"got {found.dtype} {found.shape}"
        )
    return found


def _difference(value: Function, f: Array, y: Array) -> Array:
    step = _STEP * np.maximum(1.0, np.abs(f))
    return (value(f + step, y) - value(f - step, y)) / (2 * step)
