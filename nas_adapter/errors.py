"""Mistakes that a user can correct: `UserError`, and the checks of settings that raise it."""

from __future__ import annotations

import math
from collections.abc import Iterable


class UserError(Exception):
    """A mistake of the user, told in one sentence; a command prints it and ends with code 2."""

    def __str__(self) -> str:
        """The sentence on one line, whatever was read from a file into it."""
        return " ".join(super().__str__().splitlines())


def choose(what: str, name: str, choices: Iterable[str]) -> None:
    """Raise `UserError`, listing the choices, unless `name` is one of them."""
    known = list(choices)
    if name not in known:
        raise UserError(f"unknown {what} {name!r}: choose one of {', '.join(known)}")


def positive(**options: float | str | None) -> None:
    """Raise `UserError` unless each option is positive and finite; text and None are left alone."""
    for name, value in options.items():
        if isinstance(value, int | float) and not 0 < value < math.inf:
            raise UserError(f"{dashed(name)} must be a positive number")


def not_negative(**options: float) -> None:
    """Raise `UserError` if an option is below 0."""
    for name, value in options.items():
        if value < 0:
            raise UserError(f"{dashed(name)} must not be negative")


def rates(**options: float) -> None:
    """Raise `UserError` unless each option is in [0, 1)."""
    for name, value in options.items():
        if not 0 <= value < 1:
            raise UserError(f"{dashed(name)} must be in [0, 1)")


def dashed(name: str) -> str:
    """An option as it is typed.

    >>> dashed("batch_size")
    '--batch-size'
    """
    return f"--{name.replace('_', '-')}"


def finite(loss: float, which: str, what: str = "search") -> float:
    """The loss, or `UserError` where a search or a retraining has diverged."""
    if not math.isfinite(loss):
        raise UserError(
            f"the {which} loss became {loss}: the {what} has diverged; the last checkpoint is kept"
        )
    return loss
