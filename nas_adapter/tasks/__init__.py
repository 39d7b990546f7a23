"""What networks are trained for, one file each. To add one, write its file and enter it here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from nas_adapter.data import images as image_data
from nas_adapter.data import text as text_data
from nas_adapter.spaces.darts_rnn import Dropout
from nas_adapter.tasks.base import Batch, Forward, Task
from nas_adapter.tasks.images import ImageClassification
from nas_adapter.tasks.text import LanguageModel


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """From which a task is made."""

    data: str
    """the data set's name, e.g. digits or folder:PATH"""
    seed: int
    batch_size: int
    device: torch.device
    data_root: Path
    """where downloaded data sets are kept"""
    image_size: int
    """side that the images of a folder are resized to"""
    cutout: int = 0
    """see `ImageClassification`"""
    tokens: str = "auto"
    """what a text is cut into: word, char or auto"""
    vocabulary: int = 10_000
    """at most so many words"""
    min_count: int = 1
    """a word that occurs less often is <unk>"""
    bptt: int = 35
    """tokens of a window"""
    dropout: Dropout = field(default_factory=Dropout)
    """of a language model"""


def _images(settings: TaskSettings) -> Task:
    images = image_data.load(settings.data, settings.data_root, settings.image_size)
    return ImageClassification(
        images.to(settings.device),
        seed=settings.seed,
        batch_size=settings.batch_size,
        cutout=settings.cutout,
    )


def _text(settings: TaskSettings) -> Task:
    found = text_data.load(
        settings.data,
        tokens=settings.tokens,
        vocabulary=settings.vocabulary,
        min_count=settings.min_count,
    )
    return LanguageModel(
        found.to(settings.device),
        seed=settings.seed,
        batch_size=settings.batch_size,
        bptt=settings.bptt,
        dropout=settings.dropout,
    )


TASKS: dict[str, Callable[[TaskSettings], Task]] = {"images": _images, "text": _text}
"""By the name that a space gives as its `task`. Each raises UserError for data it cannot load."""

__all__ = [
    "TASKS",
    "Batch",
    "Forward",
    "ImageClassification",
    "LanguageModel",
    "Task",
    "TaskSettings",
]
