"""LinUCB and linear Thompson sampling: regression, confidence, posterior, bounds over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from experts import Feedback, bounds
from experts.contextual import LinearLosses, disjoint, linear_thompson, linucb
from experts.contextual.linear_thompson import _normals
from experts.contextual.ridge import Ridge
from experts.testing import check_learner
from tests.experts.contextual.plays import mean_at_most, played, rarer_than


@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-9), (np.float32, 2e-3)])
@pytest.mark.parametrize("ridge", [1e-3, 1.0])
def test_the_regression_is_the_solution_of_the_normal_equations(
    dtype: Any, close: float, ridge: float
) -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((2000, 5)) * [10, 1, 1, 0.1, 0.01]).astype(dtype)
    loss = (x @ [0.1, 1, -1, 2, 0] + rng.standard_normal(2000)).astype(dtype)
    fit = Ridge.open(x[0], ridge)
    for row, each in zip(x, loss, strict=True):
        fit = fit.add(row, each[None])
    x64 = x.astype(float)
    v = ridge * np.eye(5) + x64.T @ x64
    scale = np.sqrt(np.diag(np.linalg.inv(v)))  # of each coordinate's error
    assert fit.theta.dtype == dtype
    error = (fit.theta - np.linalg.solve(v, x64.T @ loss)) / scale
    assert np.abs(error).max() < 50 * close
    probes = rng.standard_normal((20, 5)).astype(dtype)
    width = np.sqrt(np.einsum("ka,ab,kb->k", probes, np.linalg.inv(v), probes))
    np.testing.assert_allclose(fit.read(probes)[1], width, rtol=close)
    np.testing.assert_allclose(
        fit.log_det[0], np.linalg.slogdet(v)[1] - 5 * np.log(ridge), rtol=close
    )


MABWISER: dict[tuple[float, ...], Any] = {
    (1.0, 0.5, -0.5): (2.1649228519274595, 1.02792829412138, 1.0527466244501702),
    (1.0, 0.0, 2.0): (1.9457668514253181, 2.9184420218027647, 3.8624243804171003),
}
"""Upper confidence bounds of MABWiser 2.7.4 for three arms, by context. Of the test's arrays:

mab = MAB([0, 1, 2], LearningPolicy.LinUCB(alpha=1.25, l2_lambda=0.5))
mab.fit(arm, reward, context); mab.predict_expectations([x])
"""


@pytest.mark.parametrize("x", MABWISER)
def test_optimistic_rewards_are_those_of_mabwiser(x: tuple[float, ...]) -> None:
    t = np.arange(12)
    context = np.stack([np.ones(12), np.sin(t), np.cos(2.0 * t)], axis=1)
    arm, reward = t % 3, (t * t % 7) / 7
    policy = linucb(ridge=0.5)
    features = disjoint(context, 3)
    state = policy.init(features[0])
    for shown, pulled, earned in zip(features, arm, reward, strict=True):
        seen = np.arange(3) == pulled
        met = Feedback(np.where(seen, -earned, np.nan), seen, 1.0 * seen)
        state = policy.update(state, shown, 1.0 * seen, met)
    probe = disjoint(np.asarray(x), 3)
    mean, width = state.fit.read(probe)
    optimistic = -mean + 1.25 * width
    np.testing.assert_allclose(optimistic, MABWISER[x], rtol=1e-12)


def test_the_arm_is_that_of_the_smallest_lower_end_of_the_docstring() -> None:
    rng = np.random.default_rng(1)
    policy = linucb(ridge=0.3, noise=0.2, norm=3.0, delta=0.01)
    x, losses = rng.standard_normal((8, 2)), rng.random(8)
    state = policy.init(x)
    for arm, loss in enumerate(losses):
        seen = np.arange(8) == arm
        state = policy.update(state, x, 1.0 * seen, Feedback(np.where(seen, loss, np.nan), seen))
    v = 0.3 * np.eye(2) + x.T @ x
    theta, log_det = np.linalg.solve(v, x.T @ losses), np.linalg.slogdet(v)[1] - 2 * np.log(0.3)
    radius = 0.2 * np.sqrt(2 * np.log(1 / 0.01) + log_det) + np.sqrt(0.3) * 3.0
    np.testing.assert_allclose(policy.radius(state), radius)
    for probes in 0.5 * rng.standard_normal((50, 4, 2)):
        width = np.sqrt(np.einsum("ka,ab,kb->k", probes, np.linalg.inv(v), probes))
        low, most = probes @ theta - radius * width, 3 * np.linalg.norm(probes, axis=-1)
        np.testing.assert_allclose(policy.interval(state, probes)[0], np.maximum(low, -most))
        assert policy.predict(state, probes, np.zeros(4)).argmax() == low.argmin()


def test_the_prior_bound_is_that_of_the_path_where_all_directions_are_pulled_alike() -> None:
    policy, features = linucb(ridge=0.4, noise=0.3, norm=2.0, delta=0.1), 1.5 * np.eye(3)
    state = policy.init(features)
    for t in range(30):
        seen = np.arange(3) == t % 3
        state = policy.update(state, features, 1.0 * seen, Feedback(np.zeros(3), seen))
    most = max(2 * 1.5, float(policy.radius(state)[0]))
    path = 2 * most * np.sqrt(30 * state.fit.log_det[0] / np.log(2))
    prior = bounds.linucb(3, 30, 0.1, ridge=0.4, noise=0.3, norm=2.0, length=1.5)
    assert prior == pytest.approx(path)


DELTA = 0.1
WORLD = LinearLosses(4, 3, deviation=0.5, norm=1.0)


@pytest.mark.parametrize(
    "policy", [linucb(delta=DELTA), linucb(ridge=0.05, delta=DELTA)], ids=["ridge-1", "ridge-0.05"]
)
def test_regret_is_at_most_the_certificate_and_that_at_most_the_bound(policy: Any) -> None:
    game = played(policy, WORLD, 300, 200)
    instant = np.sum(game.arms * game.means, axis=-1) - game.means.min(-1)
    broken = np.zeros(200, dtype=bool)
    for t, (state, regret) in enumerate(zip(game.states, instant.cumsum(0), strict=True)):
        certificate = policy.certificate(state)
        broken |= regret > certificate
        radius = policy.radius(state)[:, 0]
        explored = np.sqrt((t + 1) * state.fit.log_det[:, 0] / np.log(2))
        path = 2 * np.maximum(policy.norm, radius) * explored
        assert np.all(certificate <= path + 1e-9)
        prior = bounds.linucb(3, t + 1, DELTA, policy.ridge, policy.noise, policy.norm)
        assert certificate.max() <= prior + 1e-9
    assert rarer_than(DELTA, broken)


@pytest.mark.parametrize("own", [True, False], ids=["own arms", "any arms"])
def test_intervals_and_certificate_hold_for_contexts_of_an_adversary(own: bool) -> None:
    """Of two contexts it shows the one of which the policy knows less, given the past."""
    policy, rng = linucb(ridge=0.5, delta=DELTA), np.random.default_rng(0)
    theta = rng.standard_normal((200, 1, 3))
    theta /= np.linalg.norm(theta, axis=-1, keepdims=True)
    state, regret = policy.init(np.zeros((200, 4, 3))), np.zeros(200)
    outside, broken = np.zeros((2, 200), dtype=bool)
    for t in range(150):
        pair = rng.standard_normal((2, 200, 4, 3))
        pair /= np.linalg.norm(pair, axis=-1, keepdims=True)
        unknown = state.fit.read(pair)[1].min(-1)
        context = np.where((unknown[0] > unknown[1])[:, None, None], *pair)
        mean = np.sum(context * theta, axis=-1)
        loss = (rng.random(mean.shape) < (1 + mean) / 2) * 1.0 - 0.5 + mean / 2  # range 1
        low, high = policy.interval(state, context)
        outside |= np.any((mean < low) | (mean > high), axis=-1)
        play = (
            policy.predict(state, context, rng.random((200, 4)))
            if own
            else np.eye(4)[[t % 4] * 200]
        )
        regret += np.sum(play * mean, -1) - mean.min(-1)
        state = policy.update(state, context, play, Feedback(loss, play > 0))
        broken |= regret > policy.certificate(state)
    assert rarer_than(DELTA, outside)
    assert np.all(outside | ~broken)


def test_ties_are_broken_evenly() -> None:
    features = np.broadcast_to(np.ones((3, 2)), (3000, 3, 2))
    uniforms = np.random.default_rng(0).random((3000, 3))
    policies: tuple[Any, ...] = (linucb(), linear_thompson())
    for policy in policies:
        play = policy.predict(policy.init(features), features, uniforms)
        assert stats.chisquare(play.sum(0)).pvalue > 1e-3


@pytest.mark.parametrize(("arms", "d"), [(4, 2), (2, 4), (3, 3)])
def test_samples_have_the_covariance_of_the_posterior(arms: int, d: int) -> None:
    rows = np.random.default_rng(0).standard_normal((arms, d))
    rows[-1] = rows[0]  # dependent
    directions = np.stack([_normals(rows, unit) for unit in np.eye(arms)])
    values = directions @ rows.T  # of each arm, by each normal
    np.testing.assert_allclose(values.T @ values, rows @ rows.T, atol=1e-12)


def test_thompson_pulls_an_arm_as_often_as_it_is_the_best_of_the_posterior() -> None:
    policy = linear_thompson(ridge=0.5, noise=0.3)
    features = np.asarray([[1.0, 0.0, 0.2], [0.0, 1.0, 0.0]])
    state = policy.init(features)
    for arm, loss in ((0, 0.3), (1, 0.2), (0, 0.4)):
        seen = np.arange(2) == arm
        state = policy.update(state, features, 1.0 * seen, Feedback(np.full(2, loss), seen))
    v = 0.5 * np.eye(3) + features.T @ np.diag([2.0, 1.0]) @ features
    theta = np.linalg.solve(v, features.T @ [0.7, 0.2])
    gap = features[0] - features[1]
    deviation = 0.3 * np.sqrt(gap @ np.linalg.solve(v, gap))
    chance = stats.norm.cdf(-gap @ theta / deviation)
    uniforms = np.random.default_rng(0).random((4000, 2))
    batch = type(state)(
        type(state.fit)(*(part + np.zeros((4000, *part.shape)) for part in state.fit))
    )
    plays = policy.predict(batch, features + np.zeros((4000, 2, 3)), uniforms)
    assert stats.binomtest(int(plays[:, 0].sum()), 4000, chance).pvalue > 1e-3


@pytest.mark.parametrize(("arms", "d"), [(2, 5), (10, 2)])
def test_bayesian_regret_is_at_most_the_bound(arms: int, d: int) -> None:
    noise = 0.5
    policy = linear_thompson(ridge=noise**2, noise=noise)  # theta from N(0, I)
    game = played(policy, LinearLosses(arms, d, noise, norm=None), 200, 200)
    bound = bounds.linear_thompson(d, arms, 200, noise**2, noise)
    assert mean_at_most(game.regret, bound)
    assert game.regret.mean() > 0.02 * bound, "the policy seems to see what it should not"


def test_the_bound_of_linucb_is_a_law() -> None:
    only = ["mean_regret_never_exceeds_the_bound"]
    policy = linucb(delta=0.05)
    bound = lambda k, d, t: bounds.linucb(d, t, 0.05)  # noqa: E731
    assert check_learner(policy, bound=bound, only=only, examples=5).held == tuple(only)


def test_disjoint_features_are_a_regression_for_each_arm() -> None:
    rng = np.random.default_rng(0)
    policy = linucb(ridge=0.7)
    contexts, losses = rng.standard_normal((40, 3)), rng.random(40)
    state = policy.init(disjoint(contexts[0], 2))
    for t, (context, loss) in enumerate(zip(contexts, losses, strict=True)):
        seen = np.arange(2) == t % 2
        met = Feedback(np.where(seen, loss, np.nan), seen)
        state = policy.update(state, disjoint(context, 2), 1.0 * seen, met)
    for arm in range(2):
        x, y = contexts[arm::2], losses[arm::2]
        theta = np.linalg.solve(0.7 * np.eye(3) + x.T @ x, x.T @ y)
        np.testing.assert_allclose(state.fit.theta[3 * arm : 3 * arm + 3], theta, rtol=1e-9)


def test_mistakes_are_named() -> None:
    for make, arguments, message in (
        (linucb, {"ridge": 0}, "ridge must be a positive number, got 0"),
        (linucb, {"delta": 1}, r"delta must lie in \(0, 1\), got 1"),
        (linear_thompson, {"noise": -1}, "noise must be a positive number, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            make(**arguments)
    policy, features = linucb(), np.eye(2)
    with pytest.raises(ValueError, match="seen is needed: the arm that was pulled"):
        policy.update(policy.init(features), features, np.ones(2) / 2, Feedback(np.ones(2)))
