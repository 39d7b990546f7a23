"""Provable wipeout: drop the experts that can no longer end as the best.

With losses of range B in every round and T - t rounds left, an expert that is more than
B (T - t) behind the leader cannot catch up. In XNAS's terms, with rewards in [-L, L] and weights
v_i = exp(eta G_i): drop i when v_i < v_max exp(-2 eta L (T - t)).

Sound: a dropped expert is not the best at T, whatever follows. Tight: an expert that the rule
keeps ends at least as good as every other for some continuation, so no rule that is safe for
every continuation drops more. Both are theorems of the numbers; sums rounded in floating point
move the threshold by as much as the sums themselves are off.

Source: Nayman et al. 2019 (XNAS).
"""

from __future__ import annotations

from array_api_compat import array_namespace

from experts.masks import relative
from experts.types import Array


def threshold(loss_range: float, rounds_left: int) -> float:
    """The lead that cannot be lost any more: B (T - t).

    Parameters
    ----------
    loss_range
        B; 2L for rewards in [-L, L], b - a for losses in [a, b].
    rounds_left
        T - t after t rounds were played, >= 0.
    """
    if rounds_left < 0:
        raise ValueError(f"rounds_left must be at least 0, got {rounds_left!r}")
    return loss_range * rounds_left


def hopeless(loss: Array, alive: Array, loss_range: float, rounds_left: int) -> Array:
    """Which experts to drop: bool (..., K), to be given to `experts.wipe`.

    Parameters
    ----------
    loss : (..., K)
        Cumulative losses; a constant may be missing from them, so `FTRLState.loss` will do
        under full information.
    alive : bool (..., K)
        The survivors; only they are compared, and only they are dropped.
    loss_range, rounds_left
        As in `threshold`.
    """
    return alive & (relative(loss, alive) > threshold(loss_range, rounds_left))


def log_kept(play: Array, dead: Array) -> Array:
    """ln gamma, (..., 1), <= 0: gamma is the share of the weight that a wipe-out keeps.

    Parameters
    ----------
    play : (..., K)
        What the learner predicts before the wipe-out.
    dead : bool (..., K)
        Who goes: what `hopeless` says, which is never everybody.
    """
    xp = array_namespace(play)
    lost = xp.sum(xp.where(dead, play, 0.0), axis=-1, keepdims=True)
    kept = xp.sum(xp.where(dead, 0.0, play), axis=-1, keepdims=True)
    share = kept / (kept + lost)
    # Of the two forms each is exact where the other rounds. Weights that underflowed to 0 count
    # as the smallest number, which errs on the safe side of every bound.
    small = xp.log(xp.where(share > 0, share, xp.finfo(play.dtype).smallest_normal))
    near = xp.log1p(-xp.where(lost < kept, lost / (kept + lost), 0.0))
    return xp.where(lost < kept, near, small)
