"""The NAS-Bench-201 space and its networks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas_adapter.spaces import Architecture, NASBench201, Size
from nas_adapter.supernets.supernet import Supernet, forget

SPACE = NASBench201()
SIZE = Size(inputs=1, outputs=10, channels=4, cells=2)
NONE, SKIP, CONV1, CONV3, POOL = range(5)
architectures = st.tuples(*[st.integers(0, 4)] * 6)


def supernet(size: Size = SIZE, dtype: torch.dtype = torch.float64) -> Supernet:
    torch.manual_seed(0)
    return SPACE.network(size, [range(5)] * 6, search=True).to(dtype)


def one_hot(architecture: Architecture) -> torch.Tensor:
    return nn.functional.one_hot(torch.tensor(architecture), 5).double()


@given(architecture=architectures)
def test_genotypes_round_trip(architecture: Architecture) -> None:
    assert SPACE.parse(SPACE.genotype(architecture)) == architecture


def test_genotype_is_the_published_notation() -> None:
    assert SPACE.genotype((CONV3, NONE, SKIP, POOL, CONV1, SKIP)) == (
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|"
    )


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "|none~0|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~1|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|sep_conv~2|",
        "|none~0|none~0|+|none~1|+|none~0|none~1|none~2|",
    ],
)
def test_malformed_genotypes_are_refused(malformed: str) -> None:
    with pytest.raises(ValueError, match="not a NAS-Bench-201 architecture"):
        SPACE.parse(malformed)


@pytest.mark.parametrize("side", [8, 28, 7])
def test_shapes(side: int) -> None:
    images = torch.rand(3, 1, side, side, dtype=torch.float64)
    assert supernet()(images, torch.full((6, 5), 0.2).double()).shape == (3, 10)


def test_published_size() -> None:
    """The all-conv3x3 network at C = 16, N = 5 has the 1.53 M parameters of the benchmark."""
    size = Size(inputs=3, outputs=10, channels=16, cells=5)
    net = SPACE.network(size, [[CONV3]] * 6, search=False)
    millions = sum(parameter.numel() for parameter in net.parameters()) / 1e6
    assert millions == pytest.approx(1.531, abs=1e-3)


@given(architecture=architectures)
def test_one_hot_weights_are_the_discrete_path(architecture: Architecture) -> None:
    net, images = supernet(), torch.rand(2, 1, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(net(images, one_hot(architecture)), net(images, architecture))


def test_mixed_edge_is_the_weighted_sum() -> None:
    net = supernet()
    edge = next(iter(net.mixed_edges(0)))
    x, p = torch.rand(2, 4, 8, 8).double(), torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25]).double()
    parts = [edge(x, operation) for operation in range(5)]
    assert torch.all(parts[NONE] == 0)
    assert torch.equal(parts[SKIP], x)
    expected = sum(weight * part for weight, part in zip(p, parts, strict=True))
    torch.testing.assert_close(edge(x, p), expected)


def test_a_removed_operation_is_gone_from_module_optimizer_and_compute() -> None:
    net = supernet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0, momentum=0.9)
    images, weights = torch.rand(2, 1, 8, 8).double(), torch.full((6, 5), 0.25).double()
    weights[2, CONV3] = 0
    removed = [edge.modules_by_index[str(CONV3)] for edge in net.mixed_edges(2)]
    theirs = [parameter for module in removed for parameter in module.parameters()]
    assert len(removed) == len(theirs) == 3 * SIZE.cells  # one kernel each
    called: list[int] = []
    for module in removed:
        module.register_forward_hook(lambda *_: called.append(1))
    before = net(images, weights)
    before.sum().backward()
    optimizer.step()
    assert len(called) == len(removed)
    assert all(parameter in optimizer.state for parameter in theirs)

    net.remove(2, CONV3)
    forget(optimizer, net)
    left = {id(parameter) for parameter in net.parameters()}
    assert not left & {id(parameter) for parameter in theirs}
    assert {id(parameter) for parameter in optimizer.param_groups[0]["params"]} == left
    assert {id(parameter) for parameter in optimizer.state} <= left
    torch.testing.assert_close(net(images, weights), before)
    assert len(called) == len(removed), "a removed operation was computed"
