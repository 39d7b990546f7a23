"""What search and retraining share: losses on their way here from the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from nas_adapter.errors import UserError, finite

TOGETHER = 20
"""Steps after which a GPU is asked for their losses. It idles after every question."""


def together(device: torch.device) -> int:
    """Number of steps whose losses are read at once."""
    return TOGETHER if device.type == "cuda" else 1


def read(losses: Iterable[Tensor], count: int) -> Iterator[float]:
    """The losses of a retraining as numbers, `count` at a time; `UserError` if one is not."""
    waiting: list[Tensor] = []
    for loss in losses:
        waiting.append(loss)
        if len(waiting) == count:
            yield from _numbers(waiting)
            waiting.clear()
    yield from _numbers(waiting)


@contextmanager
def fitting() -> Iterator[None]:
    """Context in which a checkpoint is loaded that may be of other networks: `UserError` then."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        raise UserError(
            f"the checkpoint does not fit this run, and was left as it is: {error!r:.200}"
        ) from error


def _numbers(losses: Iterable[Tensor]) -> Iterator[float]:
    for loss in losses:
        yield finite(loss.item(), "training", "retraining")
