"""A-priori bounds of restarted learners; conventions as in `experts.analysis.bounds`."""

from __future__ import annotations

import math

from experts.analysis.bounds import exp3
from experts.analysis.domains import checked


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

    Then the bound is about 2.4 (2 K ln K V)**(1/3) T**(2/3).

    Examples
    --------
    >>> rexp3_block(4, 100_000, 2.0)
    1205
    """
    if variation == 0 or k == 1 or rounds == 0:
        return max(1, rounds)
    best: float = (rounds * exp3(k, 1) / (4 * variation)) ** (2 / 3)
    blocks = min(rounds, max(1, int(rounds / best)))
    lengths = {math.ceil(rounds / count) for count in (blocks, min(rounds, blocks + 1))}
    return min(lengths, key=lambda every: rexp3(k, rounds, every, variation))
