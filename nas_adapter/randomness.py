"""Random numbers by name: for a seed, a purpose and a place there is one generator.

Nothing has to be saved to continue a run, and no order of calls matters.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class Stream(enum.IntEnum):
    """What a random number is for. A search and each retraining number their steps from 0 anew."""

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


def stream(seed: int, purpose: Stream, index: int = 0) -> torch.Generator:
    """A CPU generator, seeded with 64 bits mixed from the three numbers."""
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose, index))
    state = int(sequence.generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(state - 2**63)  # torch takes a signed number


@contextmanager
def seeded_by(generator: torch.Generator) -> Iterator[None]:
    """What is drawn from torch's global generator inside (parameters, dropout) follows this one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        yield
