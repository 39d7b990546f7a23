"""Nested settings as flat options: names, values, and which settings an option belongs to.

A settings object is a dataclass whose fields are options, or further settings. An option is named
after its field, or as `tyro.conf.arg(name=...)` says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_type_hints

Settings = TypeVar("Settings")


def options(settings: Any) -> dict[str, Any]:
    """Options of nested settings: name -> value.

    >>> from nas_adapter.runs.retrain import RetrainSettings
    >>> options(RetrainSettings(epochs=3))
    {'retrain_epochs': 3, 'retrain_channels': None}
    """
    found: dict[str, Any] = {}
    for _, name, value in _fields(settings):
        parts = options(value) if dataclasses.is_dataclass(value) else {name: value}
        if twice := found.keys() & parts.keys():
            raise ValueError(f"two options are called {', '.join(twice)}")
        found |= parts
    return found


def with_options(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with other values of those options, by name, that they have."""
    new: dict[str, Any] = {}
    for field, name, value in _fields(settings):
        if dataclasses.is_dataclass(value):
            new[field] = with_options(value, values)
        elif name in values:
            new[field] = values[name]
    return dataclasses.replace(settings, **new)  # type: ignore[type-var]


def _fields(settings: Any) -> Iterator[tuple[str, str, Any]]:
    """For every field its name, its option's name, its value."""
    hints = get_type_hints(type(settings), include_extras=True)
    for field in dataclasses.fields(settings):
        extras = getattr(hints[field.name], "__metadata__", ())
        named = [extra.name for extra in extras if extra.name is not None]
        name = named[0].replace("-", "_") if named else field.name
        yield field.name, name, getattr(settings, field.name)
