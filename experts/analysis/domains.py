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

DOMAINS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "k": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "rows": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "columns": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "rounds": ("a whole number of at least 0", lambda v: v == int(v) >= 0),
    "components": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "size": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "switches": ("a whole number of at least 0", lambda v: v == int(v) >= 0),
    "every": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "variation": ("a number of at least 0", lambda v: v >= 0),
    "eta": ("a positive number", lambda v: v > 0),
    "loss_range": ("a positive number", lambda v: v > 0),
    "bound": ("a positive number", lambda v: v > 0),
    "diameter": ("a positive number", lambda v: v > 0),
    "gradient_bound": ("a positive number", lambda v: v > 0),
    "modulus": ("a positive number", lambda v: v > 0),
    "gamma": ("a positive number", lambda v: v > 0),
    "wealth": ("a positive number", lambda v: v > 0),
    "interval": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "distance": ("a number of at least 0", lambda v: v >= 0),
    "path_length": ("a number of at least 0", lambda v: v >= 0),
    "gradient_length": ("a number of at least 0", lambda v: v >= 0),
    "trace": ("a number of at least 0", lambda v: v >= 0),
    "regret": ("a finite number", lambda _: True),
    "mean_loss": ("in [0, 1]", lambda v: 0 <= v <= 1),
    "log_kept": ("a number of at most 0", lambda v: v <= 0),
    "square": ("a number of at least 0", lambda v: v >= 0),
    "prior": ("in (0, 1]", lambda v: 0 < v <= 1),
    "delta": ("in (0, 1)", lambda v: 0 < v < 1),
    "alpha": ("in (0, 1)", lambda v: 0 < v < 1),
    "order": ("in (0, 1)", lambda v: 0 < v < 1),
    "n": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "dimension": ("a whole number of at least 1", lambda v: v == int(v) >= 1),
    "spread": ("a number of at least 0", lambda v: v >= 0),
    "ridge": ("a positive number", lambda v: v > 0),
    "noise": ("a positive number", lambda v: v > 0),
    "norm": ("a positive number", lambda v: v > 0),
    "length": ("a positive number", lambda v: v > 0),
    "leverage": ("a positive number", lambda v: v > 0),
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
