"""A-priori bounds of bandits for losses in [0, 1]; conventions as in `full_information`."""

from __future__ import annotations

import math

from experts.analysis.domains import checked


@checked
def exp3_fixed(k: int, rounds: int, eta: float) -> float:
    """Pseudo-regret of Exp3 with a fixed eta, losses in [0, 1]: ln K / eta + eta T K / 2.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    return math.log(k) / eta + eta * rounds * k / 2


@checked
def exp3(k: int, rounds: int) -> float:
    """Pseudo-regret of Exp3 with eta = sqrt(2 ln K / (T K)), losses in [0, 1]: sqrt(2 T K ln K).

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    return math.sqrt(2 * rounds * k * math.log(k))


@checked
def exp3_anytime(k: int, rounds: int) -> float:
    """Pseudo-regret of Exp3 with eta_t = sqrt(ln K / (t K)), losses in [0, 1]: 2 sqrt(T K ln K).

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    return 2 * math.sqrt(rounds * k * math.log(k))


@checked
def exp3_ix_fixed(k: int, rounds: int, eta: float, delta: float) -> float:
    """Exp3-IX with a fixed eta: (2 ln K + ln(2/delta)) / eta + eta K T + ln(2/delta).

    Losses in [0, 1]; holds for the regret itself with probability 1 - delta.

    Source: Neu 2015, the proof of Theorem 1 with gamma = eta / 2.
    """
    log = math.log(2 / delta)
    return (2 * math.log(k) + log) / eta + eta * k * rounds + log


@checked
def exp3_ix_anytime(k: int, rounds: int, delta: float) -> float:
    """Exp3-IX, losses in [0, 1]: 4 sqrt(K T ln K) + (2 sqrt(K T / ln K) + 1) ln(2 / delta).

    Holds for the regret itself with probability 1 - delta, with eta_t = sqrt(ln K / (K t)).

    Source: Neu 2015, Theorem 1.
    """
    if k == 1:
        return 0.0
    log_k = math.log(k)
    spread = 2 * math.sqrt(k * rounds / log_k) + 1
    return 4 * math.sqrt(k * rounds * log_k) + spread * math.log(2 / delta)


@checked
def exp3_ix(k: int, rounds: int, delta: float) -> float:
    """Exp3-IX, losses in [0, 1]: 2 sqrt(2 K T ln K) + (sqrt(2 K T / ln K) + 1) ln(2 / delta).

    Holds for the regret itself with probability 1 - delta, with eta = sqrt(2 ln K / (K T)).

    Source: Neu 2015, Theorem 1.
    """
    if k == 1:
        return 0.0
    log_k = math.log(k)
    spread = math.sqrt(2 * k * rounds / log_k) + 1
    return 2 * math.sqrt(2 * k * rounds * log_k) + spread * math.log(2 / delta)


@checked
def tsallis_inf(k: int, rounds: int) -> float:
    """Pseudo-regret of Tsallis-INF with plain importance weights, losses in [0, 1]: 4 sqrt(K T).

    width / eta_T + sum_t eta_t sqrt(K) / 2 with width = 4 (sqrt(K) - 1) and eta_t = 2 / sqrt(t).

    Source: Zimmert & Seldin 2021, Theorem 1.
    """
    return 4 * math.sqrt(k * rounds)
