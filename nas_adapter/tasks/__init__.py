"""Tasks that networks are trained for, images and text: one file each, with its settings.

To add a task, write its file and enter its settings here. Data sets are in `nas_adapter.data`.
"""

from nas_adapter.tasks.base import Batch, Forward, Task, TaskSettings
from nas_adapter.tasks.goals import Goal, classes
from nas_adapter.tasks.images import ImageClassification, ImageSettings
from nas_adapter.tasks.text import LanguageModel, TextSettings

TASKS: dict[str, type[TaskSettings]] = {"images": ImageSettings, "text": TextSettings}
"""The settings of every task by the name that a space gives as its `task`."""

__all__ = [
    "TASKS",
    "Batch",
    "Forward",
    "Goal",
    "ImageClassification",
    "ImageSettings",
    "LanguageModel",
    "Task",
    "TaskSettings",
    "TextSettings",
    "classes",
]
