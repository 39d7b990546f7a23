"""Domains of the arguments of a bound, and the decorator that checks them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from experts.numerics.parameters import real

P = ParamSpec("P")
R = TypeVar("R", bound=float)

Domain = tuple[str, Callable[[Any], bool]]
_FROM_1: Domain = ("a whole number of at least 1", lambda v: v == int(v) >= 1)
_FROM_0: Domain = ("a whole number of at least 0", lambda v: v == int(v) >= 0)
_WHOLE = (_FROM_1, _FROM_0)
_POSITIVE: Domain = ("a positive number", lambda v: v > 0)
_NOT_NEGATIVE: Domain = ("a number of at least 0", lambda v: v >= 0)
_SHARE: Domain = ("in (0, 1)", lambda v: 0 < v < 1)

DOMAINS: dict[str, Domain] = {
    "k": _FROM_1,
    "rows": _FROM_1,
    "columns": _FROM_1,
    "rounds": _FROM_0,
    "components": _FROM_1,
    "size": _FROM_1,
    "switches": _FROM_0,
    "every": _FROM_1,
    "variation": _NOT_NEGATIVE,
    "eta": _POSITIVE,
    "loss_range": _POSITIVE,
    "bound": _POSITIVE,
    "diameter": _POSITIVE,
    "gradient_bound": _POSITIVE,
    "modulus": _POSITIVE,
    "gamma": _POSITIVE,
    "wealth": _POSITIVE,
    "interval": _FROM_1,
    "distance": _NOT_NEGATIVE,
    "path_length": _NOT_NEGATIVE,
    "gradient_length": _NOT_NEGATIVE,
    "trace": _NOT_NEGATIVE,
    "regret": ("a finite number", lambda _: True),
    "mean_loss": ("in [0, 1]", lambda v: 0 <= v <= 1),
    "log_kept": ("a number of at most 0", lambda v: v <= 0),
    "square": _NOT_NEGATIVE,
    "prior": ("in (0, 1]", lambda v: 0 < v <= 1),
    "delta": _SHARE,
    "alpha": _SHARE,
    "order": _SHARE,
    "n": _FROM_1,
    "dimension": _FROM_1,
    "spread": _NOT_NEGATIVE,
    "ridge": _POSITIVE,
    "noise": _POSITIVE,
    "norm": _POSITIVE,
    "length": _POSITIVE,
    "leverage": _POSITIVE,
}
"""name of an argument -> (what it must be, test of that)"""


def checked(bound: Callable[P, R]) -> Callable[P, R]:
    """Decorator: `bound` of Python's own numbers, with a ValueError for one outside its domain."""
    signature = inspect.signature(bound)

    @functools.wraps(bound)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            if name in DOMAINS:
                rule, holds = DOMAINS[name]
                read = _number(value)
                if read is None or not holds(read):
                    raise ValueError(f"{name} must be {rule}, got {value!r}")
                given.arguments[name] = int(read) if DOMAINS[name] in _WHOLE else read
        return bound(*given.args, **given.kwargs)

    return guarded


def _number(value: Any) -> float | None:
    """A finite number as Python's own: those of numpy overflow and round, in silence.

    Whole numbers may be too large for a float.
    """
    if type(value) is int:
        return value
    read = real(value)
    return read if read is not None and math.isfinite(read) else None
