r"""Sleeping experts and late losses, reduced to rounds that a learner's certificate speaks of.

**Sleeping experts**: rounds in which only some take part. The player uses ``p_a``, the learner's
distribution p conditioned on the awake, and tells the learner ``l~_k = l_k`` for the awake and
``l~_k = <p_a, l>`` for the asleep. With P the weight that p
gives to the awake, ``<p, l~> = P <p_a, l> + (1 - P) <p_a, l> = <p_a, l>``, so

    <p, l~> - l~_k  =  <p_a, l> - l_k  where k is awake,  and  0  where it is asleep.

Summed over the rounds: the learner's certificate for (p, l~) bounds, for every survivor k, the
regret of p_a to k over the rounds in which k was awake.

With bandit feedback l is the *estimate* of the awake experts' losses, made from p_a first; the
asleep are then charged <p_a, estimate>. (Without this they would be credited with a loss of 0.)
The lines above hold for the estimates, so the certificate of estimates does; what it says of the
true regret, in expectation or with high probability, is in the docstrings of `exp3`, `exp3_ix`
and `tsallis_inf`.

Sources: Freund, Schapire, Singer & Warmuth 1997 (specialists); Blum & Mansour 2007, Section 6
(the reduction). They leave open the case that p has weight 0 on all awake (by rounding). There we
play the awake uniformly, which the same lines cover with P = 0.

**Late losses**, of a round played with p, when experts that had weight in p have been removed
since. A learner that supports "delayed" bounds sum_t <p'_t, l_t> - l_{t,k}, for every survivor k,
whatever distributions p'_t on the survivors it is told. With p' = p conditioned on the survivors,

    <p, l> - l_k  =  (<p', l> - l_k)  +  (<p, l> - <p', l>).

The second bracket is the same for every k; it is known once the round's losses are, those of the
experts removed since included, and `charge` gives it. So the learner's certificate for p' plus
the sum of the second brackets bounds the regret of p to every survivor. (Where p has no weight on
the removed, p' = p and the bracket is 0.) With sleepers, l is l~ and p is p_a; with bandit
feedback, l is the estimate.
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


def charge(play: Array, loss: Array, alive: Array) -> tuple[Array, Array]:
    """`play` conditioned on the survivors, (..., K), and ``<p, l> - <p', l>``, (..., 1).

    Parameters
    ----------
    play : (..., K)
        What was used in the round of `loss`.
    loss : (..., K)
        May be nan where `play` is 0.
    alive : bool (..., K)
        The survivors, now.

    Examples
    --------
    >>> import numpy as np
    >>> alive = np.asarray([True, True, False])
    >>> charge(np.asarray([0.25, 0.25, 0.5]), np.asarray([0.0, 0.0, 1.0]), alive)
    (array([0.5, 0.5, 0. ]), array([0.5]))
    """
    xp = array_namespace(play)
    gone = xp.any(~alive & (play > 0), axis=-1, keepdims=True)
    told = xp.where(gone, restrict(play, alive), play)
    # Survivors' losses are finite; p' may have weight where p has none.
    known = xp.where(alive | (play > 0), loss, 0.0)
    return told, xp.sum((play - told) * known, axis=-1, keepdims=True)
