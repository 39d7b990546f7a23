"""Edges computed together give what each of them gives by itself, with the same gradients."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nas_adapter.spaces import DARTSCNN, NASBench201, Size, darts_cnn, nasbench201
from nas_adapter.strategies.darts import unrolled_gradient
from nas_adapter.supernets import separable
from nas_adapter.supernets.depthwise import depthwise
from nas_adapter.supernets.fan import nodes, plain_nodes
from nas_adapter.supernets.layers import AveragePool, MaxPool
from nas_adapter.supernets.supernet import MixedEdge, Supernet

SPACES: dict[str, Any] = {"nasbench201": NASBench201(), "darts-cnn": DARTSCNN()}
SIDES, BATCHES = (7, 9, 14, 28), (1, 2, 3, 4, 5)
SHARES = (0.0, 0.3, 0.5, 0.7, 0.9)
"""Of the operations that are removed."""
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@contextmanager
def edge_by_edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both spaces' cells without fans."""
    with monkeypatch.context() as patch:
        for module in (nasbench201, darts_cnn):
            patch.setattr(module, "nodes", plain_nodes)
        yield


def make(space: Any, *, search: bool = True) -> Supernet:
    torch.manual_seed(0)
    net: Supernet = space.network(Size(3, 4, channels=3, cells=1), space.choices, search=search)
    if space.task == "images" and hasattr(net, "pool"):
        # The mean of a single normalised image is 0, whatever the weights.
        net.pool = nn.AdaptiveMaxPool2d(1)
    return net.double()


def batch(count: int, side: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, side, side, generator=generator, dtype=torch.float64)
    return images, torch.randint(4, (count,), generator=generator)


def distributions(space: Any) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = len(space.edges), len(space.operations)
    return torch.rand(shape, generator=generator, dtype=torch.float64).softmax(-1)


def remove(net: Supernet, space: Any, share: float, seed: int) -> None:
    """Remove operations at random, up to all of an edge."""
    generator = torch.Generator().manual_seed(seed)
    for edge, operation in itertools.product(*map(range, distributions(space).shape)):
        if torch.rand((), generator=generator) < share:
            net.remove(edge, operation)


def gradients(net: Supernet, images: Tensor, labels: Tensor, weights: Tensor) -> list[Tensor]:
    """The loss, and its gradients in the distributions and in every parameter."""
    weights = weights.clone().requires_grad_()
    loss = nn.functional.cross_entropy(net(images, weights), labels)
    wanted = (weights, *net.parameters())
    return [
        loss.detach(),
        *torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True),
    ]


def assert_alike(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    """No entry differs by more than `tolerance` times its tensor's largest."""
    for one, other in zip(found, expected, strict=True):
        largest = float(other.abs().max())
        assert float((one - other).abs().max()) <= tolerance * largest


@spaces
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("count", BATCHES)
def test_loss_and_gradients(
    space: Any, side: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = make(space)
    remove(net, space, SHARES[(SIDES.index(side) + count) % len(SHARES)], seed=count)
    arguments = net, *batch(count, side), distributions(space)
    with edge_by_edge(monkeypatch):
        expected = gradients(*arguments)
    smallest = -(-side // 4)  # after two reductions
    tolerance = 1e-12 if count * smallest**2 >= 16 else 1e-10
    assert_alike(gradients(*arguments), expected, tolerance)


def test_separable_convolutions_merged_into_one(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SPACES["darts-cnn"]
    net = make(space)
    remove(net, space, 0.3, seed=0)
    arguments = net, *batch(4, 9), distributions(space)
    expected = gradients(*arguments)
    monkeypatch.setattr(separable, "MERGED", {"cpu"})
    assert_alike(gradients(*arguments), expected, 1e-12)


@spaces
def test_an_operation_at_a_time_until_none_is_left(
    space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, weights = make(space), distributions(space)
    operations = weights.shape[1]
    order = torch.randperm(weights.numel(), generator=torch.Generator().manual_seed(2)).tolist()
    for done, place in enumerate(order, 1):
        net.remove(*divmod(place, operations))
        if done % (len(order) // 6) == 0:
            arguments = net, *batch(3, 8), weights
            with edge_by_edge(monkeypatch):
                expected = gradients(*arguments)
            assert_alike(gradients(*arguments), expected, 1e-10)
    assert torch.all(gradients(net, *batch(3, 8), weights)[1] == 0)


@spaces
def test_in_float32_where_rounding_flips_no_rectifier(
    space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    silu = nn.functional.silu
    monkeypatch.setattr(Tensor, "relu", silu)
    monkeypatch.setattr(Tensor, "relu_", silu)
    monkeypatch.setattr(nn.ReLU, "forward", lambda _, x: silu(x))
    monkeypatch.setattr(MaxPool, "forward", lambda pool, x: AveragePool(pool.stride)(x))
    net, weights = make(space), distributions(space)
    images, labels = batch(5, 14)
    with edge_by_edge(monkeypatch):
        expected = gradients(net, images, labels, weights)
    found = gradients(net.float(), images.float(), labels, weights.float())
    assert_alike([part.double() for part in found], expected, 1e-4)


@spaces
def test_gradients_of_gradients(space: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """DARTS's second order, by differences and exactly, with other parameters than the net's."""
    net, weights = make(space), distributions(space)
    first, second = batch(4, 5), batch(4, 5, seed=1)
    parameters = dict(net.named_parameters())

    def objective(images: Tensor, labels: Tensor) -> Callable[..., Tensor]:
        return lambda w, p: nn.functional.cross_entropy(
            torch.func.functional_call(net, dict(w), (images, p)), labels
        )

    def both() -> list[Tensor]:
        leaf = weights.clone().requires_grad_()
        train, valid = objective(*first), objective(*second)
        differences = unrolled_gradient(
            train,
            valid,
            parameters,
            leaf,
            lambda w, g: {name: part - 0.1 * g[name] for name, part in w.items()},
            rate=0.1,
        )
        inner = torch.autograd.grad(
            train(parameters, leaf), tuple(parameters.values()), create_graph=True
        )
        moved = {
            name: part - 0.1 * step
            for (name, part), step in zip(parameters.items(), inner, strict=True)
        }
        return [differences[1], torch.autograd.grad(valid(moved, leaf), leaf)[0]]

    with edge_by_edge(monkeypatch):
        expected = both()
    assert_alike(both(), expected, 1e-9)


@spaces
def test_a_state_goes_through_a_file_and_back(space: Any) -> None:
    """Into a net of which as much was removed."""
    net = make(space)
    remove(net, space, 0.5, seed=3)
    other = make(space)
    remove(other, space, 0.5, seed=3)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    arguments = *batch(3, 9), distributions(space)
    for found, expected in zip(
        gradients(other, *arguments), gradients(net, *arguments), strict=True
    ):
        assert torch.equal(found, expected)


def test_operations_of_ones_own() -> None:
    """Without a kind they are called edge by edge, with a kind and no parameters once."""

    class Shared(nn.Module):
        kind = "tanh"
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            Shared.calls += 1
            return x.tanh()

    edges = [MixedEdge({1: nn.Conv2d(4, 4, 1).double(), 2: Shared(), 4: nn.Tanh()}) for _ in "abc"]
    ends, weights = ((1, 0), (2, 0), (2, 1)), torch.rand(3, 5).double()
    x = torch.rand(2, 4, 5, 6).double()
    expected = plain_nodes([x], ends, edges, weights)
    assert Shared.calls == 3
    torch.testing.assert_close(nodes([x], ends, edges, weights), expected)
    assert Shared.calls == 3 + 2, "once for each node that edges leave"


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (8, 8), (9, 4)])
@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (3, 2)])
def test_depthwise_convolution(
    size: tuple[int, int], kernel: int, stride: int, dilation: int
) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
    padding = dilation * (kernel // 2)
    expected = nn.functional.conv2d(x, weight, None, stride, padding, dilation, groups=3)
    found = depthwise(x, weight, stride, dilation)
    gradient = torch.randn_like(expected)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, (x, weight), gradient),
        torch.autograd.grad(expected, (x, weight), gradient),
    )
