"""The processes of a distributed training: their mean reward, and the draws of the first."""

from __future__ import annotations

from typing import Any

from torch import Tensor, distributed


def averaged(values: Tensor, ranks: Any) -> Tensor:
    """The mean of `values` over the processes `ranks`, the same bits on each; see `EdgeExperts`."""
    group, count = _ranks(ranks)
    if count == 1:
        return values
    total = values.clone()
    distributed.all_reduce(total, group=group)
    return total / count


def shared(values: Tensor, ranks: Any) -> Tensor:
    """The `values` of the first of the processes `ranks`."""
    group, count = _ranks(ranks)
    if count > 1:
        source = 0 if group is None else distributed.get_global_rank(group, 0)
        distributed.broadcast(values, source, group=group)
    return values


def _ranks(ranks: Any) -> tuple[Any, int]:
    """The process group (None: that of all), and how many processes it has."""
    if ranks is None or not (distributed.is_available() and distributed.is_initialized()):
        return None, 1
    group = None if isinstance(ranks, str) else ranks
    return group, distributed.get_world_size(group)
