"""Ridge regression round by round, with a square root of the inverse."""

from __future__ import annotations

import math
from typing import NamedTuple

from array_api_compat import array_namespace, device

from experts.numerics.parameters import check_floats
from experts.types import Array


class Ridge(NamedTuple):
    """Least squares with penalty: V = ridge I + sum x x^T, theta = V^-1 sum x l.

    Kept is a root A of the inverse, V^-1 = A A^T, and not the inverse: it stays positive
    definite whatever rounding does, and the width ||x||_{V^-1} = ||A^T x|| is never negative.
    Adding x multiplies A by I - c a a^T, a = A^T x, the root of what Sherman and Morrison's
    formula takes off.

    Source: Potter 1963 (square-root filter).
    """

    root: Array
    """(..., d, d): A"""
    theta: Array
    """(..., d): the estimate"""
    log_det: Array
    """(..., 1): ln(det V / det(ridge I))"""

    @classmethod
    def open(cls, like: Array, ridge: float) -> Ridge:
        """Before the first observation; `like` is (..., d)."""
        check_floats("context", like)
        xp = array_namespace(like)
        zero = xp.zeros_like(like)
        eye = xp.eye(like.shape[-1], dtype=like.dtype, device=device(like))
        return cls(zero[..., None] + eye / math.sqrt(ridge), zero, zero[..., :1])

    def add(self, x: Array, loss: Array) -> Ridge:
        """With the observation `loss` (..., 1) at `x` (..., d)."""
        xp = array_namespace(x)
        a = xp.matmul(x[..., None, :], self.root)[..., 0, :]
        gain = xp.sum(a * a, axis=-1, keepdims=True)
        moved = xp.matmul(self.root, a[..., :, None])[..., 0]
        size = xp.sqrt(1 + gain)
        shrunk = moved / (size * (size + 1))
        root = self.root - shrunk[..., :, None] * a[..., None, :]
        error = loss - xp.sum(x * self.theta, axis=-1, keepdims=True)
        theta = self.theta + moved * (error / (1 + gain))
        return Ridge(root, theta, self.log_det + xp.log1p(gain))

    def read(self, features: Array) -> tuple[Array, Array]:
        """<x_k, theta> and ||x_k||_{V^-1} of each row, (..., K), of `features` (..., K, d)."""
        xp = array_namespace(features)
        spread = xp.matmul(features, self.root)
        mean = xp.matmul(features, self.theta[..., :, None])[..., 0]
        return mean, xp.sqrt(xp.sum(spread * spread, axis=-1))
