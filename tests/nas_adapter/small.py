"""A small supernet of NAS-Bench-201 and batches of random images for it."""

from __future__ import annotations

from typing import Any

import torch

from nas_adapter.data.images import Batch
from nas_adapter.spaces import NASBench201, Size

SPACE = NASBench201()


def make_net(cells: int = 1) -> Any:
    torch.manual_seed(0)
    size = Size(inputs=1, outputs=3, channels=4, cells=cells)
    return SPACE.network(size, [range(5)] * 6, search=True)


def make_batch(seed: int, dtype: torch.dtype = torch.float32) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(12, 1, 6, 6, generator=generator, dtype=dtype)
    return Batch(images, torch.randint(3, (12,), generator=generator))
