"""Architectures as points of a search, and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from experts.structured import Graph, Search, expanded_hedge
from nas_adapter.spaces import (
    NONE,
    SPACES,
    nodes,
    random_architecture,
    real_choices,
    uniform_over_choices,
    without,
)
from nas_adapter.spaces.choices import as_choices, to_architecture, to_point

CPU = torch.device("cpu")
OPENED = {name: make() for name, make in SPACES.items()}
OPENED["nasbench201 without none"] = without(OPENED["nasbench201"], ["none"])


@pytest.mark.parametrize("name", OPENED)
def test_an_architecture_is_a_point_and_back(name: str) -> None:
    space = OPENED[name]
    choices = as_choices(space, uniform_over_choices(space, CPU))
    search = Search(choices, noisy=True)
    for seed in range(50):
        architecture = random_architecture(space, torch.Generator().manual_seed(seed))
        point = to_point(space, architecture)
        search.tell(point, float(seed))  # refuses what is no point
        assert to_architecture(space, point) == architecture


@pytest.mark.parametrize("name", OPENED)
def test_a_point_is_an_architecture_that_keeps_what_its_nodes_keep(name: str) -> None:
    space = OPENED[name]
    search = Search(as_choices(space, uniform_over_choices(space, CPU)), seed=1)
    for point in search.ask(50):
        architecture = to_architecture(space, point)
        assert space.parse(space.genotype(architecture)) == architecture
        for edges in nodes(space) if space.inputs is not None else ():
            kept = [edge for edge in edges if space.operations[architecture[edge]] != NONE]
            assert len(kept) == min(space.inputs or 0, len(edges))


def test_kept_edges_have_the_weight_of_their_odds_against_none() -> None:
    space = OPENED["darts-cnn"]
    prior = uniform_over_choices(space, CPU)
    none = space.operations.index(NONE)
    first = nodes(space)[1]  # three edges into a node, of which two are kept
    for edge, share in zip(first, (0.5, 0.2, 0.1), strict=True):
        prior[edge] *= (1 - share) / (1 - prior[edge, none])
        prior[edge, none] = share
    choices = as_choices(space, prior)
    node = space.edges[first[0]].partition("<-")[0]
    weights = choices[f"inputs of {node}"].prior
    assert weights is not None
    odds = [(1 - share) / share for share in (0.5, 0.2, 0.1)]
    wanted = [odds[0] * odds[1], odds[0] * odds[2], odds[1] * odds[2]]
    assert all(map(math.isclose, weights, wanted))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("count", [1, 3, None])
def test_a_prior_may_leave_edges_only_none(name: str, count: int | None) -> None:
    space = OPENED[name]
    prior, none = uniform_over_choices(space, CPU), space.operations.index(NONE)
    prior[:count] = torch.nn.functional.one_hot(torch.tensor(none), len(space.operations))
    architecture = to_architecture(space, Search(as_choices(space, prior)).ask())
    assert space.parse(space.genotype(architecture)) == architecture


@pytest.mark.parametrize("name", ["darts-cnn", "darts-rnn"])
def test_paths_of_a_graph_are_the_cells_of_darts(name: str) -> None:
    """A node keeps some of its edges, with an operation on each: `Graph.subsets`, in a chain."""
    space = OPENED[name]
    offered = real_choices(space)
    (each,) = {len(operations) for operations in offered}
    kept = space.inputs or 0
    graph = Graph.chain(
        Graph.subsets(len(edges), min(kept, len(edges)), options=each) for edges in nodes(space)
    )
    choices = as_choices(space, uniform_over_choices(space, CPU))
    ways = [len(c.options) for c in choices.values() if not set(c.options) <= {*space.operations}]
    assert graph.count == math.prod(ways) * each**graph.size

    learner = expanded_hedge(graph)
    state = learner.init(np.zeros((20, graph.dimension)))
    drawn = learner.draw(state, np.random.default_rng(0).random((20, graph.uniforms)))
    for action in drawn.reshape(20, len(space.edges), each):
        architecture = tuple(
            operations[int(row.argmax())] if row.any() else space.operations.index(NONE)
            for row, operations in zip(action, offered, strict=True)
        )
        assert to_architecture(space, to_point(space, architecture)) == architecture
        assert space.parse(space.genotype(architecture)) == architecture
