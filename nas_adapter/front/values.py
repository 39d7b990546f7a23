"""Values of options: read from text, or checked where they come from a file or from Python."""

from __future__ import annotations

from contextlib import suppress
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from nas_adapter.errors import UserError, meant

NAMES: dict[type, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path",
}  # fmt: skip
"""What a value of a type is called."""
ACCEPTED: dict[type, tuple[type, ...]] = {
    bool: (bool,), int: (Integral,), float: (Real,), str: (str, Path), Path: (str, Path),
}  # fmt: skip
"""What may stand for a value of a type."""


class Kind(NamedTuple):
    """What an option takes."""

    base: type
    words: dict[str, Any]
    """words that stand for something else than a value of `base`: "none" for None"""
    many: bool
    """whether it takes any number of them"""

    @property
    def name(self) -> str:
        """The kind in words."""
        said = " or ".join([NAMES[self.base], *self.words])
        return f"a list, each of it {said}" if self.many else said


def kind_of(hint: Any) -> Kind:
    """What an option of this type takes.

    >>> kind_of(int | None).name, kind_of(tuple[str, ...]).name
    ('a whole number or none', 'a list, each of it text')
    """
    parts = get_args(hint) or (hint,)
    base = next(part for part in parts if isinstance(part, type) and part is not NoneType)
    words: dict[str, Any] = {}
    if NoneType in parts and base is not Path:  # a folder may be called none
        words["none"] = None
    for part in parts:
        if get_origin(part) is Literal:
            words |= {word: word for word in get_args(part)}
    return Kind(base, words, get_origin(hint) is tuple)


def from_text(what: str, kind: Kind, text: str) -> Any:
    """One value of an option from what was typed.

    Parameters
    ----------
    what
        How the option is called, for the message.

    Raises
    ------
    UserError
        Another kind of value.
    """
    if text in kind.words:
        return kind.words[text]
    try:
        return kind.base(text)
    except ValueError:
        raise UserError(f"{what} must be {kind.name}, got {text!r}{_hint(kind, text)}") from None


def checked(what: str, kind: Kind, value: Any) -> Any:
    """The value of an option, from a file or from Python; `UserError` for another kind of value.

    Lists are tuples afterwards, words and paths in text what they stand for.
    """
    if kind.many:
        if isinstance(value, list | tuple):
            return tuple(checked(what, kind._replace(many=False), one) for one in value)
        raise UserError(f"{what} must be {kind.name}, got {value!r}; did you mean [{value!r}]?")
    if isinstance(value, str) and value in kind.words:
        return kind.words[value]
    if value is None and (None in kind.words.values() or kind.base is Path):
        return None
    fits = isinstance(value, ACCEPTED[kind.base])
    if fits and (kind.base is bool or not isinstance(value, bool)):
        with suppress(OverflowError):
            return kind.base(value)
    raise UserError(f"{what} must be {kind.name}, got {value!r}{_hint(kind, value)}")


def _hint(kind: Kind, value: Any) -> str:
    """The nearest value that would do, as a question; "" if none is near."""
    text = str(value)
    if kind.base is bool:
        return meant(text, ["true", "false"])
    if kind.base in (int, float):
        try:
            number = float(text)
            return f"; did you mean {round(number) if kind.base is int else number}?"
        except (ValueError, OverflowError):
            return meant(text, kind.words)
    return ""
