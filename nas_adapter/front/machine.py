"""The machine and the versions that a run took place on."""

from __future__ import annotations

import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from nas_adapter.errors import UserError, choose

VERSIONS = ("experts-xnas", "torch", "torchvision", "numpy", "array-api-compat")


def pick_device(name: str) -> torch.device:
    """The device called auto, cpu or cuda; UserError for cuda where there is none."""
    choose("--device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch sees no CUDA device here; use --device cpu")
    found = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(found if name == "auto" else name)


def machine(device: torch.device) -> dict[str, Any]:
    """Entries of result.json: the memory used so far, the device, the versions."""
    cuda = device.type == "cuda"
    return {
        "peak_memory_mib": torch.cuda.max_memory_allocated() / 2**20 if cuda else _resident(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in VERSIONS},
        },
    }


def _version(name: str) -> str | None:
    """None: not installed, as this project is when it is run from its folder alone."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _resident() -> float:
    """Largest memory of this process, in MiB."""
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
