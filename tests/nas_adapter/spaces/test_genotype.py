"""Reading rules against their definitions, by enumeration of a small space."""

from __future__ import annotations

import collections
import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas_adapter.errors import UserError
from nas_adapter.spaces import (
    DARTSCNN,
    NASBench201,
    Size,
    nodes,
    random_architecture,
    uniform_over_choices,
    without,
)
from nas_adapter.spaces.genotype import carries, read


class Small(DARTSCNN):
    """Two nodes: one with two edges, one with three; each keeps two. "none" and two operations."""

    operations = ("none", "a", "b")
    edges = ("2<-0", "2<-1", "3<-0", "3<-1", "3<-2")
    choices = ((0, 1, 2),) * 5


SMALL = Small()
LEGAL = [
    architecture
    for architecture in itertools.product(range(3), repeat=5)
    if all(sum(architecture[edge] > 0 for edge in edges) == 2 for edges in nodes(SMALL))
]


def distribution(seed: int, edges: int = 5, operations: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(edges, operations, generator=generator, dtype=torch.float64).softmax(-1)


def probability(play: torch.Tensor, architecture: tuple[int, ...]) -> float:
    return math.prod(float(play[edge, o]) for edge, o in enumerate(architecture))


@given(seed=st.integers(0, 10**6))
def test_mode_is_the_most_probable_legal_architecture(seed: int) -> None:
    play = distribution(seed)
    best = max(LEGAL, key=lambda architecture: probability(play, architecture))
    assert read(SMALL, "mode", play, seed=0) == best


@given(seed=st.integers(0, 10**6))
def test_best_cumulative_is_the_smallest_sum_of_losses(seed: int) -> None:
    play, loss = distribution(seed), 10 * distribution(seed + 1)
    best = min(LEGAL, key=lambda a: sum(float(loss[edge, o]) for edge, o in enumerate(a)))
    assert read(SMALL, "best-cumulative", play, loss=loss, seed=0) == best


@given(seed=st.integers(0, 10**6))
def test_darts_keeps_the_two_strongest_edges(seed: int) -> None:
    play = distribution(seed)
    found = read(SMALL, "darts", play, seed=0)
    assert found == read(SMALL, "auto", play, seed=0)
    strength, operation = play[:, 1:].max(-1)
    weakest = 2 + int(strength[2:].argmin())
    expected = [1 + int(index) for index in operation]
    expected[weakest] = 0
    assert found == tuple(expected)


def test_samples_follow_the_product_given_that_it_is_legal() -> None:
    play, count = distribution(7), 2000
    drawn = collections.Counter(read(SMALL, "sample", play, seed=seed) for seed in range(count))
    weights = {architecture: probability(play, architecture) for architecture in LEGAL}
    total = sum(weights.values())
    assert set(drawn) <= set(LEGAL)
    # Pearson's statistic of 48 cells, 47 degrees of freedom: 95 has a chance of 5e-5.
    expected = {architecture: count * w / total for architecture, w in weights.items()}
    assert sum((drawn[a] - e) ** 2 / e for a, e in expected.items()) < 95


def test_random_architectures_are_uniform() -> None:
    count = 4000
    drawn = collections.Counter(
        random_architecture(SMALL, torch.Generator().manual_seed(seed)) for seed in range(count)
    )
    assert set(drawn) == set(LEGAL)
    expected = count / len(LEGAL)
    assert sum((seen - expected) ** 2 / expected for seen in drawn.values()) < 95


@pytest.mark.parametrize("rule", ["darts", "mode", "sample", "best-cumulative"])
def test_wiped_out_edges_can_be_read(rule: str) -> None:
    """ "none" gone from some edges, all but "none" from others."""
    play = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0.5, 0.5], [0, 0, 1], [0.2, 0.8, 0]])
    loss = torch.where(play > 0, -play, torch.inf)
    found = read(SMALL, rule, play, loss=loss, seed=0)
    assert found in LEGAL
    assert found[0] == 1
    assert rule in {"darts", "sample"} or found[4] == 0, "the one edge that may be dropped"


@given(seed=st.integers(0, 10**6))
def test_without_a_rule_of_the_space_every_edge_is_its_own(seed: int) -> None:
    space, play = NASBench201(), distribution(seed, 6, 5)
    mode = read(space, "mode", play, seed=0)
    assert mode == read(space, "auto", play, seed=0) == tuple(play.argmax(-1).tolist())
    assert read(space, "best-cumulative", play, loss=-play.log(), seed=0) == mode
    kept = read(space, "darts", play, seed=0)
    assert [sum(kept[e] > 0 for e in edges) for edges in nodes(space)] == [1, 2, 2]


def test_unknown_rules_are_refused() -> None:
    arguments: Any = (SMALL, "best-cumulative", distribution(0))
    with pytest.raises(ValueError, match="rule must be one of"):
        read(*arguments, seed=0)


@given(seed=st.integers(0, 10**6))
def test_without_none_the_rules_are_those_of_a_play_that_never_had_it(seed: int) -> None:
    space, play = without(SMALL, ["none"]), distribution(seed)
    play[:, 0] = 0
    play /= play.sum(-1, keepdim=True)
    best = max(
        LEGAL, key=lambda a: sum(math.log(play[edge, o]) for edge, o in enumerate(a) if o > 0)
    )
    assert read(space, "mode", play, seed=0) == best
    assert read(space, "darts", play, seed=0) == read(SMALL, "darts", play, seed=0)
    assert read(space, "sample", play, seed=seed) in LEGAL
    loss = torch.where(play > 0, -play.log(), math.inf)
    assert read(space, "best-cumulative", play, loss=loss, seed=0) == best


def test_what_carries_is_what_the_network_passes_on() -> None:
    """Against all 64 patterns of "none" and convolutions in a real cell."""
    space = NASBench201()
    net: Any = space.network(Size(1, 2, 2, 1), space.choices, search=True)
    x = torch.rand(2, 2, 4, 4, generator=generator(0))
    for pattern in itertools.product((0, 3), repeat=6):
        passed_on = bool(net.cells[0][0](x, pattern).any())
        assert carries(space, pattern) == passed_on
    assert all(carries(SMALL, architecture) for architecture in LEGAL)


def test_a_space_without_some_operations() -> None:
    space = without(NASBench201(), ["none", "avg_pool_3x3"])
    assert space.choices == ((1, 2, 3),) * 6
    assert space.genotype((3,) * 6) == NASBench201().genotype((3,) * 6)
    uniform = uniform_over_choices(space, torch.device("cpu"))
    assert torch.equal(uniform > 0, torch.tensor([False, True, True, True, False]).expand(6, 5))
    drawn = {o for seed in range(50) for o in random_architecture(space, generator(seed))}
    assert drawn == {1, 2, 3}
    with pytest.raises(UserError, match="unknown --without 'nothing': choose one of none, skip"):
        without(NASBench201(), ["nothing"])
    with pytest.raises(UserError, match="--without a none b: nothing is left of edge 2<-0"):
        without(SMALL, ["a", "none", "b"])


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
