"""The registry of learners, which the laws, bound plots, benchmarks and documentation read.

To add a learner, put one file into `experts/learners/`, for example `my_hedge.py`::

    from experts.ftrl import FTRL, Entropy, Fixed, Weighted
    from experts.registry import register

    @register({"eta": 0.5}, {"eta": 2.0})  # every law of the tests is tried with both settings
    def my_hedge(eta: float) -> FTRL:
        '''My Hedge: exponential weights with a fixed learning rate.

        Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
        '''
        return FTRL(Entropy(), Fixed(eta), Weighted())

No other file changes; `REGISTRY["my_hedge"].make(eta=0.5)` makes one. A learner that is no FTRL is
a class with the methods of `experts.types.Learner`; `experts/learners/normal_hedge.py` is short.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered learner: its preset, and settings to test it with."""

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
