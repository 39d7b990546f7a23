"""The list of learners. Laws, bound plots, benchmarks and documentation read it.

To add a learner, write a function that returns one and decorate it with `register`; nothing
else needs to change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered learner."""

    name: str
    make: Callable[..., Any]
    """the preset: hyper-parameters in, learner out"""
    examples: tuple[dict[str, Any], ...]
    """settings that the laws are tried with"""


REGISTRY: dict[str, Entry] = {}


def register(*examples: dict[str, Any]) -> Callable[[Make], Make]:
    """Decorator: enter a preset under its own name.

    Parameters
    ----------
    *examples
        Keyword arguments, each a setting with which every law of the test suite is tried.
        None given: the preset without arguments.
    """

    def enter(make: Make) -> Make:
        if make.__name__ in REGISTRY:
            raise ValueError(f"a learner called {make.__name__!r} is registered already")
        REGISTRY[make.__name__] = Entry(make.__name__, make, examples or ({},))
        return make

    return enter
