"""One file for each learner or family of learners; every file here is loaded and registers its own.

The engine that many are settings of is in `experts.ftrl`, the registry in `experts.registry`.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
