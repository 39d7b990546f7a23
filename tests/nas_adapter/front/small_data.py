"""Small data that can be learnt from: images of three classes, and a text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from nas_adapter.data.text import Text

CHANNELS = 5


def labelled(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images (count, 5, 6, 6), brighter the larger their label 0, 1, 2."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    images = 0.3 * torch.randn(count, CHANNELS, 6, 6, generator=generator)
    return images + labels[:, None, None, None], labels


def dataset(count: int = 60, seed: int = 0) -> TensorDataset:
    return TensorDataset(*labelled(count, seed))


def text(count: int = 900) -> Text:
    """The letters a to e in order, with breaks; a sixth of them to validate, a sixth to test."""
    generator = torch.Generator().manual_seed(0)
    tokens = (torch.arange(count) + torch.randint(2, (count,), generator=generator)) % 6
    first, second = 4 * count // 6, 5 * count // 6
    parts = tokens[:first], tokens[first:second], tokens[second:]
    return Text(*parts, ("<unk>", *"abcde"), "char")


def data_for(task: str) -> Any:
    return dataset() if task == "images" else text()


TINY: dict[str, dict[str, Any]] = {
    "images": {"epochs": 1, "channels": 2, "batch_size": 15, "retrain_epochs": 1, "baselines": 0},
    "text": {
        "epochs": 1, "channels": 4, "batch_size": 10, "bptt": 5, "retrain_epochs": 1,
        "baselines": 0,
    },
}  # fmt: skip
"""Settings of a run of a second, by task."""
