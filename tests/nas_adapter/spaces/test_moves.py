"""Single changes of an architecture against brute force."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from nas_adapter.spaces import (
    NONE,
    Architecture,
    NASBench201,
    Space,
    find_space,
    nodes,
    random_architecture,
    real_choices,
    without,
)
from nas_adapter.spaces.moves import one_edge_changes
from tests.nas_adapter.spaces.test_genotype import LEGAL, SMALL

MACRO = "experiments/studies/nasbench_macro/space.py:NASBenchMacro"
NAMES = ("nasbench201", "darts-cnn", "darts-rnn", MACRO)
SPACES: list[Any] = [
    *(pytest.param(find_space(name), id=name) for name in NAMES),
    *(pytest.param(without(find_space(n), [NONE]), id=f"{n}, no none") for n in NAMES[:3]),
]


def some(space: Space, count: int = 5) -> list[Architecture]:
    return [random_architecture(space, torch.Generator().manual_seed(s)) for s in range(count)]


def is_one_change(space: Space, one: Architecture, other: Architecture) -> bool:
    """By the definition: one edge's operation, or one kept edge of a node for another one."""
    differing = [edge for edge, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if space.inputs is None:
        return len(differing) == 1
    none = space.operations.index(NONE)
    if len(differing) == 1:
        return none not in (one[differing[0]], other[differing[0]])
    if len(differing) != 2 or not any(set(differing) <= set(edges) for edges in nodes(space)):
        return False
    first, second = differing
    gone = one[first] != none == other[first] and one[second] == none != other[second]
    come = one[first] == none != other[first] and one[second] != none == other[second]
    return gone or come


@pytest.mark.parametrize("space", [SMALL, without(SMALL, [NONE])], ids=["none", "without none"])
def test_all_changes_where_a_node_keeps_two_edges(space: Space) -> None:
    for architecture in LEGAL:
        expected = {other for other in LEGAL if is_one_change(space, architecture, other)}
        found = one_edge_changes(space, architecture)
        assert set(found) == expected
        assert len(found) == len(expected)


@pytest.mark.parametrize("left_out", [[], [NONE], [NONE, "skip_connect"]])
def test_all_changes_of_nas_bench_201(left_out: list[str]) -> None:
    space = without(NASBench201(), left_out)
    everything = set(itertools.product(*space.choices))
    for architecture in some(space, 3):
        found = one_edge_changes(space, architecture)
        assert len(found) == len(set(found)) == 6 * (len(space.choices[0]) - 1)
        assert set(found) == {a for a in everything if is_one_change(space, architecture, a)}


@pytest.mark.parametrize("space", SPACES)
def test_changes_are_different_valid_symmetric_and_as_many_as_they_should(space: Space) -> None:
    for architecture in some(space, 2):
        found = one_edge_changes(space, architecture)
        assert len(found) == len(set(found)) == expected_number(space, architecture)
        for other in found:
            assert is_one_change(space, architecture, other)
            assert space.parse(space.genotype(other)) == other
        for other in found[:: max(1, len(found) // 6)]:
            assert architecture in one_edge_changes(space, other)


def expected_number(space: Space, architecture: Architecture) -> int:
    """Operations of kept edges but their own, and for each pair kept, dropped the dropped one's."""
    offered = real_choices(space)
    if space.inputs is None:
        return sum(len(operations) - 1 for operations in offered)
    none, total = space.operations.index(NONE), 0
    for edges in nodes(space):
        kept = [edge for edge in edges if architecture[edge] != none]
        total += sum(len(offered[edge]) - 1 for edge in kept)
        total += len(kept) * sum(len(offered[edge]) for edge in edges if edge not in kept)
    return total


def test_an_edge_with_one_operation_stays() -> None:
    space = without(NASBench201(), ["none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1"])
    assert one_edge_changes(space, (3,) * 6) == []
