r"""Sleeping experts: rounds in which only some experts take part, reduced to full information.

Reduction. The player uses ``p_a``, the learner's distribution p conditioned on the awake, and
tells the learner ``l~_k = l_k`` for the awake and ``l~_k = <p_a, l>`` for the asleep. With P the
weight that p gives to the awake, ``<p, l~> = P <p_a, l> + (1 - P) <p_a, l> = <p_a, l>``, so

    <p, l~> - l~_k  =  <p_a, l> - l_k  where k is awake,  and  0  where it is asleep.

Summed over the rounds: the learner's certificate for (p, l~) bounds, for every survivor k, the
regret of p_a to k over the rounds in which k was awake.

Sources: Freund, Schapire, Singer & Warmuth 1997 (specialists); Blum & Mansour 2007, Section 6
(the reduction). They leave open the case that p has weight 0 on all awake (by rounding). There we
play the awake uniformly, which the same lines cover with P = 0.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from experts.types import Array


def restrict(play: Array, awake: Array) -> Array:
    """`play` conditioned on the awake experts, (..., K): exactly 0 on the asleep.

    Parameters
    ----------
    play : (..., K)
        On the simplex.
    awake : bool (..., K)
        Without the removed experts. Where all awake have weight 0 they get equal weights. Where
        no one is awake the round is void: the result is 0 everywhere, and so is the loss.

    Examples
    --------
    >>> import numpy as np
    >>> restrict(np.asarray([0.5, 0.25, 0.25]), np.asarray([False, True, True]))
    array([0. , 0.5, 0.5])
    """
    xp = array_namespace(play)
    weight = xp.where(awake, play, 0.0)
    some = xp.sum(weight, axis=-1, keepdims=True) > 0
    weight = xp.where(some, weight, xp.astype(awake, play.dtype))
    total = xp.sum(weight, axis=-1, keepdims=True)
    return weight / xp.where(total > 0, total, 1.0)


def fill(loss: Array, play: Array, awake: Array) -> Array:
    """`loss` (..., K), with the player's own loss ``<play, loss>`` in place of the asleep experts'.

    Parameters
    ----------
    loss : (..., K)
        May be nan where not awake.
    play : (..., K)
        What `restrict` gave: 0 on the asleep.
    awake : bool (..., K)
    """
    xp = array_namespace(loss)
    suffered = xp.sum(play * xp.where(awake, loss, 0.0), axis=-1, keepdims=True)
    return xp.where(awake, loss, suffered)
