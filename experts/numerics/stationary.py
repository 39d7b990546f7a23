"""Stationary distributions of Markov chains."""

from __future__ import annotations

from array_api_compat import array_namespace

from experts.types import Array


def stationary(chain: Array) -> Array:
    """A distribution p with p P = p, (..., K), of a chain P (..., K, K) whose rows sum to 1.

    By removing one state after the other, and putting them back: no subtractions, so every entry
    has a small relative error, however small it is. States that nothing leads to get exactly 0.
    Where several distributions are stationary it is one of them.

    Source: Grassmann, Taksar & Heyman 1985.

    Examples
    --------
    >>> import numpy as np
    >>> stationary(np.asarray([[0.9, 0.1], [0.3, 0.7]]))
    array([0.75, 0.25])
    """
    xp = array_namespace(chain)
    passes = []  # for each state: into it from those before it, and out of it to any of them
    for state in range(chain.shape[-1] - 1, 0, -1):
        back, into = chain[..., state, :state], chain[..., :state, state]
        out = xp.sum(back, axis=-1, keepdims=True)
        passes.append((into, out))
        share = back / xp.where(out > 0, out, 1.0)
        chain = chain[..., :state, :state] + into[..., None] * share[..., None, :]
    weight = xp.ones_like(chain[..., 0])
    for into, out in reversed(passes):
        inflow = xp.sum(weight * into, axis=-1, keepdims=True)
        total = xp.where(inflow + out > 0, inflow + out, 1.0)
        kept = xp.where(inflow > 0, out / total, 1.0)
        weight = xp.concat([weight * kept, inflow / total], axis=-1)
    return weight / xp.sum(weight, axis=-1, keepdims=True)
