"""A-priori regret bounds in worlds that change: intervals, moving points, restarts."""

from __future__ import annotations

import math

from experts.analysis.bounds.bandits import exp3
from experts.analysis.bounds.full_information import hedge_anytime, squint_uniform
from experts.analysis.domains import checked


@checked
def strongly_adaptive(k: int, rounds: int, interval: int, loss_range: float = 1.0) -> float:
    """`strongly_adaptive` with `horizon` T: regret over any interval of n = `interval` of T rounds.

    An interval is the union of at most two blocks of each length m = 1, 2, 4, ..., over which the
    regret is at most f(m) = min(m B, B sqrt(m ln K) + S_m), where S_m = `squint_uniform` (m / M,
    m B**2, B) and M = sum_m m ceil(T / m), over all m up to the first that is at least T, is what
    the blocks weigh. The bound is the largest sum of f over blocks of n rounds together (that of a
    knapsack with parts of blocks allowed). The whole game (n = T) is one block.

    Source: derived in `experts.learners.strongly_adaptive`.
    """
    if interval > rounds:
        raise ValueError(f"interval must be at most rounds = {rounds}, got {interval!r}")
    sizes = [2**j for j in range((rounds - 1).bit_length() + 1)]
    total = sum(m * -(-rounds // m) for m in sizes)

    def block(n: int, m: int) -> float:
        """After n rounds of a block of length m."""
        copy = squint_uniform(m / total, n * loss_range**2, loss_range)
        return min(n * loss_range, hedge_anytime(k, n, loss_range) + copy)

    if k == 1:
        return 0.0
    if interval == rounds:
        return block(rounds, sizes[-1])
    worst, left = 0.0, interval
    for price, m in sorted(((block(m, m) / m, m) for m in sizes), reverse=True):
        taken = min(left, 2 * m)
        worst, left = worst + price * taken, left - taken
    return worst


@checked
def ader(
    diameter: float, rounds: int, path_length: float = 0.0, gradient_bound: float = 1.0
) -> float:
    """`ader` with `horizon` T: regret against any u_1, ..., u_T in the domain, of path length P.

    G D [(5/4) sqrt(T (1 + 2 P / D)) + sqrt(T / 8) (1 + ln((i+1) (i+2)))], i = floor(log2(1 +
    2 P / D) / 2), P = sum_t |u_{t+1} - u_t|: of order G sqrt(T D (D + P)).

    Source: Zhang, Lu & Zhou 2018, Theorems 3 and 4; constants derived in `experts.convex.Ader`.
    """
    ratio = 1 + 2 * path_length / diameter
    rate = math.floor(math.log2(ratio) / 2)
    meta = math.sqrt(rounds / 8) * (1 + math.log((rate + 1) * (rate + 2)))
    return gradient_bound * diameter * (1.25 * math.sqrt(rounds * ratio) + meta)


@checked
def rexp3(k: int, rounds: int, every: int, variation: float) -> float:
    """Dynamic regret of `rexp3` in expectation: ceil(T / every) sqrt(2 every K ln K) + 2 every V.

    Losses in [0, 1], whose expectations m_t have sum_t max_k |m_{t+1,k} - m_{t,k}| <= V.

    Source: Besbes, Gur & Zeevi 2014, Theorem 2, with the constants proved in `rexp3`.
    """
    return math.ceil(rounds / every) * exp3(k, every) + 2 * every * variation


@checked
def rexp3_block(k: int, rounds: int, variation: float) -> int:
    """The `every` of the smallest `bounds.rexp3`, about (T sqrt(2 K ln K) / (4 V))**(2/3).

    Then the bound is about 2.4 (2 K ln K V)**(1/3) T**(2/3). All lengths are compared that are the
    shortest of their number of blocks.

    Examples
    --------
    >>> rexp3_block(4, 100_000, 2.0)
    1205
    """
    few = range(1, math.isqrt(int(rounds)) + 2)
    lengths: set[int] = {*few, *(max(1, math.ceil(rounds / count)) for count in few)}
    return min(sorted(lengths), key=lambda every: rexp3(k, rounds, every, variation))
