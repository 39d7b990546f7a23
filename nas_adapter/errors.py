"""Mistakes that a user can correct: `UserError`, and the checks of settings that raise it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake of the user, told in one sentence; a command prints it and ends with code 2."""

    def __str__(self) -> str:
        """The sentence on one line, whatever was read from a file into it."""
        return " ".join(super().__str__().splitlines())


def choose(what: str, name: str, choices: Iterable[str]) -> None:
    """Raise `UserError`, with the nearest choice and all of them, unless `name` is one of them."""
    known = list(choices)
    if name not in known:
        hint = meant(name, known)
        raise UserError(f"unknown {what} {name!r}: choose one of {', '.join(known)}{hint}")


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice that is spelt most like `name`; None: none is.

    >>> nearest("CIFAR-10", ["digits", "cifar10", "cifar100"]), nearest("imagenet", ["digits"])
    ('cifar10', None)
    """
    lowered = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def meant(name: str, choices: Iterable[str]) -> str:
    """The question for the nearest choice, for the end of a message; "" where none is near."""
    near = nearest(name, choices)
    return f"; did you mean {near}?" if near else ""


def positive(**options: float | str | None) -> None:
    """Raise `UserError` unless each option is positive and finite; text and None are left alone."""
    for name, value in options.items():
        if isinstance(value, int | float) and not 0 < value < math.inf:
            least = "at least 1" if isinstance(value, int) else "a positive number"
            raise UserError(f"{dashed(name)} must be {least}, got {value:g}")


def not_negative(**options: float) -> None:
    """Raise `UserError` unless each option is 0 or more, and finite."""
    for name, value in options.items():
        if not 0 <= value < math.inf:
            raise UserError(f"{dashed(name)} must be 0 or more, got {value:g}")


def rates(**options: float) -> None:
    """Raise `UserError` unless each option is in [0, 1)."""
    for name, value in options.items():
        if not 0 <= value < 1:
            raise UserError(f"{dashed(name)} must be in [0, 1), got {value:g}")


def dashed(name: str) -> str:
    """An option as it is typed.

    >>> dashed("batch_size")
    '--batch-size'
    """
    return f"--{name.replace('_', '-')}"


def typed(name: str, value: Any) -> str:
    """An option with its value, as they are typed.

    >>> typed("batch_size", 8), typed("without", ("none", "tanh")), typed("wipeout", False)
    ('--batch-size 8', '--without none tanh', '--no-wipeout')
    """
    if isinstance(value, bool):
        return dashed(name if value else f"no_{name}")
    values = value if isinstance(value, tuple | list) else [value]
    said = (f"{one:.12g}" if isinstance(one, float) else str(one) for one in values)
    return " ".join([dashed(name), *said])


def finite(loss: float, which: str, what: str = "search") -> float:
    """The loss, or `UserError` where a search or a retraining has diverged."""
    if not math.isfinite(loss):
        raise UserError(
            f"the {which} loss became {loss}: the {what} has diverged; the last checkpoint is kept"
        )
    return loss
