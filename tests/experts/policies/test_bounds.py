"""The policies' bounds: their values, and mean regrets over many seeds that stay below them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import experts
from experts import bounds, policies
from experts.environments import Bernoulli, BetaCoins, Gaussian, NormalArms
from experts.testing import check_learner
from experts.testing.policies import pseudo_regret_stays_below_the_bound as below

ROUNDS = 1000
FREQUENTIST = {
    "ucb1": (policies.ucb1(), bounds.ucb1),
    "kl_ucb": (policies.kl_ucb(), bounds.kl_ucb),
    "moss": (policies.moss(ROUNDS), bounds.moss),
}
WORLDS = {
    "coins": Bernoulli([0.1, 0.8, 0.9]),
    "close": Bernoulli([0.45, 0.5, 0.5, 0.5]),
    "rare": Bernoulli([0.01, 0.05]),
    "gaussian": Gaussian([0.3, 0.5, 0.7], 0.3),
}
every_policy = pytest.mark.parametrize(("policy", "bound"), FREQUENTIST.values(), ids=FREQUENTIST)


def mean_and_error(policy: Any, world: Any, seeds: int) -> tuple[float, float]:
    """Mean pseudo-regret after ROUNDS rounds, and four standard errors."""
    trace = experts.play(policy, world, rounds=ROUNDS, seeds=seeds)
    assert trace.pseudo_regret is not None
    regret = trace.pseudo_regret[-1]
    return float(regret.mean()), float(4 * regret.std(ddof=1) / seeds**0.5)


@every_policy
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_the_mean_pseudo_regret_is_at_most_the_bound(policy: Any, bound: Any, world: Any) -> None:
    mean, error = mean_and_error(policy, world, seeds=40)
    assert mean - error <= bound(world.means, ROUNDS)


@every_policy
def test_the_law_of_the_bound_holds(policy: Any, bound: Any) -> None:
    report = check_learner(policy, bound=bound, only=[below.__name__], examples=5)
    assert report.held == (below.__name__,)


@pytest.mark.parametrize(
    ("policy", "world", "bound"),
    [
        pytest.param(
            policies.thompson_beta(), BetaCoins(4), bounds.thompson_beta(4, ROUNDS), id="uniform"
        ),
        pytest.param(
            policies.thompson_beta(1.0, 9.0),
            BetaCoins(4, 1.0, 9.0),
            bounds.thompson_beta(4, ROUNDS),
            id="rare",
        ),
        pytest.param(
            policies.thompson_gaussian(0.5, 0.2, 0.4),
            NormalArms(4, 0.5, 0.2, 0.4),
            bounds.thompson_gaussian(4, ROUNDS, 0.2, 0.4),
            id="normal",
        ),
    ],
)
def test_the_bayesian_regret_is_at_most_the_bound(policy: Any, world: Any, bound: float) -> None:
    mean, error = mean_and_error(policy, world, seeds=100)
    assert mean - error <= bound


def test_the_bounds_are_what_their_formulas_say() -> None:
    log_t, gap = math.log(1000), 0.1
    expected = 8 * log_t / gap + (1 + math.pi**2 / 3) * gap
    assert bounds.ucb1([0.5, 0.4, 0.4], 1000) == pytest.approx(expected)
    assert bounds.moss([0.5, 0.4], 1000) == pytest.approx(20 * math.sqrt(2000) + 2 * gap)
    assert bounds.thompson_beta(4, 1000) == pytest.approx(math.sqrt(2000 * math.log(4)))
    assert bounds.thompson_gaussian(4, 1000) == pytest.approx(math.sqrt(16_000 * math.log(4)))
    a, b, gap = 0.2, 0.3, 0.6
    kl = 0.6 * math.log(0.6 / 0.5) + 0.4 * math.log(0.4 / 0.5)
    some = gap * (math.log(1 + 1000 * log_t**2) / kl + 1 / (2 * a**2) + 5 / (4 * b**2) + 1)
    assert 0 < bounds.kl_ucb([0.2, 0.8], 1000) <= some


@pytest.mark.parametrize("gap", [5.6e-17, 1e-9, 1e-8, 1e-6, 1e-3])
@pytest.mark.parametrize("rounds", [0, 1, 100, 10**6, 10**16])
def test_kl_ucb_s_bound_is_right_for_arms_that_are_almost_equal(gap: float, rounds: int) -> None:
    means = [0.3, 0.3 + gap]
    apart = means[1] - means[0]
    found = bounds.kl_ucb(means, rounds)
    least = min(rounds, 6.5 / apart**2)  # 1 / (2 a**2) + 5 / (4 b**2) with a + b = apart: 6.55
    assert apart * least <= found <= apart * rounds * (1 + 1e-15)
    assert bounds.kl_ucb([0.0, 1e-200], rounds) == 1e-200 * rounds


@pytest.mark.parametrize("means", [[], 0.3, ["a"], [[0.1]], [0.1, math.nan], [1.1], None])
@pytest.mark.parametrize("bound", [bounds.ucb1, bounds.kl_ucb, bounds.moss])
def test_means_that_are_none_are_refused(bound: Any, means: Any) -> None:
    with pytest.raises(ValueError, match=r"^means must be numbers in \[0, 1\]"):
        bound(means, 10)


def test_kl_ucb_s_bound_approaches_that_of_lai_and_robbins() -> None:
    """The smallest that any policy can have, Delta ln T / kl(m_i, m), is the limit of large T."""
    kl = 0.5 * math.log(0.5 / 0.1) + 0.5 * math.log(0.5 / 0.9)
    horizons = [10**digits for digits in (4, 16, 64, 300)]
    ratios = [bounds.kl_ucb([0.1, 0.5], t) / (0.4 * math.log(t) / kl) for t in horizons]
    assert ratios == sorted(ratios, reverse=True)
    assert 1 < ratios[-1] < 2.6


def test_the_sum_in_kl_ucb_s_proof() -> None:
    """sum_t 1 / (1 + t ln**2 t) < 5/2: the terms from N on are at most 1 / ln(N - 1)."""
    t = np.arange(1, 10**5)
    assert np.sum(1 / (1 + t * np.log(t) ** 2)) + 1 / math.log(10**5 - 1) < 2.5


def test_the_constant_in_moss_s_proof() -> None:
    z = np.log(np.geomspace(64, 1e12, 1000))  # of T D**2 / K
    each = (1 + 8 * (2 * z + np.sqrt(2 * np.pi * z) + 1)) / np.exp(z / 2)
    assert np.all(np.diff(each) < 0)
    assert each[0] < 14.56
    assert (4 * math.sqrt(15) + 8 + each[0]) / 2 < 20
