"""Rewards of a supernet's edges: the derivative in p, and edges that several cells share."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from nas_adapter.edges.rewards import gradient_rewards
from tests.nas_adapter.small import make_batch, make_net


def test_reward_is_minus_the_derivative_in_p() -> None:
    net, (images, labels) = make_net().double(), make_batch(0, torch.float64)
    play = torch.full((6, 5), 0.2).double()

    def loss(p: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(net(images, p), labels)

    weights = play.clone().requires_grad_()
    rewards = gradient_rewards(loss(weights), weights)
    with torch.no_grad():
        for edge in range(6):
            for operation in range(5):
                step = torch.zeros(6, 5).double()
                step[edge, operation] = 1e-6
                slope = (loss(play + step) - loss(play - step)) / 2e-6
                assert rewards[edge, operation] == pytest.approx(-slope.item(), abs=1e-7)
    assert torch.all(
        rewards[:, 0] == 0
    )  # "none" contributes nothing, so it neither gains nor loses


def test_rewards_of_shared_edges_add_up_over_the_cells() -> None:
    net, (images, labels) = make_net(cells=2).double(), make_batch(0, torch.float64)
    shared = torch.full((6, 5), 0.2).double().requires_grad_()
    total = gradient_rewards(nn.functional.cross_entropy(net(images, shared), labels), shared)
    own: list[torch.Tensor] = []

    class Own(nn.Module):
        """A cell with a p of its own."""

        def __init__(self, cell: Any) -> None:
            super().__init__()
            self.cell = cell

        def forward(self, x: torch.Tensor, _: Any) -> torch.Tensor:
            own.append(torch.full((6, 5), 0.2).double().requires_grad_())
            return self.cell(x, own[-1])  # type: ignore[no-any-return]

    for stage in net.cells:
        for index, cell in enumerate(stage):
            stage[index] = Own(cell)
    loss = nn.functional.cross_entropy(net(images, shared), labels)
    each = torch.autograd.grad(loss, own)
    assert len(each) == 6
    torch.testing.assert_close(total, -sum(each))


def test_rewards_are_zero_where_only_none_is_left() -> None:
    net, (images, labels) = make_net(), make_batch(0)
    for edge in (3, 4, 5):
        for operation in range(1, 5):
            net.remove(edge, operation)
    weights = torch.full((6, 5), 0.2).requires_grad_()
    loss = nn.functional.cross_entropy(net(images, weights), labels)
    assert torch.all(gradient_rewards(loss, weights) == 0)


def test_where_a_sum_is_normalised_rewards_do_not_see_its_size() -> None:
    """The last node is read by batch normalisation: rewards of its edges scale as 1 / c for the
    play c p there, their mean under the play is 0, and the share of "none" changes no loss."""
    net, labels = make_net().double(), make_batch(0).labels
    cell = net.cells[-1][0]
    x = torch.rand(12, 16, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    net.head[0].eps = 1e-30
    play = torch.rand(6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    play = play / play.sum(-1, keepdim=True)

    def at(play: torch.Tensor) -> tuple[float, torch.Tensor]:
        leaf = play.clone().requires_grad_()
        loss = nn.functional.cross_entropy(net.head(cell(x, leaf)), labels)
        return loss.item(), gradient_rewards(loss, leaf)[3:]

    loss, rewards = at(play)
    assert rewards.abs().max() > 1e-3
    assert abs(float((play[3:] * rewards).sum())) < 1e-12
    assert float((play[5] * rewards[2]).sum().abs()) > 1e-4, "the edges alone do not cancel"
    for share in (0.5, 0.9, 0.999):
        nothing = play.clone()
        nothing[3:] *= 1 - share
        nothing[3:, 0] += share
        fainter, larger = at(nothing)
        assert fainter == pytest.approx(loss, abs=1e-12)
        torch.testing.assert_close(larger * (1 - share), rewards)
