"""Search methods, one file each. To add one, write its file and enter it here."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from nas_adapter.strategies.base import LEARNERS, Setting, Step, Strategy
from nas_adapter.strategies.darts import DARTS
from nas_adapter.strategies.random_search import RandomSearch
from nas_adapter.strategies.xnas import XNAS
from nas_adapter.strategies.xnas_sampled import SampledXNAS


class Method(NamedTuple):
    """How a method is made, and which rules of `genotype.read` it can be read off by."""

    make: Callable[[Setting], Strategy]
    rules: tuple[str, ...]


_PLAYS = ("auto", "darts", "mode", "sample")

METHODS = {
    "xnas": Method(XNAS, (*_PLAYS, "best-cumulative")),
    "xnas-sampled": Method(SampledXNAS, (*_PLAYS, "best-cumulative")),
    "darts-first": Method(partial(DARTS, second_order=False), _PLAYS),
    "darts-second": Method(partial(DARTS, second_order=True), _PLAYS),
    "random": Method(RandomSearch, ("auto",)),
}

__all__ = [
    "DARTS",
    "LEARNERS",
    "METHODS",
    "XNAS",
    "Method",
    "RandomSearch",
    "SampledXNAS",
    "Setting",
    "Step",
    "Strategy",
]
