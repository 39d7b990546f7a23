"""Component Hedge: its minimum, its draws, its bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from experts import Feedback, Fixed, Gap, Horizon, bounds
from experts.structured import Graph, component_hedge, expanded_hedge


@given(
    n=st.integers(2, 7),
    data=st.data(),
    scale=st.sampled_from([0.0, 1e-3, 0.3, 5.0]),
)
def test_it_plays_the_minimum_over_the_capped_simplex(n: int, data: Any, scale: float) -> None:
    """The conditions of optimality: L + s ln w is the same below 1, and no larger at 1."""
    k = data.draw(st.integers(1, n - 1))
    loss = np.asarray(data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))) / 4
    learner = component_hedge(n, k)
    state = learner.init(np.zeros(n))
    state = state._replace(loss=loss, clock=state.clock._replace(scale=np.asarray([scale])))
    mean = learner.predict(state)
    assert mean.sum() == pytest.approx(k, rel=1e-12)
    assert ((mean >= 0) & (mean <= 1)).all()
    if scale == 0:
        assert mean @ loss == pytest.approx(np.sort(loss)[:k].sum(), rel=1e-12)
        return
    level = (loss + scale * np.log(np.maximum(mean, 1e-300)))[mean > 1e-300]
    free = mean[mean > 1e-300] < 1
    if free.any():
        np.testing.assert_allclose(level[free], level.max(), atol=1e-12)


def test_the_minimum_is_the_one_that_scipy_finds() -> None:
    loss, k, scale = np.asarray([0.0, 0.1, 1.0, 1.2, 3.0]), 2, 0.5

    def value(w: np.ndarray) -> float:
        return float(w @ loss + scale * np.sum(w * np.log(np.maximum(w, 1e-300) * 5 / k)))

    found = minimize(
        value,
        np.full(5, k / 5),
        bounds=[(1e-12, 1.0)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - k},
        options={"ftol": 1e-14},
    )
    learner = component_hedge(5, k, Fixed(1 / scale))
    state = learner.init(loss)._replace(loss=loss)
    mean = learner.predict(state)
    np.testing.assert_allclose(mean, found.x, atol=1e-5)
    assert value(mean) <= found.fun + 1e-9


def test_draws_have_the_mean_exactly() -> None:
    """Systematic sampling over a grid of uniforms, means that are multiples of the grid."""
    learner = component_hedge(4, 2, Fixed(1.0))
    mean = np.asarray([0.125, 0.75, 0.25, 0.875])
    state = learner.init(np.zeros(4))._replace(loss=-np.log(mean))
    np.testing.assert_allclose(learner.predict(state), mean, rtol=1e-14)
    many = state._replace(loss=np.broadcast_to(state.loss, (8, 4)))
    many = many._replace(clock=state.clock._replace(scale=np.ones((8, 1))))
    drawn = learner.draw(many, (np.arange(8)[:, None] + 0.5) / 8)
    assert (drawn.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(drawn.mean(axis=0), mean)


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2**-53])
def test_every_uniform_draws_k(u: float) -> None:
    """Also at the ends, where the cumulated means are rounded."""
    rng = np.random.default_rng(0)
    learner = component_hedge(30, 7, Fixed(1.0))
    state = learner.init(np.zeros((200, 30)))._replace(loss=rng.exponential(3.0, (200, 30)))
    assert (learner.draw(state, np.full((200, 1), u)).sum(axis=-1) == 7).all()


@pytest.mark.parametrize(("n", "k"), [(5, 2), (6, 5), (12, 4)])
@pytest.mark.parametrize("kind", ["random", "favourites", "gap"])
def test_regret_is_at_most_the_bounds(n: int, k: int, kind: str) -> None:
    rng, most = np.random.default_rng(1), 100
    cases: list[tuple[Any, Callable[[int], float]]] = [
        (Fixed(0.2), lambda t: k * math.log(n / k) / 0.2 + 0.2 * t * k / 8),
        (Horizon(most), lambda t: bounds.component_hedge(n, k, most)),
        (Gap(), lambda t: bounds.component_adahedge(n, k, t)),
    ]
    for rate, bound in cases:
        learner = component_hedge(n, k, rate)
        state = learner.init(np.zeros((8, n)))
        total, suffered = np.zeros((8, n)), np.zeros(8)
        means = rng.random((8, n))
        for t in range(1, most + 1):
            play = learner.predict(state)
            if kind == "favourites":
                loss = (play >= np.sort(play, axis=-1)[:, -k:][:, :1]).astype(float)
            else:
                loss = (rng.random((8, n)) < (0.5 if kind == "random" else means)).astype(float)
            state = learner.update(state, play, Feedback(loss))
            total, suffered = total + loss, suffered + (play * loss).sum(-1)
            regret = suffered - np.sort(total)[:, :k].sum(-1)
            certificate = learner.certificate(state, play > 0.5)
            assert (regret <= certificate + 1e-9).all()
            assert (certificate <= bound(t) + 1e-9).all()


def test_mean_regret_of_a_semi_bandit_is_at_most_the_bound() -> None:
    """Over 200 games at once: the mean less 4 standard errors."""
    rng, games, rounds, n, k = np.random.default_rng(2), 200, 150, 8, 3
    learner = component_hedge(n, k, Horizon(rounds, bandit=True))
    state = learner.init(np.zeros((games, n)))
    means = rng.uniform(0.2, 0.8, n)
    best = np.argsort(means)[:k]
    regret = np.zeros(games)
    for _ in range(rounds):
        play = learner.predict(state)
        action = learner.draw(state, rng.random((games, 1)))
        loss = (rng.random(play.shape) < means).astype(float)
        shown = np.where(action, loss, np.nan)
        state = learner.update(state, play, Feedback(shown, action, play))
        regret += np.where(action, loss, 0.0).sum(-1) - loss[:, best].sum(-1)
    error = regret.std() / math.sqrt(games)
    assert regret.mean() - 4 * error <= bounds.component_semi_bandit(n, k, rounds)
    assert regret.mean() <= 0.9 * rounds * (k * means.mean() - means[best].sum())


def test_bounds_of_one_of_n_are_those_of_hedge_and_exp3() -> None:
    """And c of c n items have c times the bounds of 1 of n."""
    for c in (1, 3):
        full, semi = (
            bounds.component_hedge(5 * c, c, 50),
            bounds.component_semi_bandit(5 * c, c, 50),
        )
        assert full == pytest.approx(c * bounds.hedge_tuned(5, 50))
        assert semi == pytest.approx(c * bounds.exp3(5, 50))


def test_the_rate_for_semi_bandits_is_the_one_of_the_bound() -> None:
    n, k, rounds = 8, 3, 150
    learner = component_hedge(n, k, Horizon(rounds, bandit=True))
    scale = learner.init(np.zeros(n)).clock.scale[0]
    found = scale * learner.price + rounds * n / (2 * scale)
    assert found == pytest.approx(bounds.component_semi_bandit(n, k, rounds))


def test_one_of_n_is_hedge() -> None:
    """k = 1: the capped simplex is the simplex, and both learners are Hedge."""
    learner, expanded = component_hedge(5, 1), expanded_hedge(Graph.subsets(5, 1))
    state, other = learner.init(np.zeros(5)), expanded.init(np.zeros(5))
    for loss in np.random.default_rng(0).random((30, 5)):
        play = learner.predict(state)
        np.testing.assert_allclose(play, expanded.predict(other), rtol=1e-9)
        state = learner.update(state, play, Feedback(loss))
        other = expanded.update(other, play, Feedback(loss))


@pytest.mark.parametrize(
    ("n", "k", "message"),
    [(3, 3, "k must be less than n = 3, got 3"), (3, 0, "k must be a whole number"),
     (2.5, 1, "n must be a whole number")],
)  # fmt: skip
def test_a_mistake_is_named(n: Any, k: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        component_hedge(n, k)


def test_whole_numbers_may_be_floats() -> None:
    learner = component_hedge(4.0, 2.0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(learner.predict(learner.init(np.zeros(4))), 0.5)


def test_a_bound_for_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="size must be at most components = 3, got 4"):
        bounds.component_hedge(3, 4, 10)
