"""Search methods, one file each, with their settings; every file here is loaded and enters its own.

To add a method, write its file: settings derived from `MethodSettings` and decorated with `method`,
and a class that implements `Strategy`. Its options, its help and the tests of all methods follow.
"""

from importlib import import_module
from pkgutil import iter_modules

from nas_adapter.strategies.base import METHODS, Context, MethodSettings, Step, Strategy, method

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["METHODS", "Context", "MethodSettings", "Step", "Strategy", "method"]
