"""A-priori regret bounds, one function each. All are in units of loss, over T rounds.

`k` is the number of experts, `rounds` is T, `loss_range` is B, the largest difference between
two losses of a round. The losses may be chosen by an adversary that sees every play.
"""

from __future__ import annotations

import math


def hedge(k: int, rounds: int, eta: float, loss_range: float = 1.0) -> float:
    """ln K / eta + eta T B**2 / 8: Hedge with a fixed eta.

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """
    return math.log(k) / eta + eta * rounds * loss_range**2 / 8


def hedge_tuned(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """B sqrt(T ln K / 2): Hedge with eta = sqrt(8 ln K / (T B**2)).

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """
    return loss_range * math.sqrt(rounds * math.log(k) / 2)


def exponentiated_gradient(k: int, rounds: int, bound: float = 1.0) -> float:
    """L sqrt(2 T ln K): rewards or gradients in [-L, L], eta = sqrt(2 ln K / (T L**2)).

    `hedge_tuned` with B = 2L. Source: Nayman et al. 2019.
    """
    return hedge_tuned(k, rounds, 2 * bound)


def hedge_anytime(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """B sqrt(T ln K): Hedge with eta_t = 2 sqrt(ln K / t) / B.

    Source: Orabona 2019, Section 7.6.
    """
    return loss_range * math.sqrt(rounds * math.log(k))


def adahedge(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """B sqrt(T ln K) + B (4/3 ln K + 2): AdaHedge.

    Source: de Rooij et al. 2014, Theorem 6, with its variance at most T B**2 / 4.
    """
    log_k = math.log(k)
    return loss_range * (math.sqrt(rounds * log_k) + 4 / 3 * log_k + 2)


def hedge_wipeout(
    k: int, rounds: int, eta: float, log_kept: float, loss_range: float = 1.0
) -> float:
    """ln K / eta + eta T B**2 / 8 + (1 / eta) sum_t ln gamma_t: Hedge with wipe-outs.

    Parameters
    ----------
    log_kept
        sum_t ln gamma_t <= 0, gamma_t = weight kept / weight before the wipe-out of round t
        (`wipeout.log_kept`). It only ever tightens the bound.

    Source: Nayman et al. 2019 (there B = 2L), restated in the log domain.
    """
    return hedge(k, rounds, eta, loss_range) + log_kept / eta


def fixed_share(
    k: int, rounds: int, eta: float, alpha: float, switches: int, loss_range: float = 1.0
) -> float:
    """Fixed Share against every sequence of experts that changes S times.

    (1/eta) [ln K + S ln(K/alpha) + (T-1-S) ln 1/(1-alpha+alpha/K)] + eta T B**2 / 8. The share
    goes to all K experts alike, the giver included.

    Source: Herbster & Warmuth 1998; Cesa-Bianchi & Lugosi 2006, Section 5.2.
    """
    stay = -math.log(1 - alpha + alpha / k)
    path = math.log(k) + switches * math.log(k / alpha) + (rounds - 1 - switches) * stay
    return path / eta + eta * rounds * loss_range**2 / 8
