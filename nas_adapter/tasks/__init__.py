"""What networks are trained for, one file each. To add one, write its file and enter it here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from nas_adapter import data
from nas_adapter.tasks.base import Batch, Forward, Task
from nas_adapter.tasks.images import ImageClassification


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


def _images(settings: TaskSettings) -> Task:
    images = data.load(settings.data, settings.data_root, settings.image_size)
    return ImageClassification(
        images.to(settings.device),
        seed=settings.seed,
        batch_size=settings.batch_size,
        cutout=settings.cutout,
    )


TASKS: dict[str, Callable[[TaskSettings], Task]] = {"images": _images}
"""By the name that a space gives as its `task`. Each raises UserError for data it cannot load."""

__all__ = ["TASKS", "Batch", "Forward", "ImageClassification", "Task", "TaskSettings"]
