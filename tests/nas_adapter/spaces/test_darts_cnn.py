"""DARTS's convolutional space: its notation, its networks, its cells as graphs."""

from __future__ import annotations

import json
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas_adapter.errors import UserError
from nas_adapter.output.drawing import panels
from nas_adapter.spaces import DARTSCNN, NASBench201, Size, nodes, random_architecture
from nas_adapter.supernets.supernet import MixedEdge

SPACE = DARTSCNN()
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
"""The cell that DARTS found, as its authors wrote it."""


@given(seed=st.integers(0, 10**6))
def test_genotypes_round_trip_as_text_and_in_json(seed: int) -> None:
    architecture = random_architecture(SPACE, torch.Generator().manual_seed(seed))
    for edges in nodes(SPACE):
        assert sum(architecture[edge] != 0 for edge in edges) == 2
    text = json.loads(json.dumps(SPACE.genotype(architecture)))
    assert SPACE.parse(text) == architecture


def test_the_published_genotype_is_read_and_written() -> None:
    text = SPACE.genotype(SPACE.parse(DARTS_V2))
    assert text.startswith("Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ")
    assert "normal_concat=range(2, 6), reduce=[" in text
    assert SPACE.parse(text) == SPACE.parse(DARTS_V2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Genotype(", "Gene(", "not a genotype"),
        ("('skip_connect', 0)", "('skip', 0)", r"node 4 cannot have the edge \('skip', 0\)"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 5)", "node 5 cannot have the edge"),
        ("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)", "node 5 has two edges from 0"),
        (", ('dil_conv_3x3', 2)", "", "node 5 cannot have the edge"),
        ("normal_concat=[2, ", "normal_concat=[1, ", "normal_concat must be"),
        ("reduce_concat", "concat", "reduce is missing"),
        ("[2, 3, 4, 5])", "open('x'))", "not a genotype"),
    ],
)
def test_malformed_genotypes_are_refused(old: str, new: str, message: str) -> None:
    assert old in DARTS_V2
    with pytest.raises(ValueError, match=message):
        SPACE.parse(DARTS_V2.replace(old, new))


def parameters(net: nn.Module) -> float:
    return sum(parameter.numel() for parameter in net.parameters()) / 1e6


def test_published_size_of_the_supernet() -> None:
    """The authors' supernet of the search, in millions."""
    searched = SPACE.network(Size(3, 10, channels=16, cells=2), SPACE.choices, search=True)
    assert parameters(searched) == pytest.approx(1.930618, abs=1e-9)


@pytest.mark.parametrize("side", [8, 9])
def test_one_hot_weights_are_the_discrete_path(side: int) -> None:
    torch.manual_seed(0)
    net = SPACE.network(Size(1, 10, channels=2, cells=1), SPACE.choices, search=True).double()
    images = torch.rand(2, 1, side, side, dtype=torch.float64)
    architecture = random_architecture(SPACE, torch.Generator().manual_seed(1))
    one_hot = nn.functional.one_hot(torch.tensor(architecture), 8).double()
    assert net(images, architecture).shape == (2, 10)
    torch.testing.assert_close(net(images, one_hot), net(images, architecture))


def test_edges_are_those_of_their_cell() -> None:
    net = SPACE.network(Size(1, 10, channels=2, cells=2), SPACE.choices, search=True)
    found = [len(list(net.mixed_edges(edge))) for edge in range(28)]
    assert found == [6] * 14 + [2] * 14
    strides = [next(iter(net.mixed_edges(edge))).stride for edge in range(28)]
    from_inputs = [name.endswith(("<-0", "<-1")) for name in SPACE.edges]
    expected = [
        2 if name.startswith("reduction") and inner else 1
        for name, inner in zip(SPACE.edges, from_inputs, strict=True)
    ]
    assert strides == expected


def test_an_auxiliary_head_is_for_training_only() -> None:
    choices = [[operation] for operation in SPACE.parse(DARTS_V2)]
    architecture = SPACE.parse(DARTS_V2)
    size = Size(1, 10, channels=4, cells=1, auxiliary=True)
    net = SPACE.network(size, choices, search=False)
    images = torch.rand(3, 1, 16, 16)
    assert [part.shape for part in net(images, architecture)] == [(3, 10), (3, 10)]
    assert net.eval()(images, architecture).shape == (3, 10)
    with pytest.raises(UserError, match="have no auxiliary head"):
        NASBench201().network(size, [[0]] * 6, search=False)


def test_drop_path_keeps_the_mean_and_spares_identities() -> None:
    torch.manual_seed(0)
    edge = MixedEdge({0: nn.Identity(), 1: nn.AvgPool2d(1)})
    edge.drop_path = 0.25
    x = torch.ones(4000, 1, 2, 2)
    assert torch.equal(edge(x, 0), x)
    dropped = edge(x, 1)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert dropped.flatten(1).std(1).max() == 0, "an image is dropped whole or not at all"
    assert dropped.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(edge.eval()(x, 1), x)


def test_both_cells_are_drawn_with_what_they_keep() -> None:
    drawn = panels(SPACE, SPACE.parse(DARTS_V2))
    assert [panel.name for panel in drawn] == ["normal", "reduction"]
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn[0].inside)
    assert texts.count("sep_conv_3x3") == 5
    assert {"normal cell", "input 0", "input 1", "2", "3", "4", "5", "output"} <= set(texts)
    assert "none" not in texts
