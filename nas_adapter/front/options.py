"""Nested settings as flat options: names, kinds, values, help.

A settings object is a dataclass whose fields are options, or further settings. An option is named
after its field, or as the field's metadata say under "option". Its help is the field's docstring.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, get_type_hints

Settings = TypeVar("Settings")


class Option(NamedTuple):
    """An option of some settings."""

    name: str
    kind: Any
    """the field's type, see `values.checked`"""
    value: Any
    owner: type
    """the settings' class"""
    field: str

    @property
    def help(self) -> str:
        """What the option is, on one line."""
        return _documented(self.owner)[self.field]


def flattened(settings: Any) -> dict[str, Option]:
    """Options of nested settings, by name."""
    found: dict[str, Option] = {}
    for option in _fields(settings):
        nested = dataclasses.is_dataclass(option.value)
        parts = flattened(option.value) if nested else {option.name: option}
        if twice := found.keys() & parts.keys():
            raise ValueError(f"two options are called {', '.join(twice)}")
        found |= parts
    return found


def options(settings: Any) -> dict[str, Any]:
    """Options of nested settings: name -> value.

    >>> from nas_adapter.runs.retrain import RetrainSettings
    >>> options(RetrainSettings(epochs=3))
    {'retrain_epochs': 3, 'retrain_channels': None}
    """
    return {name: option.value for name, option in flattened(settings).items()}


def with_options(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with other values of those options, by name, that they have."""
    new: dict[str, Any] = {}
    for option in _fields(settings):
        if dataclasses.is_dataclass(option.value):
            new[option.field] = with_options(option.value, values)
        elif option.name in values:
            new[option.field] = values[option.name]
    return dataclasses.replace(settings, **new)  # type: ignore[type-var]


def _fields(settings: Any) -> Iterator[Option]:
    hints = get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        name, value = field.metadata.get("option", field.name), getattr(settings, field.name)
        yield Option(name, hints[field.name], value, type(settings), field.name)


@functools.cache
def _documented(owner: type) -> dict[str, str]:
    """The docstrings of a dataclass's fields, each on one line."""
    found: dict[str, str] = {}
    for kind in reversed(owner.__mro__):
        if not dataclasses.is_dataclass(kind) or "__annotations__" not in vars(kind):
            continue
        (code,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        assert isinstance(code, ast.ClassDef)
        for field, text in zip(code.body, code.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                assert isinstance(field.target, ast.Name)
                found[field.target.id] = " ".join(ast.literal_eval(text.value).split())
    return found
