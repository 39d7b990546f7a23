"""Masks of survivors: `wipe`, and reductions over the survivors alone.

The only file of the package that makes an infinity.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace

from experts.numerics.parameters import check_floats
from experts.types import Array


def wipe(state: Any, dead: Array) -> Any:
    """Remove experts for good: the state without them.

    Parameters
    ----------
    state
        The state of any learner of this package.
    dead : bool (..., K)
        True where an expert is to go. Experts that are gone already stay gone, whatever `dead`
        says of them.

    Returns
    -------
    A new state. The next `predict` gives removed experts probability exactly 0 and renormalises
    the rest. A problem that would lose all of its survivors keeps them all.

    Raises
    ------
    ValueError
        If `dead` is no mask, or none of these problems; no value is read.
    """
    xp = array_namespace(dead)
    shape, is_mask = tuple(state.alive.shape), xp.isdtype(dead.dtype, "bool")
    left = state.alive & ~dead if is_mask else state.alive
    if not is_mask or tuple(left.shape) != shape:
        raise ValueError(
            f"dead must be bool of shape {shape}, got {dead.dtype} of shape {tuple(dead.shape)}"
        )
    return state._replace(alive=xp.where(xp.any(left, axis=-1, keepdims=True), left, state.alive))


def lowest(loss: Array, alive: Array) -> Array:
    """Smallest entry of `loss` among the survivors, (..., 1)."""
    xp = array_namespace(loss)
    return xp.min(xp.where(alive, loss, xp.inf), axis=-1, keepdims=True)


def highest(value: Array, alive: Array) -> Array:
    """Largest entry of `value` among the survivors, (..., 1)."""
    xp = array_namespace(value)
    return xp.max(xp.where(alive, value, -xp.inf), axis=-1, keepdims=True)


def relative(loss: Array, alive: Array) -> Array:
    """`loss` less the best survivor's, (..., K); 0 for the removed."""
    xp = array_namespace(loss)
    return xp.where(alive, loss - lowest(loss, alive), 0.0)


def log(probability: Array) -> Array:
    """Natural logarithm of `probability`, same shape; -inf at 0, without the warning."""
    xp = array_namespace(probability)
    possible = probability > 0
    return xp.where(possible, xp.log(xp.where(possible, probability, 1.0)), -xp.inf)


def log_normalised(logits: Array, alive: Array) -> Array:
    """`logits` less the log of their survivors' total weight, (..., K); 0 for the removed."""
    xp = array_namespace(logits)
    lead = relative(-logits, alive)  # >= 0, so that no exponential overflows
    total = xp.sum(weighed(-lead, alive), axis=-1, keepdims=True)
    return xp.where(alive, -lead - xp.log(total), 0.0)


def weighed(logits: Array, alive: Array) -> Array:
    """``exp(logits)``, exactly 0 for the removed, (..., K)."""
    xp = array_namespace(logits)
    return xp.where(alive, xp.exp(xp.where(alive, logits, 0.0)), 0.0)


def prior_of(like: Array, prior: Array | None) -> Array:
    """`prior` (None: uniform) in shape and dtype of `like` (..., K), normalised to the last bit.

    ValueError if that is not float32 or float64.
    """
    check_floats("like", like)
    xp = array_namespace(like)
    zero = xp.zeros_like(like)
    weights = (zero + 1.0 if prior is None else xp.astype(prior, like.dtype)) + zero
    return weights / xp.sum(weights, axis=-1, keepdims=True)


def count(alive: Array, like: Array) -> Array:
    """Number of survivors, (..., 1), in the dtype of `like`."""
    xp = array_namespace(like)
    return xp.sum(xp.astype(alive, like.dtype), axis=-1, keepdims=True)
