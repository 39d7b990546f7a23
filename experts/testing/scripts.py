"""A case that breaks a law, as a program to paste."""

from __future__ import annotations

import ast
import dataclasses
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np


def script(law: str, learner: Any, case: Mapping[str, Any]) -> str:
    """A program that tries the law on the learner with these arguments."""
    imports: dict[str, str] = {"replay": "experts.testing"}
    made, note = _learner(learner, imports)
    arguments = "".join(_argument(name, value, imports) for name, value in case.items())
    called = f'replay(\n    "{law}",\n    learner,\n{arguments})\n'
    head = ["import numpy as np"] if "np." in called else []
    modules = sorted(set(imports.values()))
    lines = [
        f"from {module} import {', '.join(sorted(n for n in imports if imports[n] == module))}"
        for module in modules
    ]
    return "\n".join([*head, *lines, "", *note, made, called])


def _learner(learner: Any, imports: dict[str, str]) -> tuple[str, list[str]]:
    """The line that makes it, and comments above; its types go into `imports`."""
    types = list(_types(learner))
    notes = [
        f"# {kind.__name__} cannot be imported: paste this below its definition"
        for kind in types
        if not _import(kind, imports)
    ]
    known = {kind.__name__: kind for kind in types}
    with suppress(Exception):  # a repr is any text, and a class may refuse to be made of it
        if type(eval(repr(learner), known)) is type(learner):
            return f"learner = {learner!r}", notes
    with suppress(Exception):
        settings = repr(vars(learner))
        ast.literal_eval(settings)
        name = type(learner).__name__
        return f"learner = object.__new__({name})\nvars(learner).update({settings})", notes
    return "learner = ...  # made as the one that you have checked", notes


def _types(value: Any) -> Iterator[type]:
    """The types that its repr may name: of a dataclass also those of its fields."""
    if type(value).__module__ != "builtins":
        yield type(value)
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _types(getattr(value, field.name))


def _import(value: Any, imports: dict[str, str]) -> bool:
    """Enter a class or function into `imports`; False if no module has it under its name."""
    module, name = value.__module__, value.__name__
    if module == "__main__" or getattr(sys.modules.get(module), name, None) is not value:
        return False
    imports[name] = module
    return True


def _argument(name: str, value: Any, imports: dict[str, str]) -> str:
    """A line of the call; a lambda has no address."""
    if callable(value) and not _import(value, imports):
        return f"    {name}=...,  # as you have given it\n"
    return f"    {name}={_text(value, imports)},\n"


def _text(value: Any, imports: dict[str, str], indent: str = "    ") -> str:
    """Python code for an argument of a law."""
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()})"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        _import(type(value), imports)
        deeper = indent + "    "
        fields = [
            f"{deeper}{name}={_text(part, imports, deeper)},\n"
            for name, part in value._asdict().items()
        ]
        return f"{type(value).__name__}(\n{''.join(fields)}{indent})"
    return value.__name__ if callable(value) else repr(value)
