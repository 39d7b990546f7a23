"""Mistakes that a user can mend."""

from __future__ import annotations

import math
from collections.abc import Iterable


class UserError(Exception):
    """One sentence for the person at the terminal; a command ends with it and exit code 2."""


def choose(what: str, name: str, choices: Iterable[str]) -> None:
    """Raise `UserError` naming the choices unless `name` is one of them."""
    known = list(choices)
    if name not in known:
        raise UserError(f"unknown {what} {name!r}: choose one of {', '.join(known)}")


def finite(loss: float, which: str, what: str = "search") -> float:
    """The loss, or `UserError` where a search or a retraining has diverged."""
    if not math.isfinite(loss):
        raise UserError(
            f"the {which} loss became {loss}: the {what} has diverged; the last checkpoint is kept"
        )
    return loss
