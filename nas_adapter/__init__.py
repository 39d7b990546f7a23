"""XNAS and its baselines on PyTorch: an edge of a supernet is an expert problem of `experts`.

Public names are loaded when they are used, so that importing the package does not import PyTorch.
It asks PyTorch for transparent huge pages, with which recurrent cells are trained 6 to 17 % faster
where Linux offers them; `THP_MEM_ALLOC_ENABLE=0` in the environment declines.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas_adapter.data.own import as_images
    from nas_adapter.edges import EdgeExperts
    from nas_adapter.errors import UserError
    from nas_adapter.front.retrain import retrain
    from nas_adapter.front.search import search
    from nas_adapter.front.settings import make_settings
    from nas_adapter.spaces import DARTSCNN, DARTSRNN, NASBench201
    from nas_adapter.supernets.supernet import MixedEdge
    from nas_adapter.tasks import Goal

# Before the first tensor: PyTorch reads it once.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

_HOMES = {
    "DARTSCNN": "nas_adapter.spaces",
    "DARTSRNN": "nas_adapter.spaces",
    "EdgeExperts": "nas_adapter.edges",
    "Goal": "nas_adapter.tasks",
    "MixedEdge": "nas_adapter.supernets.supernet",
    "NASBench201": "nas_adapter.spaces",
    "UserError": "nas_adapter.errors",
    "as_images": "nas_adapter.data.own",
    "make_settings": "nas_adapter.front.settings",
    "retrain": "nas_adapter.front.retrain",
    "search": "nas_adapter.front.search",
}

__all__ = [
    "DARTSCNN",
    "DARTSRNN",
    "EdgeExperts",
    "Goal",
    "MixedEdge",
    "NASBench201",
    "UserError",
    "as_images",
    "make_settings",
    "retrain",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
