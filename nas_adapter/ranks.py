"""The processes of a distributed training: what they share, and what the first alone does.

All of them do the same steps with the same random numbers, and so hold the same networks and the
same distributions. In a step on weights or edges each takes its part of the batch, and losses,
gradients and statistics of the batch are averaged. The rest (looks at untrained networks,
measurements, decisions) each does for itself: that costs no more time, and nobody waits for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from nas_adapter.errors import UserError

LIMIT = timedelta(minutes=2)
"""Time after which a process that does not answer is given up. One that ends is noticed at once."""

Made = TypeVar("Made")


class ProcessLostError(UserError):
    """Another process has ended, or does not answer."""


def rank() -> int:
    """The number of this process; 0: the first, or the only one."""
    return distributed.get_rank() if _ranks("world")[1] > 1 else 0


def count() -> int:
    """How many processes there are."""
    return _ranks("world")[1]


def averaged(values: Tensor, ranks: Any = "world") -> Tensor:
    """The mean of `values` over the processes `ranks`, the same bits on each; see `EdgeExperts`."""
    group, members = _ranks(ranks)
    if members == 1:
        return values
    return total(values, group) / members


def total(values: Tensor, group: Any = None) -> Tensor:
    """The sum of `values` over the processes of a group (None: all), the same bits on each."""
    summed = values.contiguous().clone()
    if count() > 1:
        with _told():
            distributed.all_reduce(summed, group=group)
    return summed


def mean(parts: Sequence[Tensor]) -> Sequence[Tensor]:
    """The means of several tensors over all processes, at once."""
    if count() == 1 or not parts:
        return parts
    flat = averaged(torch.cat([part.flatten() for part in parts]))
    split = flat.split([part.numel() for part in parts])  # type: ignore[no-untyped-call]
    return [piece.view_as(part) for piece, part in zip(split, parts, strict=True)]


def shared(values: Tensor, ranks: Any) -> Tensor:
    """The `values` of the first of the processes `ranks`."""
    group, members = _ranks(ranks)
    if members > 1:
        source = 0 if group is None else distributed.get_global_rank(group, 0)
        with _told():
            distributed.broadcast(values, source, group=group)
    return values


def largest(*numbers: int) -> tuple[int, ...]:
    """The largest of each of some numbers over all processes."""
    if count() == 1:
        return numbers
    found = torch.tensor(numbers, device=_device())
    with _told():
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return tuple(found.tolist())


def part(values: Tensor, dim: int = 0) -> Tensor:
    """The part of a batch that is this process's; see `check_parts`."""
    return values.chunk(count(), dim)[rank()]


def check_parts(examples: int) -> None:
    """Raise `UserError` unless a batch of so many examples has equal parts for all processes."""
    if examples % count():
        raise UserError(
            f"a batch of {examples} cannot be shared equally by {count()} processes: --batch-size"
        )


def gathered(values: Tensor | None) -> Tensor | None:
    """The parts of all processes (n, ...), one after another."""
    if values is None or count() == 1:
        return values
    parts = [torch.empty_like(values) for _ in range(count())]
    with _told():
        distributed.all_gather(parts, values.contiguous())
    return torch.cat(parts)


def from_first(make: Callable[[], Made]) -> Made:
    """What `make` gives on the first process, to all; a `UserError` there is raised on all."""
    if count() == 1:
        return make()
    told: list[Any] = [None]
    if rank() == 0:
        try:
            told = [(make(), None)]
        except UserError as error:
            told = [(None, str(error))]
    with _told():
        distributed.broadcast_object_list(told, 0, device=_device())
    made, refused = told[0]
    if refused is not None:
        raise UserError(refused)
    return made  # type: ignore[no-any-return]


def _ranks(ranks: Any) -> tuple[Any, int]:
    """The process group (None: that of all), and how many processes it has."""
    if ranks is None or not (distributed.is_available() and distributed.is_initialized()):
        return None, 1
    group = None if isinstance(ranks, str) else ranks
    return group, distributed.get_world_size(group)


def _device() -> torch.device:
    """Where plain numbers are handed over."""
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")


@contextmanager
def _told() -> Iterator[None]:
    """Context of a collective operation, whose failure is told in a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessLostError(
            f"process {rank()} of {count()}: another one has ended or does not answer; --resume "
            "goes on from the last checkpoint"
        ) from error
