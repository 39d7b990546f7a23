"""Training-free scores against their formulas, written out on tiny networks."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nas_adapter.scores import (
    SCORES,
    flops,
    gradient_norm,
    naswot,
    ntk_condition,
    parameters,
    synflow,
    zico,
)
from nas_adapter.spaces import DARTSCNN, NASBench201, Size


class Functional(nn.Module):
    """Calls its rectifiers in three ways, none of them a module."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.first(x.flatten(1)))
        return nn.functional.relu(self.second(x)).relu_()


def weight(network: nn.Sequential, layer: int) -> nn.Parameter:
    """Of a convolution or a linear layer."""
    found = network[layer].weight
    assert isinstance(found, nn.Parameter)
    return found


def gradient(network: nn.Sequential, layer: int) -> Tensor:
    """Of its weight, after a backward pass."""
    found = weight(network, layer).grad
    assert found is not None
    return found


def plain(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 3, 2, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3, 4)
    )


def batch(count: int = 6, side: int = 2, channels: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(count, channels, side, side, generator=generator)
    return images, torch.arange(count) % 4


def test_naswot_counts_the_units_on_which_images_agree() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        weight(network, 1).copy_(torch.eye(2))
    images = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]).reshape(3, 1, 1, 2)
    kernel = np.asarray([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]])  # codes 11, 10, 00
    assert naswot(network, images) == pytest.approx(math.log(np.linalg.det(kernel)))


def test_naswot_sees_every_way_to_rectify() -> None:
    torch.manual_seed(0)
    network, (images, _) = Functional(), batch(4, side=2)
    images = torch.cat([images, images[:, :, :1]], dim=2)
    hidden = network.first(images.flatten(1))
    last = network.second(hidden.relu())
    on = torch.cat([hidden > 0, last > 0, last.relu() > 0], dim=1).double()
    kernel = on @ on.T + (1 - on) @ (1 - on).T
    expected = float(torch.linalg.slogdet(kernel).logabsdet)
    assert naswot(network, images) == pytest.approx(expected)


def test_naswot_of_images_that_are_alike_or_without_rectifiers_is_minus_infinity() -> None:
    images = torch.ones(2, 1, 2, 2)
    assert naswot(plain(), images) == -math.inf
    assert naswot(nn.Flatten(), images) == -math.inf


def test_synflow_is_the_sum_over_paths() -> None:
    """R is a sum over paths of products of weights; a weight's share is that of its paths."""
    network, (images, _) = plain(), batch()
    conv, linear = (weight(network, layer).detach().double() for layer in (0, 4))
    into = conv.abs().sum((1, 2, 3))  # of the three channels, for an input of ones
    out = linear.abs().sum(0)
    flow = float((into * out).sum())  # the paths; every layer's shares add up to all of them
    assert synflow(network, images) == pytest.approx(math.log(2 * flow), rel=1e-12)


def test_synflow_of_a_network_that_lets_nothing_through() -> None:
    network = plain()
    with torch.no_grad():
        weight(network, 0).zero_()
        weight(network, 4).zero_()
    assert synflow(network, batch()[0]) == -math.inf


def test_gradient_norm_against_finite_differences() -> None:
    network, (images, labels) = plain().double(), batch()
    images = images.double()

    def loss() -> float:
        return nn.functional.cross_entropy(network(images), labels).item()

    total = 0.0
    for layer in (0, 4):
        flat = weight(network, layer).data.view(-1)
        slope = np.zeros(len(flat))
        for index in range(len(flat)):
            kept, ends = float(flat[index]), []
            for step in (1e-6, -1e-6):
                flat[index] = kept + step
                ends.append(loss())
            flat[index] = kept
            slope[index] = (ends[0] - ends[1]) / 2e-6
        total += float(np.linalg.norm(slope))
    assert gradient_norm(network, images, labels) == pytest.approx(math.log(total), rel=1e-7)


def test_zico_is_the_log_of_summed_ratios() -> None:
    network, (images, labels) = plain().double(), batch(8)
    images = images.double()
    network.train()
    sizes = []
    for part in (slice(0, 4), slice(4, 8)):
        network.zero_grad()
        loss = nn.functional.cross_entropy(network(images[part]), labels[part])
        loss.backward()  # type: ignore[no-untyped-call]
        sizes.append([gradient(network, 0).abs(), gradient(network, 4).abs()])
    expected = 0.0
    for one, two in zip(*sizes, strict=True):
        ratio = ((one + two) / 2 / ((one - two).abs() / 2)).numpy()
        expected += math.log(ratio[np.isfinite(ratio)].sum())
    assert zico(network, images, labels) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="images must be at least 4, got 3"):
        zico(network, images[:3], labels[:3])


def test_ntk_condition_of_a_linear_network_is_that_of_the_images() -> None:
    """f(x) = W x, 2 logits: row i of J is (x_i, x_i), so Theta = 2 X X^T."""
    network, images = nn.Sequential(nn.Flatten(), nn.Linear(9, 2)).double(), batch(5, side=3)[0]
    flat = images.double().flatten(1).numpy()
    expected = math.log(np.linalg.cond(flat @ flat.T))
    assert ntk_condition(network, images.double()) == pytest.approx(expected)
    twins = torch.cat([images[:1], images[:1]]).double()
    assert ntk_condition(network, twins) == math.inf


def test_sizes_are_counted() -> None:
    network, (images, _) = plain(), batch()
    assert parameters(network) == 12 + 6 + 12 + 4
    assert flops(network, images) == 2 * (12 + 12)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("space", [NASBench201(), DARTSCNN()], ids=["nasbench201", "darts-cnn"])
def test_a_score_changes_nothing_and_is_finite(name: str, space: NASBench201 | DARTSCNN) -> None:
    """On supernets' discrete networks, whose running statistics and modes stay as they were."""
    genotype = tuple(offered[-1] for offered in space.choices)
    torch.manual_seed(0)
    net = space.network(Size(3, 4, 4, 1), [[operation] for operation in genotype], search=False)

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x, genotype)  # type: ignore[no-any-return]

    network, (images, labels) = Fixed(), batch(8, side=16, channels=3)
    network.train()
    before = copy.deepcopy(network.state_dict())
    value = SCORES[name](network, images, labels)
    assert math.isfinite(value)
    assert value == SCORES[name](network, images, labels)
    after = network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert all(module.training for module in network.modules())
