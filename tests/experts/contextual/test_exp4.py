"""Exp4 and Exp4-IX: estimates, certificates on every path, bounds over seeds."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import experts
from experts import Feedback, bounds
from experts.contextual import GoodAdvice, exp4, exp4_ix
from experts.testing import check_learner
from tests.experts.contextual.plays import Played, mean_at_most, played, rarer_than

ROUNDS, SEEDS, N, K = 600, 150, 6, 4
WORLD = GoodAdvice(N, K)
POLICIES = [
    exp4(),
    exp4(0.1),
    exp4(horizon=ROUNDS),
    exp4_ix(),
    exp4_ix(0.1),
    exp4_ix(horizon=ROUNDS),
]


def to_experts(game: Played, losses: Any) -> Any:
    """Regret in `losses` (T, S, K) to every expert, (S, N)."""
    suffered = np.sum(game.arms * losses, axis=(0, -1))
    return suffered[:, None] - np.sum(game.contexts * losses[..., None, :], axis=(0, -1))


def spread(contexts: Any) -> float:
    """The largest S_T = sum_t sum_k max_i A_t[i, k] of the seeds."""
    return float(contexts.max(-2).sum(-1).sum(0).max())


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("losses", ["good", "against"])
def test_regret_in_estimates_never_exceeds_the_certificate(policy: Any, losses: str) -> None:
    rng = np.random.default_rng(0)
    advice = rng.dirichlet(np.full(K, 0.3), size=(80, 5, N))
    state = policy.init(advice[0])
    regret = np.zeros((5, N))
    for t, context in enumerate(advice):
        weights = policy.weights(state, context)
        play = policy.predict(state, context, np.zeros((5, K)))
        np.testing.assert_allclose(play, np.einsum("sn,snk->sk", weights, context))
        arm = experts.draw(play, rng.random((5, 1)))
        loss = (
            (play == play.max(-1, keepdims=True)) * 1.0
            if losses == "against"
            else context[:, t % N]
        )
        gamma = policy.bias / state_scale(policy, state, context)
        estimate = np.where(arm, loss / (play + gamma), 0.0)
        each = np.einsum("snk,sk->sn", context, estimate)
        regret += np.sum(weights * each, -1, keepdims=True) - each
        state = policy.update(state, context, play, Feedback(loss, arm, play))
        assert np.all(regret <= policy.certificate_of_estimates(state) + 1e-9)


def state_scale(policy: Any, state: Any, context: Any) -> Any:
    """1 / eta of the round, as the docstrings have it."""
    if policy.eta is not None:
        return 1 / policy.eta
    arms = K if policy.bias else min(N, K)
    if policy.horizon is not None:
        return np.sqrt(policy.horizon * arms / (2 * np.log(N)))
    now = K if policy.bias else context.max(-2).sum(-1)[:, None]
    return np.sqrt((state.spread + now) / np.log(N))


def test_with_an_expert_for_each_arm_it_is_exp3() -> None:
    rng = np.random.default_rng(1)
    policy, learner = exp4(0.2), experts.exp3(0.2)
    advice = np.eye(K)
    state, other = policy.init(advice), learner.init(np.zeros(K))
    for loss in rng.random((50, K)):
        play = policy.predict(state, advice, np.zeros(K))
        np.testing.assert_allclose(play, learner.predict(other), rtol=1e-12)
        arm = experts.draw(play, rng.random(1))
        state = policy.update(state, advice, play, Feedback(loss, arm, play))
        other = learner.update(other, play, Feedback(loss, arm, play))


def test_the_second_moment_is_at_most_the_spread() -> None:
    """By enumeration of the arm: sum_i q_i E[(A l^)_i**2] <= sum_k max_i A[i, k] <= min(K, N)."""
    rng = np.random.default_rng(2)
    for n, k in [(2, 5), (5, 2), (4, 4)] * 50:
        weights, advice = rng.dirichlet(np.ones(n)), rng.dirichlet(np.full(k, 0.2), size=n)
        play, loss = weights @ advice, rng.random(k)
        moment = sum(
            play[arm] * weights @ (advice[:, arm] * loss[arm] / play[arm]) ** 2
            for arm in range(k)
            if play[arm] > 0
        )
        reach = advice.max(0).sum()
        assert moment <= reach + 1e-12
        assert reach <= min(n, k) + 1e-12


@pytest.mark.parametrize("name", ["horizon", "anytime", "eta"])
def test_pseudo_regret_is_at_most_the_bound(name: str) -> None:
    policy = {"horizon": exp4(horizon=ROUNDS), "anytime": exp4(), "eta": exp4(0.05)}[name]
    game = played(policy, WORLD, ROUNDS, SEEDS)
    most = spread(game.contexts)
    assert most <= ROUNDS * min(N, K)
    bound = {
        "horizon": bounds.exp4(N, K, ROUNDS),
        "anytime": bounds.exp4_anytime(N, most),
        "eta": bounds.exp4_fixed(N, 0.05, most),
    }[name]
    regret = to_experts(game, game.means).max(-1)  # advice and means settle who is the best
    assert mean_at_most(regret, bound)
    assert regret.mean() > 0.02 * bound, "the policy seems to see what it should not"


@pytest.mark.parametrize("name", ["horizon", "anytime", "eta"])
def test_the_expectation_over_all_paths_is_at_most_the_bound(name: str) -> None:
    """Exactly: every sequence of losses in {0, 1} of four rounds and two arms, every path."""
    rounds, arms = 4, 2
    sequences = np.asarray(list(itertools.product([0.0, 1.0], repeat=rounds * arms)))
    paths = np.asarray(list(itertools.product(range(arms), repeat=rounds)))
    losses = sequences.reshape(-1, 1, rounds, arms)
    advice = np.random.default_rng(4).dirichlet(np.full(arms, 0.3), size=(rounds, 3))
    policy = {"horizon": exp4(horizon=rounds), "anytime": exp4(), "eta": exp4(0.7)}[name]
    batch = (len(losses), len(paths))
    state, chance, regret = policy.init(np.zeros((*batch, 3, arms))), np.ones(batch), 0.0
    for t in range(rounds):
        context = np.broadcast_to(advice[t], (*batch, 3, arms))
        play = policy.predict(state, context, np.zeros((*batch, arms)))
        arm = np.broadcast_to(paths[:, t, None] == np.arange(arms), (*batch, arms))
        loss = np.broadcast_to(losses[:, :, t], (*batch, arms))
        chance = chance * play[arm].reshape(batch)
        suffered = np.sum(arm * loss, axis=-1, keepdims=True)
        regret = regret + suffered - np.sum(context * loss[..., None, :], axis=-1)
        state = policy.update(state, context, play, Feedback(loss, arm, play))
    np.testing.assert_allclose(chance.sum(-1), 1)
    expected = np.sum(chance[..., None] * regret, axis=1)  # to every expert
    reach = advice.max(-2).sum()
    bound = {
        "horizon": bounds.exp4(3, arms, rounds),
        "anytime": bounds.exp4_anytime(3, reach),
        "eta": bounds.exp4_fixed(3, 0.7, reach),
    }[name]
    assert expected.max() <= bound
    assert expected.max() > 0.1 * bound


def test_bounds_hold_against_an_adversary_that_sees_the_play() -> None:
    delta, rng = 0.05, np.random.default_rng(5)
    advice = rng.dirichlet(np.full(K, 0.3), size=(ROUNDS, 1, N)) + np.zeros((1, SEEDS, 1, 1))
    for policy, bound in (
        (exp4(horizon=ROUNDS), bounds.exp4(N, K, ROUNDS)),
        (exp4_ix(horizon=ROUNDS), bounds.exp4_ix(N, K, ROUNDS, delta)),
    ):
        state, regret = policy.init(advice[0]), np.zeros((SEEDS, N))
        for context in advice:
            play = policy.predict(state, context, np.zeros((SEEDS, K)))
            arm = experts.draw(play, rng.random((SEEDS, 1)))
            loss = 1.0 * (play == play.max(-1, keepdims=True))
            suffered = np.sum(arm * loss, axis=-1, keepdims=True)
            regret += suffered - np.sum(context * loss[:, None], axis=-1)
            state = policy.update(state, context, play, Feedback(loss, arm, play))
        assert mean_at_most(regret, bound)
        assert policy.bias == 0 or rarer_than(delta, regret.max(-1) > bound)


@pytest.mark.parametrize("name", ["horizon", "anytime", "eta"])
def test_exp4_ix_holds_with_high_probability(name: str) -> None:
    delta = 0.05
    policy, bound = {
        "horizon": (exp4_ix(horizon=ROUNDS), bounds.exp4_ix(N, K, ROUNDS, delta)),
        "anytime": (exp4_ix(), bounds.exp4_ix_anytime(N, K, ROUNDS, delta)),
        "eta": (exp4_ix(0.1), bounds.exp4_ix_fixed(N, K, ROUNDS, 0.1, delta)),
    }[name]
    game = played(policy, WORLD, ROUNDS, SEEDS)
    assert rarer_than(delta, to_experts(game, game.losses).max(-1) > bound)


@pytest.mark.parametrize(
    ("policy", "bound"),
    [
        (exp4(horizon=300), lambda n, k, t: bounds.exp4(n, k, 300)),
        (exp4(), lambda n, k, t: bounds.exp4_anytime(n, t * min(n, k))),
        (exp4_ix(), lambda n, k, t: bounds.exp4_ix_anytime(n, k, t, 0.5)),
    ],
    ids=["exp4-horizon", "exp4", "exp4_ix"],
)
def test_the_bound_is_a_law(policy: Any, bound: Any) -> None:
    only = ["mean_regret_never_exceeds_the_bound"]
    assert check_learner(policy, bound=bound, only=only, examples=5).held == tuple(only)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_permuted_experts_and_arms(policy: Any) -> None:
    rng = np.random.default_rng(3)
    experts_order, arms_order = rng.permutation(N), rng.permutation(K)
    state = other = policy.init(np.zeros((N, K)))
    for t, advice in enumerate(rng.dirichlet(np.ones(K), size=(30, N))):
        changed = advice[experts_order][:, arms_order]
        play, same = (
            policy.predict(*each, np.zeros(K)) for each in ((state, advice), (other, changed))
        )
        np.testing.assert_allclose(same, play[arms_order], rtol=1e-9)
        arm, loss = np.arange(K) == t % K, rng.random(K)
        state = policy.update(state, advice, play, Feedback(loss, arm, play))
        met = Feedback(loss[arms_order], arm[arms_order], same)
        other = policy.update(other, changed, same, met)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match=r"at most one of eta and horizon, got 0\.1 and 5"):
        exp4(0.1, horizon=5)
    with pytest.raises(ValueError, match="eta must be a positive number, got 0"):
        exp4_ix(0)
    with pytest.raises(ValueError, match="horizon must be a whole number of at least 1, got 0"):
        exp4(horizon=0)
    policy, advice = exp4(), np.eye(3)
    with pytest.raises(ValueError, match="chance is needed with seen"):
        policy.update(
            policy.init(advice), advice, np.full(3, 1 / 3), Feedback(np.ones(3), np.eye(3)[0] > 0)
        )
