"""From one context for all arms to a row of features for each arm."""

from __future__ import annotations

from array_api_compat import array_namespace, device

from experts.types import Array


def disjoint(context: Array, arms: int) -> Array:
    """A block for each arm: features (..., K, K d) of the context (..., d) that all arms share.

    With them `linucb` and the others learn one theta of length d per arm (the disjoint model).

    Examples
    --------
    >>> import numpy as np
    >>> disjoint(np.asarray([3.0, 4.0]), 2)
    array([[3., 4., 0., 0.],
           [0., 0., 3., 4.]])
    """
    xp = array_namespace(context)
    eye = xp.eye(arms, dtype=context.dtype, device=device(context))
    blocks = eye[:, :, None] * context[..., None, None, :]
    return xp.reshape(blocks, (*context.shape[:-1], arms, arms * context.shape[-1]))


def shared(context: Array, arms: int) -> Array:
    """The same row for each arm: features (..., K, d) of the context (..., d), for `real_linexp3`.

    Examples
    --------
    >>> import numpy as np
    >>> shared(np.asarray([3.0, 4.0]), 2)
    array([[3., 4.],
           [3., 4.]])
    """
    xp = array_namespace(context)
    return xp.stack([context] * arms, axis=-2)
