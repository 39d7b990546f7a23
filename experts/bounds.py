"""A-priori regret bounds, one function each. All are in units of loss, over T rounds.

`k` is the number of experts, `rounds` is T, `loss_range` is B, the largest difference between
two losses of a round. The losses may be chosen by an adversary that sees every play.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


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


def optimistic_hedge(k: int, eta: float, surprises: Iterable[float]) -> float:
    """ln K / eta + (eta / 8) sum_t range(l_t - m_t)**2: Optimistic Hedge.

    Parameters
    ----------
    surprises
        For every round, the largest less the smallest entry of l_t - m_t.

    Source: Rakhlin & Sridharan 2013, with the constant of Hoeffding's lemma.
    """
    return math.log(k) / eta + eta / 8 * sum(surprise**2 for surprise in surprises)


def euclidean(k: int, rounds: int, eta: float, loss_range: float = 1.0) -> float:
    """(1 - 1/K) / (2 eta) + eta T K B**2 / 8: FTRL with `Euclidean`, uniform prior.

    Source: Shalev-Shwartz 2012, Theorem 2.11, with losses centred.
    """
    return (1 - 1 / k) / (2 * eta) + eta * rounds * k * loss_range**2 / 8


def tsallis(k: int, rounds: int, eta: float, order: float = 0.5, loss_range: float = 1.0) -> float:
    """(K**(1 - a) - 1) / (a (1 - a) eta) + eta T B**2 / 2: FTRL with `Tsallis`, full information.

    Source: Abernethy, Lee & Tewari 2015.
    """
    width: float = (k ** (1 - order) - 1) / (order * (1 - order))
    return width / eta + eta * rounds * loss_range**2 / 2


def exp3(k: int, rounds: int) -> float:
    """sqrt(2 T K ln K): pseudo-regret of Exp3 with eta = sqrt(2 ln K / (T K)), losses in [0, 1].

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    return math.sqrt(2 * rounds * k * math.log(k))


def exp3_anytime(k: int, rounds: int) -> float:
    """2 sqrt(T K ln K): pseudo-regret of Exp3 with eta_t = sqrt(ln K / (t K)), losses in [0, 1].

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    return 2 * math.sqrt(rounds * k * math.log(k))


def exp3_ix(k: int, rounds: int, delta: float) -> float:
    """2 sqrt(2 K T ln K) + (sqrt(2 K T / ln K) + 1) ln(2 / delta): Exp3-IX, losses in [0, 1].

    Holds for the regret itself with probability 1 - delta, with eta = sqrt(2 ln K / (K T)).

    Source: Neu 2015, Theorem 1.
    """
    log_k = math.log(k)
    spread = math.sqrt(2 * k * rounds / log_k) + 1
    return 2 * math.sqrt(2 * k * rounds * log_k) + spread * math.log(2 / delta)


def tsallis_inf(k: int, rounds: int) -> float:
    """4 sqrt(K T): pseudo-regret of Tsallis-INF with plain importance weights, losses in [0, 1].

    width / eta_T + sum_t eta_t sqrt(K) / 2 with width = 4 (sqrt(K) - 1) and eta_t = 2 / sqrt(t).

    Source: Zimmert & Seldin 2021, Theorem 1.
    """
    return 4 * math.sqrt(k * rounds)
