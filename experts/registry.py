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

Learners of the other protocols (`experts.types.PROTOCOLS`) are entered in the same way, with
``protocol=``, in a file of their own room; `registered` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from experts.types import Learner

Make = TypeVar("Make", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered learner: its preset, and settings to test it with."""

    name: str
    make: Callable[..., Any]
    """the preset: hyper-parameters in, learner out"""
    examples: tuple[dict[str, Any], ...]
    """settings that the laws are tried with"""
    protocol: type = Learner
    """the contract that it keeps, one of `experts.types.PROTOCOLS`"""


REGISTRY: dict[str, Entry] = {}
"""Learners on the simplex, of `experts.types.Learner`."""

_OTHERS: dict[str, Entry] = {}


def registered(protocol: type = Learner) -> dict[str, Entry]:
    """All entries of a protocol by name, those of the rooms that have been imported."""
    everything = REGISTRY | _OTHERS
    return {name: entry for name, entry in everything.items() if entry.protocol is protocol}


def register(*examples: dict[str, Any], protocol: type = Learner) -> Callable[[Make], Make]:
    """Decorator: enter a preset under its own name.

    Parameters
    ----------
    *examples
        Keyword arguments, each a setting with which every law of the test suite is tried.
        None given: the preset without arguments.
    protocol
        The contract that the learner keeps, one of `experts.types.PROTOCOLS`.
    """
    entries = REGISTRY if protocol is Learner else _OTHERS

    def enter(make: Make) -> Make:
        if make.__name__ in REGISTRY | _OTHERS:
            raise ValueError(f"a learner called {make.__name__!r} is registered already")
        entries[make.__name__] = Entry(make.__name__, make, examples or ({},), protocol)
        return make

    return enter
