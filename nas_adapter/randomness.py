"""Random streams: one generator for each seed, purpose and place.

So a checkpoint holds no generator, and the order of calls does not matter.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class Stream(enum.IntEnum):
    """Purposes of random numbers. A search and each retraining count their steps from 0."""

    SPLIT = 0
    NETWORK = 1
    BATCHES = 2
    VALIDATION = 3
    AUGMENTATION = 4
    ARCHITECTURES = 5
    CANDIDATES = 6
    BASELINE = 7
    NOISE = 8  # inside networks: dropout
    READ = 9
    LOOK = 10  # initial weights of a network that is looked at
    LOOKED_AT = 11  # which architectures
    PROBE = 12  # which images
    JUDGES = 13
    FIDELITY = 14


def stream(seed: int, purpose: Stream, index: int = 0) -> torch.Generator:
    """A CPU generator, seeded with 64 bits mixed from the three numbers."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, index))
    state = int(sequence.generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(state - 2**63)  # torch takes a signed number


@contextmanager
def seeded_by(generator: torch.Generator) -> Iterator[None]:
    """Context in which torch's global generator (parameters, dropout) starts like this one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        yield
