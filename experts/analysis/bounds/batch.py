"""Online to batch with high probability: the risk of the average point after T rounds.

For losses f_t(x) = f(x, z_t) that are convex in x, with values in [0, 1] and z_1, ..., z_T drawn
independently from one population, F(x) = E f(x, z); x_t may depend on z_1, ..., z_{t-1} only. Each
bound holds with probability 1 - delta. An argument outside its domain is a ValueError.
"""

from __future__ import annotations

import math

from experts.analysis.domains import checked


@checked
def batch_risk(mean_loss: float, rounds: int, delta: float) -> float:
    """The risk F of the average point: mean_loss + sqrt(ln(1 / delta) / (2 T)).

    `mean_loss` is (1/T) sum_t f_t(x_t), as it was suffered. (Twice the last term, the constant of
    the source, is more than is needed.)

    Proof. F(average) <= (1/T) sum_t F(x_t). Given the past, F(x_t) - f_t(x_t) has mean 0 and lies
    in an interval of length 1 that is known: Hoeffding's lemma and Azuma's argument give
    P(sum_t [F(x_t) - f_t(x_t)] >= s) <= exp(-2 s**2 / T).

    Source: Cesa-Bianchi, Conconi & Gentile 2004, Proposition 1 and Corollary 2.
    """
    if rounds == 0:
        return 1.0
    return mean_loss + math.sqrt(math.log(1 / delta) / (2 * rounds))


@checked
def batch_excess_risk(regret: float, rounds: int, delta: float) -> float:
    """F(average) - F(u), for one u: regret / T + sqrt(2 ln(1 / delta) / T).

    `regret` is sum_t f_t(x_t) - f_t(u), or a bound on it such as a certificate. u must not depend
    on the draws: the population's best point may be meant, not that of the sample.

    Proof. As for `batch_risk`, with f_t(x_t) - f_t(u), which lies in [-1, 1], for f_t(x_t).

    Source: Cesa-Bianchi, Conconi & Gentile 2004, Corollary 2; Orabona 2019, Chapter 3.
    """
    if rounds == 0:
        return 1.0
    return regret / rounds + math.sqrt(2 * math.log(1 / delta) / rounds)
