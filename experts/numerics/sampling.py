"""Draws from a distribution over experts. The random numbers are an argument."""

from __future__ import annotations

from array_api_compat import array_namespace

from experts.types import Array


def draw(play: Array, uniforms: Array) -> Array:
    """Draw one expert for each problem, by inverting the cumulative distribution.

    Parameters
    ----------
    play : (..., K)
        Probabilities; they need not be normalised.
    uniforms : (..., 1)
        In [0, 1). The same uniforms give the same experts on every backend, up to rounding of
        the cumulative sum.

    Returns
    -------
    One-hot bool (..., K). An expert of probability 0 is never drawn: where all are 0, as in a
    void round of sleeping experts, no one is, and the row is False.

    Raises
    ------
    ValueError
        If `uniforms` has another last axis: a number for each expert would draw several.

    Examples
    --------
    >>> import numpy as np
    >>> draw(np.asarray([0.5, 0.0, 0.5]), np.asarray([0.5]))
    array([False, False,  True])
    """
    xp = array_namespace(play)
    if getattr(uniforms, "ndim", 0) and uniforms.shape[-1] != 1:
        raise ValueError(
            f"uniforms must have shape {(*play.shape[:-1], 1)}, one for each problem, got "
            f"{tuple(uniforms.shape)}"
        )
    below = xp.cumulative_sum(play, axis=-1)
    total = below[..., -1:]
    # The second comparison matters when u * total rounds up to total.
    passed = (below <= uniforms * total) & (below < total)
    before = xp.concat([xp.ones_like(passed[..., :1]), passed[..., :-1]], axis=-1)
    return before & ~passed & (total > 0)
