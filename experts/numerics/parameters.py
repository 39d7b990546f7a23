"""Parameters of learners: one number, or one for each problem of a batch; and what a type carries.

A sweep is kept as nested tuples of Python floats: a copy that nobody can write to, equal and
printed by value, of no library and no type until `fitted` gives it those of the problems.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

from array_api_compat import array_namespace, device, is_array_api_obj

from experts.types import Array

Setting: TypeAlias = float | Any
"""A number, or numbers shaped (1,) or batch + (1,): given as an array, kept as nested tuples."""

_SPARE = 2.0**40
"""Numbers stay this factor below the largest of their type, so that sums over rounds do too."""


def largest(like: Array) -> float:
    """The largest loss or estimate that is accepted in the dtype of `like`: its largest / 2**40."""
    return _ends(array_namespace(like), like.dtype)[1] / _SPARE


def smallest(like: Array) -> float:
    """The smallest positive number that the dtype of `like` holds in full precision."""
    return _ends(array_namespace(like), like.dtype)[0]


def check_floats(name: str, like: Array) -> None:
    """Refuse arrays that are not float32 or float64; reads no value.

    Integers would round weights to 0 or 1. float16 holds neither small weights nor sums of more
    than a few thousand losses. What is computed of another byte order has the machine's own.
    """
    xp = array_namespace(like)
    if not xp.isdtype(like.dtype, "real floating"):
        raise ValueError(f"{name} must be of a floating point type, got {like.dtype}")
    if like.dtype not in (xp.float32, xp.float64):
        raise ValueError(f"{name} must be float32 or float64, got {like.dtype}")


def number(name: str, value: Any, *, below: float | None = None) -> float:
    """`value` as a Python float, which leaves the dtype of arrays alone.

    Raises
    ------
    ValueError
        Unless it is one finite real number in (0, `below`).
    """
    read = real(value)
    if read is None or not _within(read, below):
        kind = "be a positive number" if below is None else f"lie in (0, {below:g})"
        raise ValueError(f"{name} must {kind}, got {_shown(value)}")
    return read


def interval(name: str, value: Any) -> tuple[float, float]:
    """`value` as (low, high), two real numbers with low <= high, which may be infinite.

    Raises
    ------
    ValueError
        If it is something else, a set for one, which has no order.
    """
    try:
        low, high = (real(value[end]) for end in range(len(value)))
    except (TypeError, ValueError, LookupError):
        low = high = None
    if low is None or high is None or not low <= high:
        raise ValueError(
            f"{name} must be (low, high), two numbers with low <= high, got {_shown(value)}"
        )
    return low, high


def setting(name: str, value: Any, *, below: float | None = None) -> Setting:
    """`value`, a number or an array of them, as a constant of the learner.

    Parameters
    ----------
    value
        A number, or an array (nested tuples or lists do) shaped (1,) or batch + (1,). An array is
        read on the host, here and never again.
    below
        Values lie in (0, `below`).

    Raises
    ------
    ValueError
        Complex values, strings, another last axis, values out of range.
    """
    if not isinstance(value, tuple | list) and getattr(value, "ndim", 0) == 0:
        return number(name, value, below=below)
    kept: tuple[Any, ...] = _nested(name, value)
    shape = _shape(name, kept)
    if shape[-1] != 1 or 0 in shape:
        raise ValueError(
            f"{name} has shape {shape}, expected a number, (1,), or (..., 1) with one for each "
            "problem of the batch"
        )
    for each in _flat(kept):
        if not _within(each, below):
            kind = "be positive numbers" if below is None else f"lie in (0, {below:g})"
            raise ValueError(f"{name} must {kind}, got {each!r} among {_shown(kept)}")
    return kept


def fitted(name: str, value: Setting, like: Array) -> Array | float:
    """A `setting` for problems shaped, typed and placed as `like` (..., K): to use with (..., 1).

    Raises
    ------
    ValueError
        If the dtype cannot hold a value or its inverse within `largest`, or if the setting has a
        larger batch than `like`, or another one. No array is read.
    """
    xp = array_namespace(like)
    most = largest(like)
    least = 1 / most
    for each in _flat(value):
        if not least <= each <= most:
            raise ValueError(
                f"{name} must lie in [{least:.0e}, {most:.0e}] in {like.dtype}, got {each!r}"
            )
    if not isinstance(value, tuple):
        return value
    shape, batch = _shape(name, value), (*tuple(like.shape)[:-1], 1)
    padded = (1,) * (len(batch) - len(shape)) + shape
    if len(padded) > len(batch) or any(n not in (1, m) for n, m in zip(padded, batch, strict=True)):
        raise ValueError(f"{name} has shape {shape}, expected a number, (1,) or {batch}")
    return xp.asarray(value, dtype=like.dtype, device=device(like))


@lru_cache
def _ends(xp: Any, dtype: Any) -> tuple[float, float]:
    """The smallest normal and the largest number of a type."""
    info = xp.finfo(dtype)
    return float(info.smallest_normal), float(info.max)


def real(value: Any) -> float | None:
    """A real number or an array of no axes as a float; None if it is something else."""
    if isinstance(value, str | bytes | bool) or value is None or getattr(value, "ndim", 0) != 0:
        return None
    other = ("complex floating", "bool")
    if is_array_api_obj(value) and array_namespace(value).isdtype(value.dtype, other):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _nested(name: str, value: Any) -> Any:
    """Nested tuples of floats."""
    if isinstance(value, tuple | list):
        return tuple(_nested(name, each) for each in value)
    if getattr(value, "ndim", 0) > 0:
        return tuple(_nested(name, value[i, ...]) for i in range(value.shape[0]))
    read = real(value)
    if read is None:
        raise ValueError(f"{name} must hold real numbers, got {_shown(value)}")
    return read


def _shape(name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple):
        return ()
    inner = {_shape(name, each) for each in value}
    if len(inner) > 1:
        raise ValueError(f"{name} must be a number or an array, got rows of different lengths")
    return (len(value), *(inner.pop() if inner else ()))


def _flat(value: Setting) -> list[float]:
    if not isinstance(value, tuple):
        return [value]
    return [number for each in value for number in _flat(each)]


def _within(value: float, below: float | None) -> bool:
    return value > 0 and (math.isfinite(value) if below is None else value < below)


def _shown(value: Any) -> str:
    """Its repr, or of what kind it is if that is long."""
    if getattr(value, "ndim", 0) > 0:
        return f"an array of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."
