"""Policies: indices against their definitions, samples against the posterior."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest
from scipy.optimize import brentq

from experts import bounds, policies
from experts.policies.kl_ucb import smallest_mean
from experts.policies.pulls import Pulls
from experts.testing.policies import Pulling, pulled


def game(rounds: int, problems: int, arms: int) -> Pulling:
    rng = np.random.default_rng(0)
    losses = rng.integers(0, 2, (rounds, problems, arms)).astype(float)
    return Pulling(losses, rng.random(losses.shape))


def kl(p: float, q: float) -> float:
    return sum(a * math.log(a / b) for a, b in ((p, q), (1 - p, 1 - q)) if a > 0)


def kl_bound(mean: float, radius: float) -> float:
    """min { q : kl(mean, q) <= radius }, by SciPy's root finding in ln q."""
    if mean == 0:
        return 0.0
    lowest = math.log(mean) - 2 - radius / mean
    root = brentq(lambda x: kl(mean, math.exp(x)) - radius, max(lowest, -700), math.log(mean))
    return math.exp(root)


def ucb1_index(mean: float, pulls: int, t: int) -> float:
    return mean - math.sqrt(2 * math.log(t - 1) / pulls)


def kl_index(mean: float, pulls: int, t: int) -> float:
    return kl_bound(mean, math.log(1 + t * math.log(t) ** 2) / pulls)


def moss_index(mean: float, pulls: int, t: int) -> float:
    """For T = 200 rounds and 4 arms."""
    return mean - math.sqrt(max(0.0, math.log(200 / (4 * pulls))) / pulls)


@pytest.mark.parametrize(
    ("policy", "index"),
    [
        pytest.param(policies.ucb1(), ucb1_index, id="ucb1"),
        pytest.param(policies.kl_ucb(), kl_index, id="kl_ucb"),
        pytest.param(policies.moss(200), moss_index, id="moss"),
    ],
)
def test_the_arm_of_smallest_index_is_pulled(policy: Any, index: Any) -> None:
    losses, _ = played = game(200, 2, 4)
    arms, _ = pulled(policy, played)
    chosen = arms.argmax(-1)
    for problem in range(2):
        assert sorted(chosen[:4, problem]) == [0, 1, 2, 3]
        for t in range(4, 200):
            before = [np.flatnonzero(chosen[:t, problem] == arm) for arm in range(4)]
            means = [losses[rounds, problem, arm].mean() for arm, rounds in enumerate(before)]
            indices = [index(m, len(b), t + 1) for m, b in zip(means, before, strict=True)]
            assert indices[chosen[t, problem]] <= min(indices) + 1e-9


def test_kl_ucb_s_root_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    means = np.concatenate([rng.random(300), 10 ** rng.uniform(-6, 0, 300), [0.0, 1.0]])
    radii = 10 ** rng.uniform(-6, 1.5, len(means))
    radii = np.minimum(radii, np.where(means > 0, 500 * means, 1.0))  # else the root is 0
    expected = [kl_bound(mean, radius) for mean, radius in zip(means, radii, strict=True)]
    np.testing.assert_allclose(smallest_mean(means, radii), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("loss", "stays"), [(0.0, 2 / 3), (1.0, 1 / 3)])
def test_thompson_samples_the_posterior_of_coins(loss: float, stays: float) -> None:
    """Mean losses of Beta(1, 2) are below those of Beta(1, 1) with probability 2/3."""
    uniforms = np.random.default_rng(0).random((2, 20_000, 2))
    arms, _ = pulled(policies.thompson_beta(), Pulling(np.full(uniforms.shape, loss), uniforms))
    for share, expected in ((arms[0, :, 0].mean(), 0.5), ((arms[0] == arms[1]).mean(), stays)):
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 20_000)


def test_thompson_samples_the_normal_posterior() -> None:
    """Precisions add up; the mean is weighted by them. Two losses, 0.8 together."""
    policy = policies.thompson_gaussian(mean=1.0, deviation=0.5, noise=0.25)
    state = Pulls(np.full((20_000, 1), 2.0), np.full((20_000, 1), 0.8))
    uniforms = np.random.default_rng(0).random((20_000, 1))
    samples = policy.posterior.sample(state, uniforms)
    precision = 1 / 0.5**2 + 2 / 0.25**2
    mean = (1.0 / 0.5**2 + 0.8 / 0.25**2) / precision
    assert abs(samples.mean() - mean) < 4 / math.sqrt(precision * 20_000)
    assert samples.std() == pytest.approx(precision**-0.5, rel=0.03)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: policies.moss(0), "horizon must be a whole number of at least 1, got 0"),
        (lambda: policies.thompson_beta(a=0.0), "a must be a positive number, got 0.0"),
        (lambda: policies.thompson_gaussian(noise=-1.0), "noise must be a positive number"),
        (lambda: policies.thompson_gaussian(mean=math.nan), "mean must be a finite number"),
        (
            lambda: policies.thompson_gaussian(mean=cast("Any", "x")),
            "mean must be a finite number, got 'x'",
        ),
        (lambda: bounds.ucb1([0.5, 1.5], 10), r"means must be numbers in \[0, 1\]"),
        (lambda: bounds.moss([], 10), r"means must be numbers in \[0, 1\]"),
        (lambda: bounds.thompson_beta(0, 10), "k must be a whole number"),
    ],
    ids=["moss", "beta", "normal", "nan", "text", "mean", "no arms", "k"],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
