"""The words of a command line, as values of options."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nas_adapter.errors import UserError, choose, dashed, nearest
from nas_adapter.front.options import Option
from nas_adapter.front.values import from_text, kind_of

HERE = "here"
"""--help without a word: what has an effect with the other options."""


def read_words(words: Sequence[str], known: Mapping[str, Option]) -> dict[str, Any]:
    """What a command line says: name of an option -> its value.

    Parameters
    ----------
    known
        All options. Besides there are --help [all], --config FILE and --print-config.

    Raises
    ------
    UserError
        No such option, no value, or another kind of value.
    """
    parser = argparse.ArgumentParser(
        add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS, exit_on_error=False
    )
    parser.add_argument("-h", "--help", nargs="?", const=HERE)
    parser.add_argument("--config")
    parser.add_argument("--print-config", action="store_true")
    for name, option in known.items():
        kind = kind_of(option.kind)
        if kind.base is bool:
            parser.add_argument(dashed(name), action=argparse.BooleanOptionalAction)
        elif kind.many:
            parser.add_argument(dashed(name), nargs="*", action="extend")
        else:
            parser.add_argument(dashed(name))
    try:
        found, left = parser.parse_known_args([_with_dashes(word) for word in words])
    except argparse.ArgumentError as error:
        raise UserError(_explained(error, known)) from None
    if left:
        raise UserError(_unknown(left, [*known, "help", "config", "print_config"]))
    said = vars(found)
    if said.get("help", HERE) != HERE:
        choose("--help", said["help"], ["all"])
    return {
        name: _read(known[name], value) if name in known else value for name, value in said.items()
    }


def _with_dashes(word: str) -> str:
    """The word; of an option, with - for _ in its name."""
    name, equals, value = word.partition("=")
    return f"{name.replace('_', '-')}{equals}{value}" if word.startswith("--") else word


def _read(option: Option, value: Any) -> Any:
    kind, what = kind_of(option.kind), dashed(option.name)
    if kind.many:
        return tuple(from_text(what, kind._replace(many=False), one) for one in value)
    return value if isinstance(value, bool) else from_text(what, kind, value)


def _explained(error: argparse.ArgumentError, known: Mapping[str, Option]) -> str:
    """What is wrong with the words of one option."""
    option = str(error.argument_name).partition("/")[0]
    name = option.removeprefix("--").replace("-", "_")
    if name not in known:
        return f"{error.argument_name}: {error.message}"
    kind = kind_of(known[name].kind)
    if kind.base is bool:
        value = error.message.rpartition("argument ")[2]
        return f"{option} takes no value, got {value}; write {option} or {dashed(f'no_{name}')}"
    return f"{option} needs a value, {kind.name}"


def _unknown(left: Sequence[str], names: Iterable[str]) -> str:
    """What is wrong with words that belong to no option; `names` are those of all options."""
    word, _, value = left[0].partition("=")
    near = nearest(word.strip("-"), [name.replace("_", "-") for name in names])
    hint = f"; did you mean --{near}?" if near else "; --help all lists every option"
    if not word.startswith("-"):
        return f"unknown argument {word!r}: options begin with --{hint}"
    if not value and len(left) > 1 and not left[1].startswith("-"):
        value = left[1]
    return f"unknown option {' '.join([word, value]).rstrip()}{hint}"
