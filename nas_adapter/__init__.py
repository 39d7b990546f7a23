"""XNAS and its baselines on PyTorch: an edge of a supernet is an expert problem of `experts`.

Public names are loaded when they are used, so that importing the package does not import PyTorch.
It asks PyTorch for transparent huge pages, with which recurrent cells are trained 6 to 17 % faster
where Linux offers them; `THP_MEM_ALLOC_ENABLE=0` in the environment declines.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas_adapter.edges import EdgeExperts
    from nas_adapter.errors import UserError
    from nas_adapter.supernets.supernet import MixedEdge

# Before the first tensor: PyTorch reads it once.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

_HOMES = {
    "EdgeExperts": "nas_adapter.edges",
    "MixedEdge": "nas_adapter.supernets.supernet",
    "UserError": "nas_adapter.errors",
}

__all__ = ["EdgeExperts", "MixedEdge", "UserError"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
