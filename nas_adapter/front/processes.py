"""The processes that torchrun starts, at work together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import torch
from torch import distributed

from nas_adapter import ranks
from nas_adapter.errors import UserError


@contextmanager
def processes() -> Iterator[None]:
    """Context in which the processes of torchrun share the work, and the first alone prints.

    By gloo on the CPU, by nccl on CUDA, where each has a GPU. Without torchrun nothing changes.
    """
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    if alone or not distributed.is_available() or distributed.is_initialized():
        yield
        return
    backend = "gloo"
    if torch.cuda.is_available():
        place, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if place >= there:
            number = "is 1" if there == 1 else f"are {there}"
            raise UserError(
                f"process {place} has no GPU: there {number}; see --nproc-per-node of torchrun"
            )
        torch.cuda.set_device(place)
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend, timeout=ranks.LIMIT)
    try:
        if ranks.rank() == 0:
            yield
        else:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
                yield
    finally:
        distributed.destroy_process_group()
