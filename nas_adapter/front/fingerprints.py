"""What tells a run's data and space from others, though they are called the same."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas_adapter.front.options import options
from nas_adapter.front.settings import Settings
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.spaces import SPACES, Size, Space
from nas_adapter.tasks import ImageClassification, LanguageModel, Task


def fingerprints(space: str | Space, task: Task, channels: int) -> dict[str, str | None]:
    """Entries of a run's configuration; with others it cannot be resumed.

    The data's is of what was read: all images or tokens, their labels and the names of the classes.
    A space's is of its file; of an object from Python, of its edges, its tunings and its layers.

    Parameters
    ----------
    channels
        C of the search.
    """
    size = task.size(channels, search=True)
    return {"data_fingerprint": _of_data(task), "space_fingerprint": _of_space(space, size)}


def described(settings: Settings) -> dict[str, Any]:
    """The task's settings, which every network depends on, as a checkpoint can hold them."""
    return {
        name: value for name, value in options(settings.task).items() if not isinstance(value, Path)
    }


def digest(said: object, *tensors: Tensor) -> str:
    """SHA-256 of the tensors and of what is said of them, its first half."""
    found = hashlib.sha256(repr(said).encode())
    for tensor in tensors:
        found.update(repr((tensor.shape, tensor.dtype)).encode())
        found.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()[:32]


def _of_data(task: Task) -> str | None:
    if isinstance(task, ImageClassification):
        data = task.data
        parts = (data.train.images, data.train.labels, data.test.images, data.test.labels)
        said = (data.classes, data.crop, data.flip, data.normalise)
        count = f"{len(data.train)} and {len(data.test)} images"
        return f"{count}, sha256 {digest(said, *parts)}"
    if isinstance(task, LanguageModel):
        text = task.text
        count = f"{len(text.train)}, {len(text.valid)} and {len(text.test)} tokens"
        return f"{count}, sha256 {digest(text.vocabulary, text.train, text.valid, text.test)}"
    return None


def _of_space(space: str | Space, size: Size) -> str | None:
    if isinstance(space, str):
        if space in SPACES:
            return None
        path = Path(space.rpartition(":")[0]).expanduser()
        return f"{path.name}, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"
    with seeded_by(stream(0, Stream.NETWORK)):
        network = space.network(size, space.choices, search=True)
    tunings = [dataclasses.astuple(one) for one in (space.search_tuning, space.retrain_tuning)]
    said = (space.edges, space.choices, space.inputs, tunings, space.architecture_rate, network)
    return f"sha256 {digest(said)}"
