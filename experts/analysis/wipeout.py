"""Wipe-out rules: which experts cannot end as the best (`hopeless`), or hardly can (`unlikely`).

With losses of range B in every round and T - t rounds left, an expert that is more than
B (T - t) behind the leader cannot catch up. In XNAS's terms, with rewards in [-L, L] and weights
v_i = exp(eta G_i): drop i when v_i < v_max exp(-2 eta L (T - t)).

Sound: a dropped expert is not the best at T, whatever follows. Tight: an expert that the rule
keeps ends at least as good as every other for some continuation, so no rule that is safe for
every continuation drops more. Both are theorems of the numbers; sums rounded in floating point
move the threshold by as much as the sums themselves are off.

`unlikely` drops far earlier, with a guarantee that holds with probability 1 - delta, for losses
whose means stay the same. Against an adversary it guarantees nothing.

Source: Nayman et al. 2019 (XNAS).
"""

from __future__ import annotations

import math

from array_api_compat import array_namespace

from experts.numerics.masks import relative
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
    """Experts that cannot be the best at T any more: bool (..., K), for `experts.wipe`.

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


def outweighed(
    loss: Array, prior: Array, alive: Array, eta: Array | float, loss_range: float, rounds_left: int
) -> Array:
    """Which experts to drop by their weights, for a prior and a fixed eta: bool (..., K).

    With s_i = ln prior_i - eta L_i: drop i when s_i < max_j s_j - eta B (T - t). With the uniform
    prior this is `hopeless`.

    Guarantee: a dropped expert is not the most probable one at T, whatever follows, but it may be
    the best. For Hedge with this eta and prior, *every* expert k, dropped or not, has
    R_T(k) <= ln(1 / prior_k) / eta + eta T B**2 / 8. (`hopeless` does not keep that bound for the
    experts that it drops.)

    Proof. Let i be dropped for the sake of j. Then L_j(T) <= L_i(T) + ln(prior_j / prior_i) / eta,
    as j's lead is at least that after t rounds and B (T - t) more; so
    R_T(i) <= R_T(j) + ln(prior_j / prior_i) / eta, and the bound of j has ln(1 / prior_j) / eta.
    Drops for the sake of experts that were dropped later add up in the same way.

    Parameters
    ----------
    loss, alive, loss_range, rounds_left
        As in `hopeless`.
    prior : (..., K)
        The distribution of the first round; 0 for experts that do not take part.
    eta
        Number, or (..., 1).

    Source: Nayman et al. 2019 (XNAS), whose rule on the weights v_i this is with v_i(0) = prior_i.
    """
    xp = array_namespace(prior)
    # From the likeliest on, so that a uniform prior is exactly 0 and moves no tie.
    behind = relative(-xp.log(xp.where(alive, prior, 1.0)), alive) / eta
    return alive & (relative(loss + behind, alive) > threshold(loss_range, rounds_left))


def unlikely(
    loss: Array, alive: Array, loss_range: float, rounds: int, horizon: int, delta: float
) -> Array:
    """Experts to drop with confidence 1 - delta: bool (..., K), for `experts.wipe`.

    Those whose cumulative loss is more than ``B sqrt(2 t ln(K T / delta))`` above the best
    survivor's.

    Guarantee: let the losses of different rounds be independent, with the same means in every
    round, and let i be an expert of smallest mean. With probability at least 1 - delta, i is
    dropped in none of T rounds. Nothing is said of the expert that happens to end as the best,
    nor of losses that an adversary chooses.

    Proof. i is dropped in round t only if some k leads it by more than the threshold. The lead is
    a sum of t independent numbers in [-B, B] of mean at most 0, so by Hoeffding's inequality
    this has probability at most delta / (K T); there are K - 1 experts k and T rounds.

    Parameters
    ----------
    loss, alive, loss_range
        As in `hopeless`; B bounds the difference between two losses of a round.
    rounds
        t >= 1 rounds were played.
    horizon
        T >= t: the largest number of rounds in which the rule is used.
    delta
        In (0, 1).

    Source: Even-Dar, Mannor & Mansour 2006, Section 3.1 (successive elimination), for full
    information: differences of losses are seen themselves, and T is known.
    """
    if not 1 <= rounds <= horizon:
        raise ValueError(f"rounds must lie in [1, horizon = {horizon}], got {rounds!r}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie in (0, 1), got {delta!r}")
    lead = loss_range * math.sqrt(2 * rounds * math.log(loss.shape[-1] * horizon / delta))
    return alive & (relative(loss, alive) > lead)


def log_kept(play: Array, dead: Array) -> Array:
    """ln gamma <= 0, (..., 1), where gamma is the share of the weight that a wipe-out keeps.

    Parameters
    ----------
    play : (..., K)
        What the learner predicts before the wipe-out.
    dead : bool (..., K)
        The experts to drop, never all of them.
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
