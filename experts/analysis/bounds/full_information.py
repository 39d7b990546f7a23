"""A-priori regret bounds, one function each, in units of loss over T rounds.

`k` is the number of experts, `rounds` is T, `loss_range` is B, the largest difference between
two losses of a round. The losses may be chosen by an adversary that sees every p_t. The prior is
uniform; for another, read max_k ln(1 / prior_k) for ln K (for a fixed eta, ln(1 / prior_k) is the
price of expert k), as the schedules do when they tune themselves. With one expert (k = 1) the
regret is 0, and every bound is at least 0. An argument outside its domain is a ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from experts.analysis.domains import checked


@checked
def hedge(k: int, rounds: int, eta: float, loss_range: float = 1.0) -> float:
    """Hedge with a fixed eta: ln K / eta + eta T B**2 / 8.

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """
    return math.log(k) / eta + eta * rounds * loss_range**2 / 8


@checked
def hedge_prior(prior: float, rounds: int, eta: float, loss_range: float = 1.0) -> float:
    """Hedge with a fixed eta from a prior: ln(1 / prior_k) / eta + eta T B**2 / 8 against expert k.

    `prior` is that expert's first probability. Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2 with
    unequal initial weights; `hedge` is its uniform case.
    """
    return -math.log(prior) / eta + eta * rounds * loss_range**2 / 8


@checked
def hedge_tuned(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """Hedge with eta = sqrt(8 ln K / (T B**2)): B sqrt(T ln K / 2).

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """
    return loss_range * math.sqrt(rounds * math.log(k) / 2)


@checked
def exponentiated_gradient(k: int, rounds: int, bound: float = 1.0) -> float:
    """Exponentiated gradient with eta = sqrt(2 ln K / (T L**2)): L sqrt(2 T ln K).

    Rewards or gradients in [-L, L]: `hedge_tuned` with B = 2L. Source: Nayman et al. 2019.
    """
    return hedge_tuned(k, rounds, 2 * bound)


@checked
def hedge_anytime(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """Hedge with eta_t = 2 sqrt(ln K / t) / B: B sqrt(T ln K).

    Source: Orabona 2019, Section 7.6.
    """
    return loss_range * math.sqrt(rounds * math.log(k))


@checked
def adahedge(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """AdaHedge: B sqrt(T ln K) + B (4/3 ln K + 2).

    Source: de Rooij et al. 2014, Theorem 6, with its variance at most T B**2 / 4.
    """
    log_k = math.log(k)
    return loss_range * (math.sqrt(rounds * log_k) + 4 / 3 * log_k + 2)


@checked
def hedge_wipeout(
    k: int, rounds: int, eta: float, log_kept: float, loss_range: float = 1.0
) -> float:
    """Hedge with wipe-outs: ln K / eta + eta T B**2 / 8 + (1 / eta) sum_t ln gamma_t.

    `log_kept` is sum_t ln gamma_t <= 0, gamma_t = weight kept / weight before the wipe-out of
    round t (`wipeout.log_kept`). It can only tighten the bound.

    Source: Nayman et al. 2019 (there B = 2L), restated in the log domain.
    """
    return hedge(k, rounds, eta, loss_range) + log_kept / eta


@checked
def optimistic_hedge(k: int, eta: float, surprises: Iterable[float]) -> float:
    """Optimistic Hedge: ln K / eta + (eta / 8) sum_t range(l_t - m_t)**2.

    `surprises` holds the range of l_t - m_t, largest less smallest entry, for every round.

    Source: Rakhlin & Sridharan 2013, with the constant of Hoeffding's lemma.
    """
    return math.log(k) / eta + eta / 8 * sum(float(surprise) ** 2 for surprise in surprises)


@checked
def euclidean(k: int, rounds: int, eta: float, loss_range: float = 1.0) -> float:
    """FTRL with `Euclidean` and uniform prior: (1 - 1/K) / (2 eta) + eta T K B**2 / 8.

    Source: Shalev-Shwartz 2012, Theorem 2.11, with losses centred.
    """
    return (1 - 1 / k) / (2 * eta) + eta * rounds * k * loss_range**2 / 8


@checked
def tsallis(k: int, rounds: int, eta: float, order: float = 0.5, loss_range: float = 1.0) -> float:
    """FTRL with `Tsallis`, full information: (K**(1 - a) - 1) / (a (1 - a) eta) + eta T B**2 / 2.

    Source: Abernethy, Lee & Tewari 2015.
    """
    width: float = (k ** (1 - order) - 1) / (order * (1 - order))
    return width / eta + eta * rounds * loss_range**2 / 2


@checked
def fixed_share(
    k: int, rounds: int, eta: float, alpha: float, switches: int, loss_range: float = 1.0
) -> float:
    """Fixed Share against every sequence of experts with S switches.

    (1/eta) [ln K + S ln(K/alpha) + (T-1-S) ln 1/(1-alpha+alpha/K)] + eta T B**2 / 8. The share
    goes to all K experts alike, the one that gives it included.

    Source: Herbster & Warmuth 1998; Cesa-Bianchi & Lugosi 2006, Section 5.2.
    """
    if switches > max(0, rounds - 1):
        raise ValueError(f"switches must be at most rounds - 1 = {rounds - 1}, got {switches!r}")
    stay = -math.log(1 - alpha + alpha / k)
    path = math.log(k) + switches * math.log(k / alpha) + max(0, rounds - 1 - switches) * stay
    return path / eta + eta * rounds * loss_range**2 / 8


@checked
def ml_poly(k: int, rounds: int, loss_range: float = 1.0) -> float:
    """ML-Poly that is given B, with V_k <= T B**2: B sqrt(K (1 + T) (1 + ln(1 + T))).

    Source: Gaillard, Stoltz & van Erven 2014, Section 4.
    """
    return loss_range * math.sqrt(k * (1 + rounds) * (1 + math.log(1 + rounds)))


@checked
def ml_prod(k: int, rounds: int, square: float, loss_range: float = 1.0) -> float:
    """ML-Prod that is given B: C sqrt((B**2 + V) / ln K) + 2 C B.

    C = 3 ln K + ln(1 + K (1 + ln(T+1)) / (2e)). `square` is V = sum_t r_{t,k}**2 for the expert
    compared with, at most T B**2.

    Source: Gaillard, Stoltz & van Erven 2014, Section 3.
    """
    if k == 1:
        return 0.0
    c = 3 * math.log(k) + math.log1p(k * (1 + math.log(rounds + 1)) / (2 * math.e))
    return c * math.sqrt((loss_range**2 + square) / math.log(k)) + 2 * c * loss_range


@checked
def boa(k: int, rounds: int, square: float, loss_range: float = 1.0) -> float:
    """BOA that is given B; `square` is V = sum_t r_{t,k}**2, at most T B**2.

    2 sqrt(V ln K) + B (4 ln K + 1) + max(2B, sqrt(V / ln K)) ln(1 + K (ln(1+T/G) + 1/G) / (2e))
    with G = 4 ln K.

    Derivation, from the certificate of `learners.prod_and_boa.MultipleRates` at B = 1. Rounds with
    V_{t-1} < G have eta = 1/2 and sum to at most (G+1)/2 of eta r**2, the others to at most
    sqrt(ln K) (2 sqrt(V) + 1/sqrt(G)); the prior costs 2 ln K. A rate's changes a - 1 are at
    most r**2 / (2 max(G, V_{t-1})), in sum (ln(1 + T/G) + 1/G) / 2.

    Source: derived here; the learner is Wintenberger 2017.
    """
    if k == 1:
        return 0.0
    log_k = math.log(k)
    g = 4 * log_k
    log_total = math.log1p(k * (math.log1p(rounds / g) + 1 / g) / (2 * math.e))
    slowest = max(2 * loss_range, math.sqrt(square / log_k))
    return 2 * math.sqrt(square * log_k) + loss_range * (g + 1) + slowest * log_total


@checked
def squint_improper(prior: float, rounds: int, square: float, loss_range: float = 1.0) -> float:
    """Squint with the improper prior d eta / eta that is given B.

    sqrt(2 V) (1 + sqrt(2 ln((1/2 + ln(T+1)) / prior))) + 5 B ln(1 + (1 + 2 ln(T+1)) / prior);
    `prior` is that of the expert compared with (1/K), `square` its V = sum_t r_{t,k}**2.

    Source: Koolen & van Erven 2015, Theorem 4.
    """
    c = (0.5 + math.log(rounds + 1)) / prior
    root = math.sqrt(2 * math.log(max(c, 1.0)))
    return math.sqrt(2 * square) * (1 + root) + 5 * loss_range * math.log1p(2 * c)


@checked
def squint_uniform(prior: float, square: float, loss_range: float = 1.0) -> float:
    """Squint with a uniform prior on [0, 1/(2B)] that is given B.

    max(2 sqrt(V (1/2 + max(0, ln(sqrt(V/2) / (B prior))))), 8 B ln(1/prior)); arguments as in
    `squint_improper`.

    Derivation. With a = R / 2B, b = V / 4B**2 the potential gives I <= 1/prior for
    I = integral of exp(a x - b x**2) over [0, 1]. If a <= 2b and a**2 / 4b >= 1/2, the interval
    of length 1/sqrt(2b) left of the peak gives I >= exp(a**2 / 4b - 1/2) / sqrt(2b). If a > 2b,
    the exponent is at least x (a - b), so I >= exp((a - b) / 2) >= exp(a / 4).

    Source: derived here; the learner is Koolen & van Erven 2015.
    """
    log = math.log(math.sqrt(square / 2) / (loss_range * prior)) if square > 0 else 0.0
    spread = 2 * math.sqrt(square * (0.5 + max(0.0, log)))
    return max(spread, 8 * loss_range * math.log(1 / prior))


@checked
def normal_hedge(k: int, rounds: int, delta: float = 0.1, loss_range: float = 1.0) -> float:
    """NormalHedge, regret to the best of K experts, for any `delta` in (0, 1/2].

    B sqrt((1 + ln K) (3 (1 + 50 delta) T + (16 ln(K)**2 / delta) (10.2 / delta**2 + ln K))).

    Source: Chaudhuri, Freund & Hsu 2009, Theorem 1.
    """
    if delta > 0.5:
        raise ValueError(f"delta must be in (0, 1/2], got {delta!r}")
    log_k = math.log(k)
    late = 16 * log_k**2 / delta * (10.2 / delta**2 + log_k)
    return loss_range * math.sqrt((1 + log_k) * (3 * (1 + 50 * delta) * rounds + late))
