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

    Source: Zinkevich et al. 2007, Theorem 4; Tammelin et al. 2015; K - 1 derived here.
    """
    return loss_range * math.sqrt((k - 1) * rounds)


@checked
def predictive_regret_matching(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """Predictive RM+: 2 B sqrt((K - 1) T), as r_t and r_{t-1} are at most B sqrt(K - 1) long.

    Source: Farina, Kroer & Sandholm 2021, with the proof in `RegretMatching`.
    """
    return 2 * regret_matching(k, rounds, loss_range)


@checked
def blum_mansour(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """Swap regret of Blum and Mansour's learner: B sqrt(K T ln K) + K B (4/3 ln K + 2).

    Copy i has losses of range p_{t,i} B in round t: AdaHedge pays at most
    B sqrt(ln K sum_t p_{t,i}**2) + B (4/3 ln K + 2) for each, and as sum_t sum_i p_{t,i}**2 <= T,
    the roots add up to at most sqrt(K T ln K).

    Source: Blum & Mansour 2007; de Rooij et al. 2014, Theorem 6.
    """
    log_k = math.log(k)
    return loss_range * (math.sqrt(k * rounds * log_k) + k * (4 / 3 * log_k + 2))


@checked
def blum_mansour_fixed(k: int, rounds: int, eta: float, loss_range: float = 1.0) -> float:
    """The same with copies of Hedge: K ln K / eta + eta T B**2 / 8.

    Copy i pays at most ln K / eta + (eta / 8) B**2 sum_t p_{t,i}**2.

    Source: Blum & Mansour 2007; Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """
    return k * math.log(k) / eta + eta * rounds * loss_range**2 / 8


@checked
def optimistic_zero_sum(rows: int, columns: int, eta: float, loss_range: float = 1.0) -> float:
    """Optimistic Hedge against itself at a matrix of range B, *for every T*: sum of both regrets.

    ln(m n) / eta + (2 + sqrt(2)) eta B**2 / 8, for eta <= 2 (sqrt(2) - 1) / B; so their averages
    have a duality gap of at most this over T, (1.2072 ln(m n) + 0.3536) B / T at the largest eta.
    It bounds the certificates too.

    Derivation. Let q_t ∝ exp(-eta L_t) and p_t ∝ q_{t-1} exp(-eta m_t) be what is played, with
    m_t = l_{t-1}, d_t = l_t - m_t. By the three-point identity of the entropy the gap of a round
    is <p_t - q_t, d_t> - [KL(p_t, q_{t-1}) + KL(q_t, p_t)] / eta. With u_t = |p_t - q_t|,
    v_t = |p_t - q_{t-1}| (in 1-norm), Pinsker, and any c in (0, 1) it is at most
    eta range(d_t)**2 / (8 c) - [(1 - c) u_t**2 + v_t**2] / (2 eta), as <p - q, d> <= |p - q|
    range(d) / 2. Here range(d_t) <= B |y_t - y_{t-1}| for t > 1, with y of the other player, and
    |p_t - p_{t-1}|**2 <= (u_{t-1} + v_t)**2 <= [(1 - c) u_{t-1}**2 + v_t**2] (2 - c) / (1 - c).
    So from round 2 on the players' terms cancel if (eta B)**2 <= 4 c (1 - c) / (2 - c), which is
    largest, 4 (sqrt(2) - 1)**2, at c = 2 - sqrt(2). Round 1 costs eta B**2 / (8 c) each.

    Source: Rakhlin & Sridharan 2013; Syrgkanis et al. 2015, Theorem 4; constants derived here.
    """
    most = 2 * (math.sqrt(2) - 1) / loss_range
    if eta > most * (1 + 1e-12):
        raise ValueError(f"eta must be at most 2 (sqrt(2) - 1) / B = {most:.6g}, got {eta!r}")
    return math.log(rows * columns) / eta + (2 + math.sqrt(2)) * eta * loss_range**2 / 8
