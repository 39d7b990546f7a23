"""Expanded Hedge is Hedge over all actions; its bounds, with all losses shown and semi-bandit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from experts import FTRL, Anytime, Entropy, Feedback, Fixed, Gap, Horizon, Weighted, bounds
from experts.structured import Graph, component_hedge, expanded_hedge, semi_bandit_hedge

GRAPHS = {
    "subsets": Graph.subsets(5, 2),
    "node": Graph.subsets(3, 2, options=3),
    "orders": Graph.permutations(4),
    "grid": Graph.chain([Graph.subsets(2, 2, 2), Graph.subsets(3, 2, 2)]),
    "roads": Graph([(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 3)], 0, 3),
}
every_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)


@every_graph
@pytest.mark.parametrize(
    ("rate", "of_paths"),
    [
        (Fixed(0.7), lambda m: Fixed(0.7)),
        (Horizon(40), lambda m: Horizon(40, m)),
        (Anytime(), Anytime),
        (Gap(), lambda m: Gap()),
    ],
    ids=["fixed", "horizon", "anytime", "gap"],
)
def test_it_is_hedge_over_all_actions(graph: Graph, rate: Any, of_paths: Any) -> None:
    """Means, certificates and rates of FTRL with one weight for each path."""
    actions = graph.actions().astype(float)
    learner, joint = expanded_hedge(graph, rate), FTRL(Entropy(), of_paths(graph.size), Weighted())
    losses = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 2, graph.dimension))
    state, whole = learner.init(losses[0]), joint.init(losses[0] @ actions.T)
    for loss in losses:
        play, weights = learner.predict(state), joint.predict(whole)
        np.testing.assert_allclose(play, weights @ actions, rtol=1e-9, atol=1e-12)
        state = learner.update(state, play, Feedback(loss))
        whole = joint.update(whole, weights, Feedback(loss @ actions.T))
        ours = learner.certificate(state, np.zeros_like(play, dtype=bool))
        np.testing.assert_allclose(ours, joint.certificate(whole)[:, 0], rtol=1e-9, atol=1e-9)


def adversary(kind: str, play: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Losses of components in [0, 1]."""
    if kind == "random":
        return rng.integers(0, 2, play.shape).astype(float)
    return (play >= np.sort(play, axis=-1)[..., -2:-1]).astype(float)  # on the two favourites


@every_graph
@pytest.mark.parametrize("kind", ["random", "favourites"])
def test_regret_is_at_most_the_bounds(graph: Graph, kind: str) -> None:
    """The bounds of Hedge with K = N and B = m, after every round."""
    rng, most, (n, m) = np.random.default_rng(1), 80, (graph.count, graph.size)
    cases: list[tuple[Any, Callable[[int], float]]] = [
        (Fixed(0.2), lambda t: bounds.hedge(n, t, 0.2, m)),
        (Anytime(), lambda t: bounds.hedge_anytime(n, t, m)),
        (Gap(), lambda t: bounds.adahedge(n, t, m)),
        (Horizon(most), lambda t: bounds.hedge_tuned(n, most, m)),
    ]
    for rate, bound in cases:
        learner = expanded_hedge(graph, rate)
        state = learner.init(np.zeros((8, graph.dimension)))
        total, suffered = np.zeros((8, graph.dimension)), np.zeros(8)
        for t in range(1, most + 1):
            play = learner.predict(state)
            loss = adversary(kind, play, rng)
            state = learner.update(state, play, Feedback(loss))
            total, suffered = total + loss, suffered + (play * loss).sum(-1)
            regret = suffered - (total @ graph.actions().T).min(-1)
            certificate = learner.certificate(state, play > 0)
            assert (regret <= certificate + 1e-9).all()
            if not isinstance(rate, Gap):  # whose certificate may be above the closed form
                assert (certificate <= bound(t) + 1e-9).all()
            assert (regret <= bound(t) + 1e-9).all()


@every_graph
@pytest.mark.parametrize("horizon", [None, 120])
def test_mean_regret_of_semi_bandits_is_at_most_the_bound(
    graph: Graph, horizon: int | None
) -> None:
    """Over 200 games at once: the mean less 4 standard errors, which chance alone passes with
    probability 3e-5."""
    rng, games, rounds = np.random.default_rng(2), 200, 120
    learner = semi_bandit_hedge(graph, horizon=horizon)
    state = learner.init(np.zeros((games, graph.dimension)))
    means = rng.uniform(0.2, 0.8, graph.dimension)
    best = graph.actions()[np.argmin(graph.actions() @ means)]
    regret = np.zeros(games)
    for _ in range(rounds):
        play = learner.predict(state)
        action = learner.draw(state, rng.random((games, graph.uniforms)))
        loss = (rng.random(play.shape) < means).astype(float)
        shown = np.where(action, loss, np.nan)
        state = learner.update(state, play, Feedback(shown, action, play))
        regret += np.where(action, loss, 0.0).sum(-1) - loss[:, best].sum(-1)
    sizes = {"components": graph.dimension, "size": graph.size, "rounds": rounds}
    bound = bounds.semi_bandit if horizon else bounds.semi_bandit_anytime
    error = regret.std() / math.sqrt(games)
    assert regret.mean() - 4 * error <= bound(graph.count, **sizes)
    learned = 0.9 * rounds * (graph.actions() @ means - best @ means).mean()
    assert regret.mean() <= learned, "no better than actions drawn at random"


def test_one_of_k_is_a_bandit() -> None:
    """Bounds for actions of a single component are those of Exp3."""
    assert bounds.semi_bandit(7, 7, 1, 50) == pytest.approx(bounds.exp3(7, 50))
    assert bounds.semi_bandit_anytime(7, 7, 1, 50) == pytest.approx(bounds.exp3_anytime(7, 50))
    assert bounds.semi_bandit(30, 7, 4, 50) == pytest.approx(2 * bounds.semi_bandit(30, 7, 1, 50))


@every_graph
def test_the_rates_are_those_of_the_bounds(graph: Graph) -> None:
    n, m, d, rounds = graph.count, graph.size, graph.dimension, 60
    tuned = semi_bandit_hedge(graph, horizon=rounds).init(np.zeros(d)).clock.scale[0]
    found = bounds.semi_bandit_fixed(n, d, m, rounds, 1 / tuned)
    assert found == pytest.approx(bounds.semi_bandit(n, d, m, rounds))
    first = semi_bandit_hedge(graph).init(np.zeros(d)).clock.scale[0]
    assert first == pytest.approx(math.sqrt(m * d / math.log(n)))


def test_the_tuned_rate_is_the_best_fixed_one() -> None:
    eta = math.sqrt(2 * math.log(10) / (3 * 7 * 100))
    fixed = bounds.semi_bandit_fixed(10, 7, 3, 100, eta)
    assert fixed == pytest.approx(bounds.semi_bandit(10, 7, 3, 100))
    assert min(bounds.semi_bandit_fixed(10, 7, 3, 100, eta * c) for c in (0.9, 1.1)) > fixed


def test_a_bound_takes_numbers_that_no_float_can_hold() -> None:
    """2,000 of 4,000 items: N has 1,202 digits."""
    n = math.comb(4000, 2000)
    assert bounds.hedge_tuned(n, 8, 2) == pytest.approx(2 * math.sqrt(4 * math.log(n)))


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (expanded_hedge, ([(0, 1)],), r"structure must be a Graph, got \[\(0, 1\)\]"),
        (semi_bandit_hedge, (5,), "structure must be a Graph, got 5"),
        (expanded_hedge, (GRAPHS["roads"], 0.1), "rate must be a schedule, .*, got 0.1"),
        (expanded_hedge, (GRAPHS["roads"], Gap), "rate must be a schedule, .*, got <class"),
        (component_hedge, (4, 2, 0.1), "rate must be a schedule, .*, got 0.1"),
        (component_hedge(4, 2).init, ([0.0] * 4,), "like must be an array, got list"),
    ],
)
def test_a_mistake_is_named(make: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(*arguments)


def test_long_games_in_float32_keep_their_certificate() -> None:
    """Losses are kept less the best path's, so that long games lose few digits."""
    graph = Graph.subsets(6, 3)
    learner = expanded_hedge(graph, Gap())
    rng, state = np.random.default_rng(3), learner.init(np.zeros(6, dtype=np.float32))
    total, suffered = np.zeros(6), 0.0
    for _ in range(1000):
        play = learner.predict(state)
        loss = rng.random(6, dtype=np.float32)
        state = learner.update(state, play, Feedback(loss))
        total += loss
        suffered += float(play.astype(float) @ loss)
    regret = suffered - np.sort(total)[:3].sum()
    assert regret <= learner.certificate(state, play > 0) * (1 + 1e-3)
    np.testing.assert_allclose(play.sum(), 3, rtol=1e-6)
