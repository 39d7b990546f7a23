"""A-priori regret bounds of the learners in `experts.convex`.

D is the domain's diameter, d its dimension, x_1 its start, T = `rounds`; gradients g_t have norm at
most G = `gradient_bound`, and `square` is sum_t |g_t|**2, at most T G**2. They hold for every
sequence of losses. An argument outside its domain is a ValueError.
"""

from __future__ import annotations

import math

from experts.analysis.domains import checked


@checked
def ogd_fixed(distance: float, square: float, eta: float) -> float:
    """`ogd`, and `linearised_ftrl`, with a fixed eta: |u - x_1|**2 / (2 eta) + (eta / 2) square.

    `distance` is |u - x_1|. Source: Zinkevich 2003; Orabona 2019, Theorem 2.13.
    """
    return distance**2 / (2 * eta) + eta / 2 * square


@checked
def ogd_tuned(diameter: float, rounds: int, gradient_bound: float = 1.0) -> float:
    """`ogd` with `horizon`: D G sqrt(T). Source: Zinkevich 2003; Orabona 2019, Theorem 2.13."""
    return diameter * gradient_bound * math.sqrt(rounds)


@checked
def ogd(diameter: float, square: float) -> float:
    """`ogd` with the adaptive rate: sqrt(2) D sqrt(square).

    Source: Orabona 2019, Section 4.2; Streeter & McMahan 2010.
    """
    return diameter * math.sqrt(2 * square)


@checked
def strongly_convex_ogd(rounds: int, modulus: float, gradient_bound: float = 1.0) -> float:
    """`strongly_convex_ogd`: G**2 (1 + ln T) / (2 mu), for mu-strongly convex losses.

    Source: Hazan, Agarwal & Kale 2007, Theorem 1.
    """
    return gradient_bound**2 * (1 + math.log(rounds)) / (2 * modulus) if rounds else 0.0


@checked
def adagrad(diameter: float, trace: float) -> float:
    """`adagrad`: 1.000001 sqrt(2) D trace, trace = that of (sum_t g_t g_t^T)**(1/2).

    With the diagonal D is the domain's widest coordinate, trace = sum_i sqrt(sum_t g_{t,i}**2), and
    the factor is 1. Source: Duchi, Hazan & Singer 2011, Theorems 5 and 7.
    """
    return 1.000001 * diameter * math.sqrt(2) * trace


@checked
def online_newton_step(
    dimension: int, rounds: int, gamma: float, diameter: float, gradient_bound: float = 1.0
) -> float:
    """`online_newton_step`: (1 / (2 gamma)) (1 + d ln(1 + (gamma D G)**2 T / d)).

    For the exp-concave losses that `gamma` describes; but for the error of iterated projections.

    Derivation: its certificate with eps = 1 / (gamma D)**2 is at most gamma eps D**2 / 2 +
    (1 / (2 gamma)) sum_t <g_t, A_t^{-1} g_t>, A_t = eps I + sum_{s<=t} g_s g_s^T, and a summand is
    at most ln(det A_t / det A_{t-1}); det A_T is largest if the eigenvalues are equal.

    Source: Hazan, Agarwal & Kale 2007, Theorem 2 and Lemma 11.
    """
    growth = math.log1p((gamma * diameter * gradient_bound) ** 2 * rounds / dimension)
    return (1 + dimension * growth) / (2 * gamma)


@checked
def linearised_ftrl(distance: float, diameter: float, square: float) -> float:
    """`linearised_ftrl` with AdaHedge's rate: sqrt(2 r**2 + 4 D**2) sqrt(square).

    `distance` is r, the largest |u - x_1| in the domain. Source: derived in `linearised_ftrl`.
    """
    return math.sqrt((2 * distance**2 + 4 * diameter**2) * square)


@checked
def coin_betting(
    distance: float, gradient_length: float, wealth: float = 1.0, gradient_bound: float = 1.0
) -> float:
    """`coin_betting`: G r sqrt(V ln(1 + pi V (2V + 1) (r / eps)**2)) + G eps.

    `distance` is r = |u|, `gradient_length` is V = sum_t |g_t| / G, at most T, `wealth` is eps.

    Source: Orabona & Pal 2016, Corollary 5; these constants `experts.convex.CoinBetting`.
    """
    v = gradient_length
    root = math.sqrt(v * math.log1p(math.pi * v * (2 * v + 1) * (distance / wealth) ** 2))
    return gradient_bound * (distance * root + wealth)
