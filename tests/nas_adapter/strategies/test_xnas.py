"""XNAS and its sampled variant against the papers, step by step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nas_adapter.errors import UserError
from nas_adapter.spaces import uniform_over_choices
from nas_adapter.strategies import Context
from nas_adapter.strategies.xnas import XNAS, XNASSettings
from nas_adapter.strategies.xnas_sampled import SampledXNAS
from nas_adapter.tasks import ImageSettings
from tests.nas_adapter.small import SPACE, make_batch, make_net

STEPS, BOUND = 40, 0.02
SETTINGS = XNASSettings(reward_bound=BOUND)


def make_context(net: Any, optimizer: torch.optim.Optimizer, rule: str = "auto") -> Context:
    task = ImageSettings(data="digits").load(0, torch.device("cpu"))
    prior = uniform_over_choices(SPACE, torch.device("cpu"))
    return Context(SPACE, task, net, optimizer, steps=STEPS, seed=0, rule=rule, prior=prior)


@pytest.mark.parametrize("rule", ["darts", "best-cumulative"])
def test_the_edges_kept_are_those_whose_leaders_led_most_though_all_others_are_gone(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edge e's leader, operation 3, gains (e + 1) / 6 of L a step on all others."""
    ahead = BOUND * torch.arange(1, 7, dtype=torch.float64)[:, None] / 6
    rewards = ahead * torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0])
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    strategy = XNAS(SETTINGS, make_context(net, optimizer, rule))

    def look(batch: Any, p: torch.Tensor) -> float:
        p.grad = -rewards.float()
        return 0.0

    monkeypatch.setattr(strategy, "_look", look)
    for step in range(STEPS):
        strategy.step(make_batch(step), make_batch(step + 1))
    assert len(strategy.report()["wiped_out"]) == 24, "one operation is left on every edge"
    found, play = strategy.finish()
    assert torch.equal(play[:, 3], torch.ones(6))
    if rule == "best-cumulative":  # nasbench201 keeps all edges
        assert found == (3,) * 6
    else:  # node 3 keeps two
        assert found == (3, 3, 3, 0, 3, 3)


def test_a_search_that_diverges_says_so() -> None:
    net = make_net()
    with torch.no_grad():
        next(net.parameters()).fill_(math.nan)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    strategy = XNAS(SETTINGS, make_context(net, optimizer))
    with pytest.raises(UserError, match="training loss became nan: the search has diverged"):
        strategy.step(make_batch(0), make_batch(1))


def test_algorithm_1_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step equals a direct transcription with weights v and threshold theta."""
    seen: list[np.ndarray] = []

    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025, momentum=0.9)
    strategy = XNAS(SETTINGS, make_context(net, optimizer))
    look = strategy._look

    def recording(batch: Any, p: torch.Tensor) -> torch.Tensor:
        loss = look(batch, p)
        assert p.grad is not None
        seen.append(-p.grad.double().clamp(-BOUND, BOUND).numpy())
        return loss

    monkeypatch.setattr(strategy, "_look", recording)

    eta = math.sqrt(2 * math.log(5) / (STEPS * BOUND**2))
    v, alive = np.ones((6, 5)), np.ones((6, 5), dtype=bool)
    for t in range(1, STEPS + 1):
        step = strategy.step(make_batch(t), make_batch(1000 + t))
        v = np.where(alive, v * np.exp(eta * seen[-1]), 0)
        if t == STEPS:
            break  # nothing is played any more, so nothing is removed
        theta = v.max(-1, keepdims=True) * math.exp(-2 * eta * BOUND * (STEPS - t))
        alive &= v >= theta * (1 - 1e-12)
        v = np.where(alive, v, 0)
        np.testing.assert_allclose(
            step.details["probabilities"], v / v.sum(-1, keepdims=True), atol=1e-9
        )
        assert step.details["operations_left"] == alive.sum()
        for edge, operation in np.argwhere(~alive):
            for mixed in net.mixed_edges(edge):
                assert str(operation) not in mixed.modules_by_index
    assert (~alive).sum() > 0, "nothing was wiped out: the test shows nothing"
    report = strategy.report()
    assert len(report["wiped_out"]) == (~alive).sum()
    assert report["eta"] == pytest.approx(eta)


def test_a_sampled_step_is_semi_bandit_feedback_of_the_scaled_loss() -> None:
    """After one round every edge's estimate is l / p on the drawn operation and 0 elsewhere."""
    net = make_net()
    strategy = SampledXNAS(make_context(net, torch.optim.SGD(net.parameters(), lr=0.025)))
    valid = make_batch(1)
    drawn: list[Any] = []
    net.register_forward_hook(lambda _, inputs, __: drawn.append(inputs[1]))
    step = strategy.step(make_batch(0), valid)
    assert drawn[0] == drawn[1], "trained and judged another architecture"
    with torch.no_grad():
        loss = nn.functional.cross_entropy(net(valid.images, drawn[0]), valid.labels).item()
    assert step.details["valid_loss"] == pytest.approx(loss)
    scaled = min(loss / math.log(10), 1)  # the task has ten classes
    ledger = strategy.state_dict()["problems"]["ledger"]
    expected = np.full((6, 5), scaled)  # what the uniform distribution loses: l / p * p
    expected[np.arange(6), drawn[0]] -= scaled / 0.2
    np.testing.assert_allclose(ledger["regret"].numpy(), expected, atol=1e-12)
