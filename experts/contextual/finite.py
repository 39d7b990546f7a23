"""A known, finite distribution of contexts: checks, and how far it is from degenerate."""

from __future__ import annotations

from typing import Any

import numpy as np

from experts.types import Array


def finite(contexts: Any, chances: Any = None) -> tuple[Array, Array]:
    """Features (J, K, d) that a round may show, and their probabilities (J,), as arrays.

    ValueError if they are none; by default all probabilities are alike.
    """
    features = np.asarray(contexts, dtype=np.float64)
    if features.ndim != 3 or 0 in features.shape or not np.isfinite(features).all():
        raise ValueError(f"contexts must be finite numbers (J, K, d), got shape {features.shape}")
    count = len(features)
    weights = np.full(count, 1 / count) if chances is None else np.asarray(chances, np.float64)
    if weights.shape != (count,) or not (np.all(weights > 0) and abs(weights.sum() - 1) < 1e-9):
        raise ValueError(f"chances must be {count} positive numbers with sum 1, got {chances!r}")
    return features, weights


def leverage(contexts: Array, chances: Array) -> float:
    """The largest x^T E[x x^T]^-1 x of an arm and a context, at least d.

    ValueError if the contexts of an arm do not span all d directions.
    """
    moments = np.einsum("j,jka,jkb->kab", chances, contexts, contexts)
    if np.linalg.matrix_rank(moments, hermitian=True).min() < contexts.shape[-1]:
        raise ValueError(
            "contexts must span all d directions for every arm, and do not: leave out columns "
            "that others determine"
        )
    solved = np.linalg.solve(moments, np.moveaxis(contexts, 0, -1))
    return float(np.einsum("jka,kaj->kj", contexts, solved).max())


def nested(array: Array) -> Any:
    """Nested tuples of floats: a constant, of no array library."""
    return tuple(map(nested, array)) if array.ndim else float(array)
