"""What a user gives as data: a name, data sets, or a task of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch

from nas_adapter.data.images import Images
from nas_adapter.data.own import as_images
from nas_adapter.data.text import Text
from nas_adapter.errors import UserError
from nas_adapter.front.settings import Settings
from nas_adapter.spaces import Space
from nas_adapter.tasks import Goal, ImageClassification, LanguageModel, Task, TaskSettings


class Source(NamedTuple):
    """Data, and the way to make a task of it."""

    name: str
    """for result.json; two data sets of one's own differ in it"""
    load: Callable[[int, torch.device], Task]
    """from a seed and a device"""


def open_data(
    data: Any, goal: Goal | None, settings: Settings, space: Space
) -> tuple[Source, Settings]:
    """The source of `data`, which is anything that `search` takes, and the settings with it.

    Raises
    ------
    UserError
        Data that the space's networks cannot learn from; a goal with data that has its own.
    """
    if not isinstance(goal, Goal | None):
        raise UserError(f"goal must be a Goal, got {type(goal).__name__}")
    task = replace(settings.task, data=data) if isinstance(data, str) else settings.task  # type: ignore[type-var]
    task = data if isinstance(data, TaskSettings) else task
    if isinstance(data, str | TaskSettings):
        _without_goal(goal)
        return Source(task.data, task.load), replace(settings, task=task)
    if isinstance(data, Text):
        _without_goal(goal)
        _fit(space, "text")
        name = _digest("text", data.train, data.valid, data.test)
        load = partial(_language_model, data, task)
        return Source(name, load), settings
    _fit(space, "images")
    if not isinstance(data, Images):
        train, test = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        data = as_images(train, test, labelled=goal is None)
    parts = (data.train, data.test)
    name = _digest("images", *(tensor for part in parts for tensor in (part.images, part.labels)))
    return Source(name, partial(_images, data, task, goal)), settings


def announce(task: Task) -> None:
    """Print what the data was understood to be."""
    if said := task.facts.get("understood"):
        print(f"data       {said}")


def _language_model(text: Text, task: Any, seed: int, device: torch.device) -> Task:
    return LanguageModel(text.to(device), task, seed=seed)


def _images(images: Images, task: Any, goal: Goal | None, seed: int, device: torch.device) -> Task:
    return ImageClassification(images.to(device), task, seed=seed, goal=goal)


def _without_goal(goal: Goal | None) -> None:
    if goal is not None:
        raise UserError("goal: it is for images of your own; other data says itself what is learnt")


def _fit(space: Space, task: str) -> None:
    if space.task != task:
        raise UserError(f"data: this space is for {space.task}, but the data is {task}")


def _digest(what: str, *tensors: torch.Tensor) -> str:
    """A name that tells the data from other data."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.cpu().contiguous().numpy().data)
    return f"own {what}, {len(tensors[0])} to train on, sha256 {found.hexdigest()[:12]}"
