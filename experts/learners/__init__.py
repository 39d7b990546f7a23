"""Learners, one file for each or for a family; every file here is loaded and registers its own.

To add a learner, add a file: `experts.registry` shows one. FTRL, of which many learners are
settings, is in `experts.ftrl`.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
