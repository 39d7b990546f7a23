"""Published cells: their names, their sizes, and what is refused."""

from __future__ import annotations

import ast

import pytest
import torch

from nas_adapter.errors import UserError
from nas_adapter.spaces import (
    DARTSCNN,
    DARTSRNN,
    NASBench201,
    Size,
    Space,
    find_space,
    random_architecture,
    without,
)
from nas_adapter.spaces.published import PUBLISHED, read_cell

SIZES = {
    "DARTS_V1": 3_169_414, "DARTS_V2": 3_349_342, "PC_DARTS": 3_634_678, "GDAS": 3_368_782,
    "XNAS": 3_793_438,
}  # fmt: skip
"""Parameters at C = 36 and 20 cells, without the auxiliary head, for 10 classes. The papers say
3.2, 3.3, 3.6, 3.4 and 3.8 million (XNAS: its cell trained as DARTS's)."""


def test_every_name_is_read_in_its_space() -> None:
    for cell in PUBLISHED:
        space = find_space(cell.space)
        assert read_cell(space, cell.name, "cell") == tuple(space.parse(cell.genotype))
        assert cell.source
    assert len({(cell.name, cell.space) for cell in PUBLISHED}) == len(PUBLISHED)
    without_none = without(DARTSCNN(), ["none"])
    assert read_cell(without_none, "GDAS", "cell") == read_cell(DARTSCNN(), "GDAS", "cell")


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes(name: str) -> None:
    space = DARTSCNN()
    choices = [[operation] for operation in read_cell(space, name, "cell")]
    net = space.network(Size(3, 10, channels=36, cells=6), choices, search=False)
    assert sum(parameter.numel() for parameter in net.parameters()) == SIZES[name]


def test_a_name_that_is_none() -> None:
    for space, name, message in (
        (DARTSRNN(), "GDAS", "recurrent.*: DARTS_V1, DARTS_V2; GDAS is a cell of darts-cnn$"),
        (DARTSRNN(), "DARTS_V3", "recurrent.*: DARTS_V1, DARTS_V2; did you mean DARTS_V2[?]$"),
        (NASBench201(), "GDAS", "NAS-Bench-201 architecture: 'GDAS'; GDAS is a cell of darts-cnn$"),
    ):
        with pytest.raises(UserError, match=f"^--compare: not a {message}"):
            read_cell(space, name, "--compare")


@pytest.mark.parametrize("space", [NASBench201(), DARTSCNN(), DARTSRNN()])
def test_what_would_do_in_place_of_a_genotype(space: Space) -> None:
    """With a misspelt operation the genotype that was meant; else one of the space's own."""
    cell = random_architecture(space, torch.Generator().manual_seed(0))
    text = space.genotype(cell)
    operation = max(space.operations, key=text.count)
    with pytest.raises(UserError) as refused:
        read_cell(space, text.replace(operation, f"{operation}x"), "--compare")
    assert f"; did you mean {text!r}?" in str(refused.value)
    with pytest.raises(UserError) as refused:
        read_cell(space, "Genotype()", "--compare")
    example = ast.literal_eval(str(refused.value).rpartition("; a genotype of this space is ")[2])
    assert len(space.parse(example)) == len(space.edges)
