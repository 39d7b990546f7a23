"""What can be known before a search, and is refused then rather than after hours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nas_adapter.errors import UserError
from nas_adapter.output.export import check_export, standalone
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.runs.retrain import build
from nas_adapter.spaces import Size, Space, uniform_over_choices
from nas_adapter.spaces.genotype import read
from nas_adapter.supernets.layers import placed
from nas_adapter.tasks import Task


def check_search(space: Space, task: Task, channels: int, rule: str) -> None:
    """Raise `UserError` unless the supernet takes the task's batches, and `rule` its edges."""
    play = uniform_over_choices(space, task.device)
    with _told(f"--read {rule} does not fit this space"):
        read(space, rule, play, loss=torch.zeros_like(play), seed=0)
    size = task.size(channels, search=True)
    with _told("the search's networks cannot take such batches (see --batch-size)"):
        net = space.network(size, space.choices, search=True)
        train, _ = next(task.search_batches(0))
        task.loss(placed(net, task.device), train, play.to(torch.get_default_dtype()))


def check_retraining(space: Space, task: Task, size: Size, *, export: bool) -> None:
    """Raise `UserError` unless a discrete network takes the task's batches, and can be exported."""
    cell = tuple(offered[edge % len(offered)] for edge, offered in enumerate(space.choices))
    with _told("the retrained networks cannot take such batches (see --batch-size)"):
        net = placed(build(space, cell, size, seed=0), task.device)
        task.loss(net, next(task.retrain_batches(0)), cell)
    if export:
        check_export(task, standalone(task, net, cell))


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Context of a trial, which leaves no trace but `UserError` if it fails."""
    try:
        with torch.no_grad(), seeded_by(stream(0, Stream.NETWORK)):
            yield
    except UserError:
        raise
    except Exception as error:  # networks and tasks may be the user's own
        reason = str(error).partition("\n")[0]
        raise UserError(f"{what}: {reason}") from error
