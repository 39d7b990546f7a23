"""The largest architecture against brute force."""

from __future__ import annotations

from itertools import product
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from nas_adapter.advice.largest import count_parameters, largest
from nas_adapter.spaces import (
    DARTSRNN,
    NONE,
    NASBench201,
    Size,
    find_space,
    nodes,
    without,
)
from nas_adapter.spaces.moves import one_edge_changes
from tests.nas_adapter.spaces.test_genotype import LEGAL, SMALL

SIZE = Size(inputs=1, outputs=3, channels=2, cells=1)
MACRO = find_space("experiments/studies/nasbench_macro/space.py:NASBenchMacro")


class Weighted(type(SMALL)):  # type: ignore[misc]
    """The small space; an operation of an edge has as many parameters as its entry says."""

    counts: ClassVar[Any] = np.random.default_rng(0).integers(1, 50, (5, 3))

    def network(self, size: Size, choices: Any, *, search: bool) -> Any:
        parts = [self.counts[edge, o] for edge, (o,) in enumerate(choices) if o > 0]
        return nn.ParameterList(torch.zeros(int(count)) for count in parts)


@pytest.mark.parametrize("left_out", [[], [NONE]])
@pytest.mark.parametrize("seed", range(5))
def test_where_a_node_keeps_two_edges(left_out: list[str], seed: int) -> None:
    space: Any = Weighted()
    space.counts = np.random.default_rng(seed).integers(1, 50, (5, 3))
    space = without(space, left_out)
    found = largest(space, SIZE)
    assert found in LEGAL
    assert count_parameters(space, SIZE, found) == max(
        count_parameters(space, SIZE, cell) for cell in LEGAL
    )


@pytest.mark.parametrize(
    "left_out",
    [["nor_conv_3x3", "avg_pool_3x3", "skip_connect"], [NONE, "skip_connect", "avg_pool_3x3"]],
)
def test_it_has_the_most_parameters_of_all(left_out: list[str]) -> None:
    space = without(NASBench201(), left_out)
    expected = max(count_parameters(space, SIZE, cell) for cell in product(*space.choices))
    found = largest(space, SIZE)
    assert found is not None
    assert count_parameters(space, SIZE, found) == expected
    assert all(o in offered for o, offered in zip(found, space.choices, strict=True))


def test_no_single_change_makes_it_larger() -> None:
    found = largest(MACRO, SIZE)
    assert found == (2,) * 8
    own = count_parameters(MACRO, SIZE, found)
    changes = one_edge_changes(MACRO, found)
    assert max(count_parameters(MACRO, SIZE, change) for change in changes) < own


def test_ties_go_to_the_operation_that_is_named_first() -> None:
    assert largest(NASBench201(), SIZE) == (3,) * 6
    space: Any = without(NASBench201(), ["nor_conv_1x1", "nor_conv_3x3"])
    assert largest(space, SIZE) is None, "none of these has parameters"


def test_none_where_all_have_as_many() -> None:
    space = DARTSRNN()
    assert len(nodes(space)) == 8
    assert largest(space, Size(inputs=5, outputs=5, channels=3, cells=1)) is None
