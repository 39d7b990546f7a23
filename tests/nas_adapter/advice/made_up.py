"""Looks that are made up: their total is known, up to its scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_adapter.advice.looks import Look
from nas_adapter.spaces import Architecture


class AdditiveLooker:
    """An architecture's score is the sum of its operations', plus noise of its own per condition.

    Stands for a `Looker`. Gradients are of the size that expressivity predicts, so trainability is
    silent.
    """

    def __init__(self, scores: Any, noise: float = 0.0, seed: int = 0) -> None:
        self.scores, self.noise, self.seed = np.asarray(scores, dtype=float), noise, seed
        self.looks = 0

    def score(self, architecture: Architecture) -> float:
        """Without noise."""
        return float(self.scores[np.arange(len(architecture)), list(architecture)].sum())

    def __call__(self, architecture: Architecture, condition: int) -> Look:
        self.looks += 1
        generator = np.random.default_rng((self.seed, condition, *architecture))
        value = self.score(architecture) + self.noise * float(generator.normal())
        return Look(value, value, 0.0)


def random_scores(edges: int, operations: int, seed: int) -> Any:
    """(E, K), well apart on every edge."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.permutation(operations) for _ in range(edges)]).astype(float)
