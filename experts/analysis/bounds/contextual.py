"""A-priori bounds of the bandits that see a context (`experts.contextual`), as in `bounds`.

`n` is the number of experts, `k` that of arms, `dimension` is d, that of the features, `rounds` is
T. Proofs are with the policies. An argument outside its domain is a ValueError.
"""

from __future__ import annotations

import math

from experts.analysis.domains import checked


@checked
def exp4(n: int, k: int, rounds: int) -> float:
    """Pseudo-regret of Exp4 with a horizon, losses in [0, 1]: sqrt(2 T min(K, N) ln N).

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 4.2; McMahan & Streeter 2009 (the minimum).
    """
    return math.sqrt(2 * rounds * min(k, n) * math.log(n))


@checked
def exp4_fixed(n: int, eta: float, spread: float) -> float:
    """Pseudo-regret of Exp4 with a fixed eta, losses in [0, 1]: ln N / eta + eta S / 2.

    `spread` is S = sum_t sum_k max_i A_t[i, k] of the advice, at most T min(K, N).

    Source: McMahan & Streeter 2009.
    """
    return math.log(n) / eta + eta * spread / 2


@checked
def exp4_anytime(n: int, spread: float) -> float:
    """Pseudo-regret of Exp4 without a horizon, losses in [0, 1]: 2 sqrt(S ln N).

    `spread` is S = sum_t sum_k max_i A_t[i, k] of the advice, at most T min(K, N).

    Source: McMahan & Streeter 2009, with eta_t = sqrt(ln N / S_t).
    """
    return 2 * math.sqrt(spread * math.log(n))


@checked
def exp4_ix(n: int, k: int, rounds: int, delta: float) -> float:
    """Exp4-IX: 2 sqrt(2 K T ln N) + (sqrt(K T / (2 ln N)) + 1) ln(2 / delta).

    Losses in [0, 1]; holds for the regret itself with probability 1 - delta, with
    eta = sqrt(2 ln N / (K T)). For N = 1 read 1 for ln N: the loss that is drawn still differs
    from the expert's mean.

    Source: Neu 2015; see `experts.contextual.exp4_ix`.
    """
    log_n = math.log(n) or 1.0
    chance = (math.sqrt(k * rounds / (2 * log_n)) + 1) * math.log(2 / delta)
    return 2 * math.sqrt(2 * k * rounds * log_n) + chance


@checked
def exp4_ix_fixed(n: int, k: int, rounds: int, eta: float, delta: float) -> float:
    """Exp4-IX with a fixed eta: (2 ln N + ln(2/delta)) / eta + eta K T + ln(2/delta).

    Losses in [0, 1]; holds for the regret itself with probability 1 - delta.

    Source: Neu 2015; see `experts.contextual.exp4_ix`.
    """
    log = math.log(2 / delta)
    return (2 * math.log(n) + log) / eta + eta * k * rounds + log


@checked
def exp4_ix_anytime(n: int, k: int, rounds: int, delta: float) -> float:
    """Exp4-IX, losses in [0, 1]: 4 sqrt(K T ln N) + (sqrt(K T / ln N) + 1) ln(2 / delta).

    Holds for the regret itself with probability 1 - delta, with eta_t = sqrt(ln N / (K t)). For
    N = 1 read 1 for ln N.

    Source: Neu 2015; see `experts.contextual.exp4_ix`.
    """
    log_n = math.log(n) or 1.0
    chance = (math.sqrt(k * rounds / log_n) + 1) * math.log(2 / delta)
    return 4 * math.sqrt(k * rounds * log_n) + chance


@checked
def linucb(
    dimension: int,
    rounds: int,
    delta: float,
    ridge: float = 1.0,
    noise: float = 0.5,
    norm: float = 1.0,
    length: float = 1.0,
) -> float:
    """Pseudo-regret of LinUCB: 2 min(max(S L, r) sqrt(T D / ln 2), S L T).

    With probability 1 - delta for all T at once; D = d ln(1 + T L**2 / (ridge d)) and
    r = R sqrt(2 ln(1 / delta) + D) + sqrt(ridge) S. R is `noise`, S `norm`, L `length`, the largest
    norm of a feature vector.

    Source: Abbasi-Yadkori, Pal & Szepesvari 2011, Theorem 3; see `experts.contextual.linucb`.
    """
    log_det = dimension * math.log1p(rounds * length**2 / (ridge * dimension))
    radius = noise * math.sqrt(2 * math.log(1 / delta) + log_det) + math.sqrt(ridge) * norm
    explored = math.sqrt(rounds * log_det / math.log(2))
    return 2 * min(max(norm * length, radius) * explored, norm * length * rounds)


@checked
def linear_thompson(
    dimension: int,
    k: int,
    rounds: int,
    ridge: float = 1.0,
    noise: float = 0.5,
    length: float = 1.0,
) -> float:
    """Bayesian regret of linear Thompson sampling: sigma sqrt(b T D m / ln(1 + m)).

    b = min(d, 2 ln(K/2) + 2), D = d ln(1 + T m / d), m = L**2 / ridge; sigma is `noise`, L
    `length`, the largest norm of a feature vector. In expectation over theta* from the prior
    N(0, (sigma**2 / ridge) I).

    Source: Russo & Van Roy 2014; see `experts.contextual.linear_thompson`.
    """
    if k == 1:
        return 0.0
    most = length**2 / ridge
    breadth = min(dimension, 2 * math.log(k / 2) + 2)
    log_det = dimension * math.log1p(rounds * most / dimension)
    return noise * math.sqrt(breadth * rounds * log_det * most / math.log1p(most))


@checked
def real_linexp3(dimension: int, k: int, rounds: int, leverage: float) -> float:
    """Pseudo-regret of RealLinExp3 with a horizon: 2 sqrt(K T ln K ((e - 2) d + rho)).

    Losses in [0, 1]; `leverage` is rho, `RealLinExp3.leverage`, at least d.

    Source: Neu & Olkhovskaya 2020; see `experts.contextual.real_linexp3`.
    """
    cost = (math.e - 2) * dimension + leverage
    return 2 * math.sqrt(k * rounds * math.log(k) * cost)
