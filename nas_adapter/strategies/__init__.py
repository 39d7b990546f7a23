"""Search methods, one file each. To add one, write its file and enter it here."""

from collections.abc import Callable

from nas_adapter.strategies.base import Setting, Step, Strategy
from nas_adapter.strategies.random_search import RandomSearch
from nas_adapter.strategies.xnas import XNAS

METHODS: dict[str, Callable[[Setting], Strategy]] = {"xnas": XNAS, "random": RandomSearch}

__all__ = ["METHODS", "XNAS", "RandomSearch", "Setting", "Step", "Strategy"]
