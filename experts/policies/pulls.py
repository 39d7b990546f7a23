"""`Pulls`, the state of every policy here: how often each arm was pulled, and what it cost."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from experts.numerics.masks import lowest
from experts.numerics.parameters import check_floats
from experts.types import Array


class Pulls(NamedTuple):
    """What has been seen of the arms."""

    count: Array
    """(..., K): how often each arm was pulled"""
    loss: Array
    """(..., K): sum of the losses that it then had"""

    @classmethod
    def open(cls, like: Array) -> Pulls:
        """Before the first round, for problems shaped, typed and placed as `like` (..., K)."""
        check_floats("like", like)
        zero = array_namespace(like).zeros_like(like)
        return cls(zero, zero)

    def add(self, arm: Array, loss: Array) -> Pulls:
        """After `arm`, one-hot bool (..., K), had its entry of `loss` (..., K)."""
        xp = array_namespace(loss)
        return Pulls(
            self.count + xp.astype(arm, self.count.dtype),
            self.loss + xp.where(arm, loss, 0.0),
        )

    @property
    def rounds(self) -> Array:
        """(..., 1): how many rounds were played."""
        return array_namespace(self.count).sum(self.count, axis=-1, keepdims=True)

    @property
    def mean(self) -> Array:
        """(..., K): mean loss of each arm; 0 for one that was never pulled."""
        return self.loss / self.at_least_once

    @property
    def at_least_once(self) -> Array:
        """`count` (..., K), with 1 for 0."""
        xp = array_namespace(self.count)
        return xp.where(self.count > 0, self.count, 1.0)


def least(index: Array, uniforms: Array) -> Array:
    """The arm of smallest index, one-hot bool (..., K); ties: that of the largest uniform.

    Examples
    --------
    >>> import numpy as np
    >>> least(np.asarray([0.5, 0.25, 0.25]), np.asarray([0.9, 0.1, 0.2]))
    array([False, False,  True])
    """
    xp = array_namespace(index)
    tied = index == lowest(index, index == index)  # noqa: PLR0124  (all, and none for nan)
    first = xp.argmax(xp.where(tied, uniforms, -1.0), axis=-1, keepdims=True)
    return xp.arange(index.shape[-1], device=index.device) == first
