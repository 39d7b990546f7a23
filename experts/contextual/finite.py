"""A known, finite distribution of contexts: checks, and how far it is from degenerate."""

from __future__ import annotations

from typing import Any

import numpy as np

from experts.numerics.arguments import floats
from experts.types import Array


def finite(contexts: Any, chances: Any = None) -> tuple[Array, Array]:
    """Features (J, K, d) that a round may show, and their probabilities (J,), as arrays.

    ValueError if they are none; by default all probabilities are alike.
    """
    features = floats("contexts", contexts)
    if features.ndim != 3 or 0 in features.shape or not np.isfinite(features).all():
        raise ValueError(f"contexts must be finite numbers (J, K, d), got shape {features.shape}")
    count = len(features)
    weights = np.full(count, 1 / count) if chances is None else floats("chances", chances)
    if weights.shape != (count,) or not (np.all(weights > 0) and abs(weights.sum() - 1) < 1e-9):
        raise ValueError(f"chances must be {count} positive numbers with sum 1, got {chances!r}")
    return features, weights


def leverage(contexts: Array, chances: Array) -> tuple[float, float]:
    """The largest x^T E[x x^T]^-1 x of an arm and a context, at least d; and how hard that is.

    The latter is the largest condition number of an E[x x^T], of columns that are scaled to mean
    square 1. ValueError if the contexts of an arm do not span all d directions.
    """
    sizes = np.sqrt(np.einsum("j,jka->ka", chances, contexts**2))
    scaled = contexts / np.where(sizes > 0, sizes, 1.0)
    moments = np.einsum("j,jka,jkb->kab", chances, scaled, scaled)
    spans = np.linalg.eigvalsh(moments)
    if not np.all(spans[:, 0] > spans[:, -1] * len(spans[0]) * np.finfo(np.float64).eps):
        raise ValueError(
            "contexts must span all d directions for every arm, and do not: leave out columns "
            "that others determine"
        )
    solved = np.linalg.solve(moments, np.moveaxis(scaled, 0, -1))
    largest = np.einsum("jka,kaj->kj", scaled, solved).max()
    return float(largest), float((spans[:, -1] / spans[:, 0]).max())


def nested(array: Array) -> Any:
    """Nested tuples of floats: a constant, of no array library."""
    return tuple(map(nested, array)) if array.ndim else float(array)
