"""RealLinExp3: unbiased estimates, the condition of its proof, the bound over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts import Feedback, bounds
from experts.contextual import FiniteContexts, real_linexp3, shared
from experts.testing import check_learner
from tests.experts.contextual.plays import mean_at_most, played

ROUNDS, SEEDS, ARMS = 800, 150, 3
CONTEXTS = shared(np.asarray([[1.0, 0.0], [1.0, 1.0], [1.0, 0.3]]), ARMS)
CHANCES = np.asarray([0.4, 0.4, 0.2])


def switching() -> Any:
    """Parameters (T, K, d): intercept and slope of each arm; the good arm changes with x."""
    first = np.asarray([[0.2, 0.6], [0.8, -0.6], [0.5, 0.0]])
    late = np.arange(ROUNDS)[:, None, None] >= ROUNDS // 3
    return np.where(late, np.roll(first, 1, axis=0), first)


@pytest.mark.parametrize("setting", [{"horizon": ROUNDS}, {"eta": 0.03}], ids=["horizon", "eta"])
def test_pseudo_regret_is_at_most_the_bound(setting: dict[str, Any]) -> None:
    environment = FiniteContexts(CONTEXTS, switching(), CHANCES)
    policy = real_linexp3(CONTEXTS, CHANCES, **setting)
    game = played(policy, environment, ROUNDS, SEEDS)
    # To the map that is the best for the distribution of contexts, which does not depend on luck.
    expected = np.einsum("jka,tka->jk", CONTEXTS, environment.parameters)
    choice = expected.argmin(-1)
    best = 0.0
    for context, arm in zip(environment.contexts, choice, strict=True):
        here = np.all(game.contexts == context, axis=(-2, -1))
        best += np.sum(game.means[..., arm] * here, axis=0)
    regret = np.sum(game.arms * game.means, axis=(0, -1)) - best
    bound = bounds.real_linexp3(2, ARMS, ROUNDS, policy.leverage)
    if "eta" in setting:
        cost = (np.e - 2) * 2 + policy.leverage
        bound = np.log(ARMS) / 0.03 + 0.03 * ARMS * ROUNDS * cost
    assert mean_at_most(regret, bound)
    uniform = (game.means.mean(-1)).sum(0) - best
    assert regret.mean() < 0.7 * uniform.mean(), "it does not learn"


def test_the_estimates_are_unbiased_and_small() -> None:
    """By enumeration of context and arm: E theta^_k = theta_k, and eta |<x_k, theta^_k>| <= 1."""
    policy = real_linexp3(CONTEXTS, CHANCES, 0.02)
    parameters = np.asarray([[0.2, 0.6], [0.8, -0.6], [0.5, 0.1]])
    state = policy.init(CONTEXTS[0])
    rng = np.random.default_rng(0)
    for _ in range(30):  # to a policy that is far from uniform
        context = CONTEXTS[rng.choice(3, p=CHANCES)]
        play = policy.predict(state, context, np.zeros(3))
        seen = np.arange(3) == rng.choice(3, p=play)
        loss = np.sum(context * parameters, -1)
        state = policy.update(state, context, play, Feedback(loss, seen, play))
    mean = np.zeros((3, 2))
    for context, chance in zip(CONTEXTS, CHANCES, strict=True):
        play = policy.predict(state, context, np.zeros(3))
        for arm in range(3):
            seen = np.arange(3) == arm
            loss = np.where(seen, np.sum(context * parameters, -1), np.nan)
            after = policy.update(state, context, play, Feedback(loss, seen, play))
            estimate = after.total - state.total
            mean += chance * play[arm] * estimate
            most = np.abs(np.einsum("jka,ka->jk", CONTEXTS, estimate)).max()
            assert 0.02 * most <= 1 + 1e-9
    np.testing.assert_allclose(mean, parameters, rtol=1e-9, atol=1e-12)


def test_the_rate_and_the_uniform_share_are_those_of_the_docstring() -> None:
    policy = real_linexp3(CONTEXTS, CHANCES, horizon=5000)
    rho, state = policy.leverage, policy.init(CONTEXTS[0])
    eta = np.sqrt(np.log(ARMS) / (ARMS * 5000 * ((np.e - 2) * 2 + rho)))
    assert policy.rate == pytest.approx(eta)
    total = np.asarray([[0.0, 0.0], [1e6, 0.0], [1e6, 0.0]])
    play = policy.predict(state._replace(total=total), CONTEXTS[0], np.zeros(3))
    gamma = eta * ARMS * rho
    np.testing.assert_allclose(play, [1 - gamma * 2 / 3, gamma / 3, gamma / 3])
    total[1, 0] = 1.0  # a small lead
    odds = np.asarray([1.0, np.exp(-eta), 0.0])
    play = policy.predict(state._replace(total=total), CONTEXTS[0], np.zeros(3))
    np.testing.assert_allclose(play, (1 - gamma) * odds / odds.sum() + gamma / 3)


def test_leverage_is_at_least_d_and_d_for_even_corners() -> None:
    assert real_linexp3(CONTEXTS, CHANCES, 0.1).leverage > 2
    corners = shared(np.eye(4), 2)
    assert real_linexp3(corners, eta=0.1).leverage == pytest.approx(4)


def test_leverage_does_not_depend_on_the_units() -> None:
    """Incomes that differ by little span both directions."""
    incomes = np.asarray([[1.0, 30000.0], [1.0, 30010.0], [1.0, 30030.0]])
    near = real_linexp3(shared(incomes, 2), eta=0.1)
    even = real_linexp3(shared((incomes - [0, 30000]) / [1, 10], 2), eta=0.1)
    assert near.leverage == pytest.approx(even.leverage, rel=1e-6)
    with pytest.raises(ValueError, match="too close to dependent for float32, with condition"):
        near.init(shared(incomes, 2)[0].astype(np.float32))
    even.init(shared(incomes, 2)[0].astype(np.float32))


def test_the_bound_is_a_law() -> None:
    only = ["mean_regret_never_exceeds_the_bound"]
    policy = real_linexp3(CONTEXTS, CHANCES, horizon=100)
    bound = lambda k, d, t: bounds.real_linexp3(d, k, 100, policy.leverage)  # noqa: E731
    assert check_learner(policy, bound=bound, only=only, examples=5).held == tuple(only)


def test_mistakes_are_named() -> None:
    for arguments, message in (
        ({"contexts": CONTEXTS}, "exactly one of eta and horizon"),
        ({"contexts": np.eye(2), "eta": 1.0}, r"contexts must be finite .* got shape \(2, 2\)"),
        ({"contexts": "all", "eta": 1.0}, "contexts must be an array of numbers"),
        ({"contexts": CONTEXTS[:1], "eta": 1.0}, "contexts must span all d directions"),
        ({"contexts": CONTEXTS, "chances": [0.5, 0.5], "eta": 1.0}, "chances must be 3 positive"),
        ({"contexts": CONTEXTS, "eta": -1.0}, "eta must be a positive number"),
    ):
        with pytest.raises(ValueError, match=message):
            real_linexp3(**arguments)
    with pytest.raises(ValueError, match=r"context has shape \(3, 5\), expected \(..., 3, 2\)"):
        real_linexp3(CONTEXTS, eta=1.0).init(np.zeros((3, 5)))
