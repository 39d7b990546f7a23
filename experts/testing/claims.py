"""Claims of which laws are made: each raises `ClaimError`, with the formula and its two sides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from experts.numerics.state import to_arrays
from experts.testing.games import as_numpy
from experts.types import Array


class ClaimError(AssertionError):
    """A formula that does not hold, for the arrays that a law has compared.

    Parameters
    ----------
    formula
        What should hold.
    left, right
        Its two sides where it is broken most.
    place
        The position of the two in the arrays; None if they are no arrays.
    """

    def __init__(
        self, formula: str, left: object, right: object, place: tuple[int, ...] | None = None
    ) -> None:
        self.formula, self.left, self.right, self.place = formula, left, right, place
        where = f" at index {place}" if place else ""
        super().__init__(f"{formula}\n    left:  {left}{where}\n    right: {right}")


def at_most(
    formula: str, left: Array, right: Array, *, where: Array = True, slack: Array = 0.0
) -> None:
    """``left <= right + slack`` wherever `where` says so; nan is never at most anything."""
    with np.errstate(invalid="ignore", over="ignore"):
        excess = as_numpy(left) - (as_numpy(right) + slack)
        holds = as_numpy(left) <= as_numpy(right) + slack
    _check(formula, left, right, holds | ~as_numpy(where), excess)


def equal(
    formula: str,
    left: Array,
    right: Array,
    *,
    where: Array = True,
    rtol: float = 0,
    atol: float = 0,
) -> None:
    """``|left - right| <= atol + rtol |right|`` wherever `where` says so; nan equals nan.

    `right` is a number, or of the shape of `left`.
    """
    ours, theirs = as_numpy(left), as_numpy(right)
    if theirs.ndim and ours.shape != theirs.shape:
        raise ClaimError(f"{formula} (their shapes)", ours.shape, theirs.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float))
        close = distance <= atol + rtol * np.abs(np.asarray(theirs, dtype=float))
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))  # noqa: PLR0124  (nan)
    _check(formula, left, right, close | same | ~as_numpy(where), distance)


def true(formula: str, holds: bool, found: object, expected: object) -> None:
    """`holds`, with what was found and what should have been."""
    if not holds:
        raise ClaimError(formula, found, expected)


@contextmanager
def refused(formula: str, pattern: str) -> Iterator[None]:
    """The block raises a ValueError whose message matches `pattern`."""
    try:
        yield
    except ValueError as error:
        if not re.search(pattern, str(error)):
            raise ClaimError(formula, f"ValueError: {error}", f"ValueError: {pattern}") from error
        return
    raise ClaimError(formula, "no error", f"ValueError: {pattern}")


@contextmanager
def untouched(arrays: Mapping[str, np.ndarray]) -> Iterator[None]:
    """The block, in which they are read-only from now on, leaves the named arrays as they are."""
    before = {name: array.copy() for name, array in arrays.items()}
    for array in arrays.values():
        array.flags.writeable = False
    yield
    for name, array in arrays.items():
        equal(f"{name} after the round = {name} before it", array, before[name])


def same_start(init: Callable[[Array], Any], like: Array) -> None:
    """`init` makes of `like`, in numpy, what it makes of memory that nobody has written to."""
    state = to_arrays(init(like))
    for name, array in to_arrays(init(np.full_like(like, np.nan))).items():
        equal(f"init(like) does not depend on the values of like: {name}", array, state[name])


def successor(state: Any, after: Any, again: Any, *, play: Array, **told: Array) -> None:
    """Two successors of one state, in numpy, are the same to the bit.

    No state is a view of what was handed out or in: its owner may write into that.
    """
    for name, array in to_arrays(again).items():
        equal(f"update(state), once more: {name} is the same", array, to_arrays(after)[name])
    for held, arrays in ((state, {"play": play}), (after, {"play": play} | told)):
        for name, kept in to_arrays(held).items():
            for other, array in arrays.items():
                shared = np.shares_memory(kept, array)
                true(f"state.{name} is no view of {other}", not shared, "the same memory", "a copy")


def _check(formula: str, left: Array, right: Array, holds: Any, excess: Any) -> None:
    """Raise `ClaimError` unless all of `holds`, with both sides where `excess` is largest."""
    if np.all(holds):
        return
    ours, theirs, holds, excess = np.broadcast_arrays(
        as_numpy(left), as_numpy(right), holds, excess
    )
    excess = np.nan_to_num(excess.astype(float), nan=np.finfo(float).max)
    worst = np.where(holds, -1.0, excess)
    place = tuple(int(i) for i in np.unravel_index(np.argmax(worst), worst.shape))
    raise ClaimError(formula, ours[place].item(), theirs[place].item(), place)
