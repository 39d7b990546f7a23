"""A-priori bounds of the policies, one function each, in units of loss over T rounds.

Of `ucb1`, `kl_ucb` and `moss` on the pseudo-regret, sum_t m_{arm of t} - m, for independent losses
in [0, 1] whose means m_i do not change, m the smallest; of Thompson sampling on its mean over means
drawn from the prior. An argument outside its domain is a ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from experts.numerics.arguments import whole
from experts.numerics.parameters import number, real
from experts.types import Array

_PARTS = 50
"""Of a gap: kl_ucb's a and b are multiples of such a part."""


def ucb1(means: Sequence[float] | Array, rounds: int) -> float:
    """`ucb1`: 8 sum_i ln T / Delta_i + (1 + pi**2 / 3) sum_i Delta_i, over Delta_i = m_i - m > 0.

    Source: Auer, Cesa-Bianchi & Fischer 2002, Theorem 1.
    """
    log_t = math.log(max(1, whole("rounds", rounds, 0)))
    gaps = _gaps(means)
    return sum(8 * log_t / gap + (1 + math.pi**2 / 3) * gap for gap in gaps)


def kl_ucb(means: Sequence[float] | Array, rounds: int) -> float:
    """`kl_ucb`: the sum over arms with Delta_i = m_i - m > 0 of Delta_i times the smallest, over a

    and b, of ln(1 + T ln**2 T) / kl(m_i - a, m + b) + 1 / (2 a**2) + 5 / (4 b**2) + 1, or T.

    a, b > 0 are multiples of Delta_i / 50 with a + b < Delta_i. Source: see `kl_ucb`.
    """
    rounds, best = whole("rounds", rounds, 0), min(_means(means))
    return sum(gap * _most_pulls(best, gap, rounds) for gap in _gaps(means))


def moss(means: Sequence[float] | Array, rounds: int) -> float:
    """`moss` with horizon T: 20 sqrt(K T) + 2 sum_i Delta_i, Delta_i = m_i - m.

    Source: see `moss`; Audibert & Bubeck 2009, Theorem 5.
    """
    gaps = _gaps(means)
    return 20 * math.sqrt(len(_means(means)) * whole("rounds", rounds, 0)) + 2 * sum(gaps)


def thompson_beta(k: int, rounds: int) -> float:
    """`thompson_beta`, Bayesian regret: sqrt(K T ln K / 2).

    Source: Russo & Van Roy 2016, Proposition 1.
    """
    return _informed(k, rounds, 1 / 4)


def thompson_gaussian(k: int, rounds: int, deviation: float = 1.0, noise: float = 1.0) -> float:
    """`thompson_gaussian`, Bayesian regret: sqrt(2 (noise**2 + deviation**2) K T ln K).

    Source: Russo & Van Roy 2016, Proposition 1.
    """
    return _informed(k, rounds, number("deviation", deviation) ** 2 + number("noise", noise) ** 2)


def _informed(k: int, rounds: int, variance: float) -> float:
    """sqrt(2 v K T ln K), for v-subgaussian losses; see `experts.policies.thompson`."""
    k = whole("k", k)
    return math.sqrt(2 * variance * k * whole("rounds", rounds, 0) * math.log(k))


def _most_pulls(best: float, gap: float, rounds: int) -> float:
    """KL-UCB's bound on the mean number of pulls of an arm, the smallest over a and b."""
    if 2 * rounds * gap**2 <= 1:  # 1 / (2 a**2) alone is at least T
        return rounds
    level = math.log(1 + rounds * math.log(rounds) ** 2)
    steps = [gap * i / _PARTS for i in range(1, _PARTS)]
    found = min(
        level / _kl(best + b, gap - a - b) + 1 / (2 * a**2) + 5 / (4 * b**2) + 1
        for i, a in enumerate(steps)
        for b in steps[: _PARTS - 2 - i]
    )
    return min(found, rounds)


def _kl(q: float, apart: float) -> float:
    """kl(p, q) of coins for p = q + apart, 0 < q < p < 1; exact to about eps / apart."""
    p = q + apart
    return p * math.log1p(apart / q) + (1 - p) * math.log1p(-apart / (1 - q))


def _gaps(means: Sequence[float] | Array) -> list[float]:
    """Delta_i of all arms that are not the best."""
    values = _means(means)
    return [mean - min(values) for mean in values if mean > min(values)]


def _means(means: Sequence[float] | Array) -> list[float]:
    """`means` (K,) as floats in [0, 1]."""
    values = [real(mean) for mean in means] if hasattr(means, "__len__") else []
    known = [mean for mean in values if mean is not None and 0 <= mean <= 1]
    if not values or len(known) < len(values):
        raise ValueError(f"means must be numbers in [0, 1], one for each arm, got {means!r}")
    return known
