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
    """Decorator: `bound`, with a ValueError for an argument outside its domain."""
    signature = inspect.signature(bound)

    @functools.wraps(bound)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name in DOMAINS:
                rule, holds = DOMAINS[name]
                if not (_finite(value) and holds(value)):
                    raise ValueError(f"{name} must be {rule}, got {value!r}")
        return bound(*args, **kwargs)

    return guarded


def _finite(value: Any) -> bool:
    """Also of whole numbers that are too large for a float."""
    return isinstance(value, int) or math.isfinite(math.nan if (x := real(value)) is None else x)
