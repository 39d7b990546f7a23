"""Online-to-batch conversion: one decision from the distributions of T rounds.

For losses that are convex in p and drawn i.i.d., with regret R_T over T rounds, the expected
excess risk of `average_iterate` is at most E[R_T] / T; `sample_iterate` has the same guarantee
also without convexity. `anytime_iterate` has it for the last point, of every round at once.
`best_cumulative` is the leader, which has no such guarantee. With probability 1 - delta the risk of
the average is at most `bounds.batch_risk`, its excess risk at most `bounds.batch_excess_risk`.

Source: Cesa-Bianchi, Conconi & Gentile 2004, Theorem 1 and Corollary 2; Cutkosky 2019.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from experts.numerics.masks import relative
from experts.types import Array


def average_iterate(plays: Array) -> Array:
    """Average (1 / T) sum_t p_t, (..., K), of the distributions `plays` (T, ..., K)."""
    return array_namespace(plays).mean(plays, axis=0)


def sample_iterate(plays: Array, uniforms: Array) -> Array:
    """Distribution of a round that is drawn uniformly, (..., K).

    Parameters
    ----------
    plays : (T, ..., K)
        The distributions of T rounds.
    uniforms : (..., 1)
        In [0, 1); each problem of the batch draws its own round, floor(T u).
    """
    xp = array_namespace(plays)
    rounds = plays.shape[0]
    index = xp.astype(uniforms * rounds, xp.int64)
    index = xp.where(index < rounds, index, rounds - 1)  # T u can round up to T
    steps = xp.arange(rounds, dtype=xp.int64, device=plays.device)
    steps = xp.reshape(steps, (rounds,) + (1,) * uniforms.ndim)
    return xp.sum(xp.where(steps == index, plays, 0.0), axis=0)


def anytime_iterate(before: Array, play: Array, rounds: int) -> Array:
    """Running average x_t = x_{t-1} + (p_t - x_{t-1}) / t of the distributions, (..., K).

    Take round t's gradient g_t at x_t, not at p_t, and feed it to the learner. If
    E[g_t | past] is a gradient at x_t of one convex F, then after every round T and for every u::

        E[F(x_T)] - F(u)  <=  E[ sum_t <g_t, p_t - u> ] / T

    so the learner's bound on its (linear) regret is one on the last point's excess risk.

    Parameters
    ----------
    before : (..., K)
        x_{t-1}; of any finite value if t = 1.
    play : (..., K)
        p_t, the learner's prediction.
    rounds
        t >= 1, this round included.

    Source: Cutkosky 2019, Theorem 1, with equal weights.
    """
    return before + (play - before) / rounds


def best_cumulative(loss: Array, alive: Array) -> Array:
    """Index of the survivor with the smallest cumulative loss, integer (...); ties: the first.

    Parameters
    ----------
    loss : (..., K)
        Cumulative losses; a constant may be missing (`FTRLState.loss` will do).
    alive : bool (..., K)
    """
    xp = array_namespace(loss)
    leader = alive & (relative(loss, alive) == 0)
    return xp.argmax(xp.astype(leader, xp.int8), axis=-1)
