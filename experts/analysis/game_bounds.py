"""A-priori bounds of learners that play games: regret matching, swap regret, Hedge with itself.

Units and names as in `experts.analysis.bounds`.
"""

from __future__ import annotations

import math

from experts.analysis.domains import checked


@checked
def regret_matching(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """Regret matching and RM+: B sqrt((K - 1) T).

    The sum over k of (<p, l> - l_k)**2 is convex in l, so largest where losses are 0 or B, and
    then, with n of them B and p of weight a on these, it is B**2 (n (1-a)**2 + (K-n) a**2): convex
    in a, and at most (K - 1) B**2 at its ends, as the side without weight is not everyone.

    Source: Hart & Mas-Colell 2000; Tammelin et al. 2015, Lemma 2; K - 1 derived here.
    """
    return loss_range * math.sqrt((k - 1) * rounds)


@checked
def predictive_regret_matching(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """Predictive RM+: 2 B sqrt((K - 1) T), as r_t and r_{t-1} are at most B sqrt(K - 1) long.

    Source: Farina, Kroer & Sandholm 2021, Theorem 3, with the constant of `RegretMatching`.
    """
    return 2 * regret_matching(k, rounds, loss_range)
