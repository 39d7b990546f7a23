"""`Graph`: which actions it has, which it refuses; means and draws against enumeration."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts.structured import Graph, best_action
from experts.structured.paths import Paths

ROADS = [("s", "a"), ("s", "b"), ("a", "b"), ("a", "t"), ("b", "t"), ("b", "t")]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Random graphs: nodes 0, ..., n in a row, edges from smaller to larger, parallel ones too."""
    n = draw(st.integers(1, 5))
    pairs = st.tuples(st.integers(0, n), st.integers(0, n)).filter(lambda p: p[0] < p[1])
    extra = draw(st.lists(pairs, max_size=8))
    edges = draw(st.permutations([*((i, i + 1) for i in range(n)), *extra]))
    free = draw(st.sets(st.integers(0, len(edges) - 1), max_size=len(edges) - 1))
    numbers = itertools.count()
    labels = [None if edge in free else next(numbers) for edge in range(len(edges))]
    return Graph(edges, 0, n, labels)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_subsets_are_all_of_them(n: int) -> None:
    for k in range(1, n + 1):
        graph = Graph.subsets(n, k)
        assert graph.count == math.comb(n, k)
        assert graph.size == k
        wanted = {
            tuple(i in kept for i in range(n)) for kept in itertools.combinations(range(n), k)
        }
        assert {tuple(map(bool, action)) for action in graph.actions()} == wanted


def test_subsets_with_options_keep_one_option_of_each() -> None:
    graph = Graph.subsets(4, 2, options=3)
    actions = graph.actions().reshape(-1, 4, 3)
    assert len(np.unique(actions, axis=0)) == graph.count == 6 * 9
    assert (actions.sum(2) <= 1).all()
    assert (actions.sum((1, 2)) == 2).all()


def test_permutations_are_all_of_them() -> None:
    actions = Graph.permutations(4).actions().reshape(-1, 4, 4)
    assert len(np.unique(actions, axis=0)) == math.factorial(4)
    assert (actions.sum(1) == 1).all()
    assert (actions.sum(2) == 1).all()


def test_a_chain_has_all_combinations() -> None:
    parts = [Graph.subsets(3, 1), Graph(ROADS, "s", "t"), Graph.permutations(2)]
    chain = Graph.chain(parts)
    assert chain.count == 3 * 5 * 2
    assert chain.size == 1 + 3 + 2
    wanted = {
        np.concatenate(combination).tobytes()
        for combination in itertools.product(*(part.actions() for part in parts))
    }
    assert {action.tobytes() for action in chain.actions()} == wanted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([("s", "a"), ("a", "s"), ("a", "t")], "s", "t"), "edges must not form a circle, got 's'"),
        (([("s", "t"), ("s", "a")], "s", "t"), r"every edge must be on a path .*\('s', 'a'\)"),
        (([("s", "t"), ("a", "t")], "s", "t"), r"every edge must be on a path .*\('a', 't'\)"),
        (([("s", "t")], "s", "z"), "every edge must be on a path"),
        (([("s", "t", 1)], "s", "t"), r"edges must be pairs .*, got \('s', 't', 1\)"),
        (([(["s"], "t")], "s", "t"), r"edges must be pairs .* of hashable nodes, got \(\['s'\]"),
        ((ROADS, "s", "t", ["0", 1, 2, 3, 4, 5]), "components must be a whole number .*, got '0'"),
        ((ROADS, "s", "t", [False, 1, 2, 3, 4, 5]), "components must be a whole number"),
        (([], "s", "t"), r"numbered 0, ..., d - 1 without a gap, got \[\]"),
        ((ROADS, "s", "t", [0, 1, 2, 4, 5, 6]), "without a gap"),
        ((ROADS, "s", "t", [0, 1]), "one entry for each of the 6 edges, got 2"),
        ((ROADS, "s", "t", [0, 1, 0, 2, 3, 4]), r"a component twice, got 0 on edge \('a', 'b'\)"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Graph(*arguments)


def test_mistakes_of_the_constructors_are_named() -> None:
    with pytest.raises(ValueError, match="k must be at most n = 3, got 4"):
        Graph.subsets(3, 4)
    for parts in ([], [Graph.subsets(3, 1), 3]):
        with pytest.raises(ValueError, match="graphs must hold at least one graph and no other"):
            Graph.chain(parts)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more than most = 1000"):
        Graph.permutations(8).actions(most=1000)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ([3.0, 1.0, 2.0], "loss must be an array, got list"),
        (np.arange(3), "loss must be of a floating point type"),
        (np.zeros(4), r"loss must have the 3 components .*, got shape \(4,\)"),
        (np.asarray([0.0, np.nan, 1.0]), "loss must be finite"),
    ],
)
def test_there_is_no_best_action_for_other_losses(loss: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_action(Graph.subsets(3, 2), loss)


def test_whole_numbers_may_be_floats() -> None:
    assert Graph.subsets(4.0, 2.0, 3.0) == Graph.subsets(4, 2, 3)  # type: ignore[arg-type]
    assert Graph(ROADS, "s", "t", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == Graph(  # type: ignore[list-item]
        ROADS, "s", "t", range(6)
    )


@given(graph=graphs(), seed=st.integers(0, 99))
def test_means_are_those_of_the_weighted_paths(graph: Graph, seed: int) -> None:
    """Probabilities of components, the best path, and the sum of the weights, by enumeration."""
    rng, paths, actions = np.random.default_rng(seed), Paths(graph), graph.actions()
    assert len(actions) == graph.count
    loss = rng.integers(-8, 9, graph.dimension) / 4
    lead, best = paths.relative(paths.spread(loss))
    total = actions @ loss
    assert best[0] == total.min() == best_action(graph, loss) @ loss
    for scale in (0.0, 0.3, 100.0):
        weight = np.exp(-(total - total.min()) / scale) if scale else total == total.min()
        chances, log_total = paths.weigh(lead, np.asarray([scale]))
        np.testing.assert_allclose(log_total[0], np.log(weight.sum()), rtol=1e-12, atol=1e-14)
        wanted = weight / weight.sum() @ actions
        mean = paths.components(paths.flow(chances))
        np.testing.assert_allclose(mean, wanted, rtol=1e-12, atol=1e-14)


def test_draws_have_exactly_the_weights() -> None:
    """2 of 4, uniform: each chance is a multiple of 1/12, so a grid of 12 uniforms an edge is
    the integral over them."""
    graph = Graph.subsets(4, 2)
    paths = Paths(graph)
    chances, _ = paths.weigh(np.zeros(paths.slots), np.zeros(1))
    grid = (np.arange(12) + 0.5) / 12
    uniforms = np.stack(np.meshgrid(*[grid] * graph.uniforms), axis=-1).reshape(-1, graph.uniforms)
    wide = np.broadcast_to(chances, (len(uniforms), paths.slots))
    drawn = paths.components(paths.draw(wide, uniforms)).astype(bool)
    found, times = np.unique(drawn, axis=0, return_counts=True)
    np.testing.assert_array_equal(found, np.unique(graph.actions(), axis=0))
    np.testing.assert_array_equal(times, 12**4 // 6)


@given(graph=graphs())
def test_draws_follow_skewed_weights(graph: Graph) -> None:
    """Frequencies of all actions, up to Hoeffding's bound for 1 - 1e-9."""
    rng, paths, many = np.random.default_rng(0), Paths(graph), 3000
    actions, which = np.unique(graph.actions(), axis=0, return_inverse=True)
    loss = rng.random(graph.dimension)
    lead, _ = paths.relative(paths.spread(loss))
    chances, _ = paths.weigh(lead, np.ones(1))
    wide = np.broadcast_to(chances, (many, paths.slots))
    drawn = paths.components(paths.draw(wide, rng.random((many, graph.uniforms)))) > 0
    weight = np.bincount(which.ravel(), np.exp(-(graph.actions() @ loss)))
    frequency = (drawn[:, None] == actions).all(-1).mean(0)
    slack = math.sqrt(math.log(2 * len(actions) / 1e-9) / (2 * many))
    np.testing.assert_allclose(frequency, weight / weight.sum(), atol=slack)
    assert frequency.sum() == pytest.approx(1)
