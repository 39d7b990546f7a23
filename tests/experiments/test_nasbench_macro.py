"""NAS-Bench-Macro as a space: the benchmark's sizes, mixtures, removal."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from studies.nasbench_macro.space import LAYERS, NASBenchMacro

from nas_adapter.advice.largest import count_parameters
from nas_adapter.errors import UserError
from nas_adapter.spaces import Size, find_space

SPACE = NASBenchMacro()
SMALL = Size(inputs=3, outputs=4, channels=2, cells=1)


@pytest.mark.parametrize(
    ("genotype", "parameters"),
    [
        ("00000000", 387_882),
        ("11111111", 1_588_874),
        ("22222222", 2_932_586),
        ("21010212", 2_060_202),
    ],
)
def test_parameters_are_the_benchmark_s(genotype: str, parameters: int) -> None:
    published = Size(inputs=3, outputs=10, channels=32, cells=1)
    assert count_parameters(SPACE, published, SPACE.parse(genotype)) == parameters


def test_the_command_line_finds_it() -> None:
    found = find_space("experiments/studies/nasbench_macro/space.py:NASBenchMacro")
    assert (len(found.edges), found.edges[0], found.edges[-1]) == (8, "1<-0", "8<-7")
    assert found.genotype(found.parse("22221010")) == "22221010"


@pytest.mark.parametrize("genotype", ["2222101", "222210103", "33333333", "2222101a", ""])
def test_what_is_no_architecture(genotype: str) -> None:
    with pytest.raises(ValueError, match="not 8 digits 0, 1 or 2"):
        SPACE.parse(genotype)


def test_there_is_no_auxiliary_head() -> None:
    with pytest.raises(UserError, match="have no auxiliary head"):
        SPACE.network(Size(3, 4, 2, 1, auxiliary=True), SPACE.choices, search=False)


def supernet(search: bool = True) -> Any:
    torch.manual_seed(0)
    return SPACE.network(SMALL, SPACE.choices, search=search)


def one_hot(architecture: tuple[int, ...]) -> torch.Tensor:
    return torch.eye(3)[list(architecture)]


def test_one_hot_weights_are_the_discrete_network() -> None:
    net, x = supernet(), torch.rand(3, 3, 8, 8)
    for genotype in ("00000000", "12121212", "21010212"):
        architecture = SPACE.parse(genotype)
        chosen: Any = SPACE.network(SMALL, [[o] for o in architecture], search=True)
        shared = {
            name: part for name, part in net.state_dict().items() if name in chosen.state_dict()
        }
        chosen.load_state_dict(shared)
        expected = chosen(x, architecture)
        torch.testing.assert_close(net(x, architecture), expected)
        torch.testing.assert_close(net(x, one_hot(architecture)), expected)


def test_a_mixture_is_linear_in_the_weights_of_a_layer() -> None:
    net, x = supernet(), torch.rand(3, 3, 8, 8)
    for layer in (0, 1, LAYERS - 1):
        module = net.layers[layer]
        into = torch.rand(3, *channels_and_side(layer))
        parts = torch.stack([module(into, index) for index in range(3)])
        mixed = module(into, torch.tensor([0.2, 0.3, 0.5]))
        expected = (torch.tensor([0.2, 0.3, 0.5])[:, None, None, None, None] * parts).sum(0)
        torch.testing.assert_close(mixed, expected)
    assert net(x, torch.full((8, 3), 1 / 3)).shape == (3, 4)


def channels_and_side(layer: int) -> tuple[int, int, int]:
    """What enters a layer, with C = 2 and images of side 8."""
    wide = [2, 4, 4, 8, 8, 8, 16, 16][layer]
    return wide, 16 // wide, 16 // wide


def test_shapes_halve_and_channels_double_where_a_stage_begins() -> None:
    net, x = supernet(), torch.rand(2, 3, 8, 8)
    x = net.stem(x)
    shapes = []
    for layer in net.layers:
        x = layer(x, 2)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 4, 4)] * 2 + [(8, 2, 2)] * 3 + [(16, 1, 1)] * 3


def test_what_is_removed_is_gone_and_the_rest_stays() -> None:
    net, x = supernet(), torch.rand(3, 3, 8, 8)
    weights = torch.full((8, 3), 0.5)
    weights[:, 1] = 0
    before, count = net(x, weights), sum(p.numel() for p in net.parameters())
    for layer in range(8):
        net.remove(layer, 1)
        net.remove(layer, 1)  # once more does no harm
        assert set(net.layers[layer].blocks) == {"0", "2"}
    torch.testing.assert_close(net(x, weights), before)
    assert sum(p.numel() for p in net.parameters()) < count
    net.remove(3, 2)
    weights[3] = torch.tensor([1.0, 0.0, 0.0])
    assert torch.isfinite(net(x, weights)).all()


def test_rewards_of_all_layers_come_back() -> None:
    net, weights = supernet(), torch.full((8, 3), 1 / 3, requires_grad=True)
    net(torch.rand(3, 3, 8, 8), weights).square().sum().backward()
    assert weights.grad is not None
    assert bool((weights.grad != 0).all())
