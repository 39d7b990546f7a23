"""XNAS against its paper: rewards, Algorithm 1 step by step, and the bounds on a real search."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nas_adapter.data import images as data_sets
from nas_adapter.data.images import Batch
from nas_adapter.edges import clip, from_rewards, gradient_rewards
from nas_adapter.errors import UserError
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.spaces import NASBench201, Size
from nas_adapter.strategies import XNAS, SampledXNAS, Setting
from nas_adapter.strategies import xnas as xnas_module
from nas_adapter.tasks import ImageClassification

SPACE = NASBench201()
STEPS, BOUND = 40, 0.02


def make_net(cells: int = 1) -> Any:
    torch.manual_seed(0)
    size = Size(inputs=1, outputs=3, channels=4, cells=cells)
    return SPACE.network(size, [range(5)] * 6, search=True)


def make_batch(seed: int, dtype: torch.dtype = torch.float32) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(12, 1, 6, 6, generator=generator, dtype=dtype)
    return Batch(images, torch.randint(3, (12,), generator=generator))


def make_setting(net: Any, optimizer: torch.optim.Optimizer) -> Setting:
    images = data_sets.load("digits", Path("unused"), 32)
    return Setting(
        space=SPACE,
        task=ImageClassification(images, seed=0, batch_size=64),
        net=net,
        optimizer=optimizer,
        steps=STEPS,
        seed=0,
        reward_bound=BOUND,
        warmup=0,
        learner="eg",
        wipeout=True,
        candidates=1,
        read="auto",
    )


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


@pytest.mark.parametrize("rule", ["darts", "best-cumulative"])
def test_the_edges_kept_are_those_whose_leaders_led_most_though_all_others_are_gone(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edge e's leader, operation 3, gains (e + 1) / 6 of L a step on all others."""
    ahead = BOUND * torch.arange(1, 7, dtype=torch.float64)[:, None] / 6
    rewards = ahead * torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0])
    net = make_net()
    setting = replace(make_setting(net, torch.optim.SGD(net.parameters(), lr=0.1)), read=rule)
    strategy = XNAS(setting)
    monkeypatch.setattr(strategy, "_rewards", lambda batch, play: (0.0, rewards.clone()))
    for step in range(STEPS):
        strategy.step(make_batch(step), make_batch(step + 1))
    assert len(strategy.report()["wiped_out"]) == 24, "one operation is left on every edge"
    found, play = strategy.finish()
    assert torch.equal(play[:, 3], torch.ones(6))
    if rule == "best-cumulative":  # nasbench201 keeps all edges
        assert found == (3,) * 6
    else:  # node 3 keeps two
        assert found == (3, 3, 3, 0, 3, 3)


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


def test_a_search_that_diverges_says_so() -> None:
    net = make_net()
    with torch.no_grad():
        next(net.parameters()).fill_(math.nan)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    setting = make_setting(net, optimizer)
    with pytest.raises(UserError, match="training loss became nan: the search has diverged"):
        XNAS(setting).step(make_batch(0), make_batch(1))


def test_clipping_and_signs() -> None:
    rewards = torch.tensor([[-3.0, 0.5, 3.0]])
    assert clip(rewards, 1.0).tolist() == [[-1.0, 0.5, 1.0]]
    assert from_rewards(rewards).loss.tolist() == [[3.0, -0.5, -3.0]]


def test_algorithm_1_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Play and wipe-outs equal a direct transcription with weights v and threshold theta."""
    seen: list[np.ndarray] = []

    def recording(rewards: torch.Tensor, bound: float) -> torch.Tensor:
        seen.append(clip(rewards, bound).numpy())
        return clip(rewards, bound)

    monkeypatch.setattr(xnas_module, "clip", recording)
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025, momentum=0.9)
    setting = make_setting(net, optimizer)
    strategy = XNAS(setting)

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


@pytest.fixture(scope="module")
def digits() -> ImageClassification:
    images = data_sets.load("digits", Path("unused"), 32)
    return ImageClassification(images, seed=3, batch_size=64)


def new_run(out: Path) -> Run:
    return Run(out, {}, resume=False, device=torch.device("cpu"))


def settings(**changes: Any) -> SearchSettings:
    defaults: dict[str, Any] = {
        "method": "xnas", "seed": 3, "epochs": 3, "channels": 4, "cells": 1,
        "reward_bound": 0.01, "wipeout": True, "candidates": 4, "read": "auto",
        "warmup": 0, "learner": "eg",
    }  # fmt: skip
    return SearchSettings(**(defaults | changes))


def test_regret_and_bounds_of_a_real_search(digits: ImageClassification, tmp_path: Path) -> None:
    """regret <= certificate at every step; <= bound with wipeout <= bound, at the end."""
    run = new_run(tmp_path)
    found, report = search(settings(), SPACE, digits, run)
    steps = run.history("search")
    run.close()
    assert len(steps) == report["steps"] == 33
    for step in steps:
        assert step["regret"] <= step["regret_certificate"] + 1e-12
        np.testing.assert_allclose(np.sum(step["probabilities"], axis=-1), 1)
    assert report["regret"] <= report["regret_bound_with_wipeout"] < report["regret_bound"]
    assert report["regret_certificate"] <= report["regret_bound"]
    wiped = {(w["edge"], w["operation"]) for w in report["wiped_out"]}
    for edge, chosen in zip(SPACE.edges, found, strict=True):
        play = report["edge_probabilities"][edge]
        assert play[SPACE.operations[chosen]] == max(play.values())
        assert {o for o in SPACE.operations if (edge, o) in wiped} == {
            o for o, p in play.items() if p == 0
        }


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "xnas-sampled"},
        {"learner": "adahedge"},
        {"learner": "adahedge", "warmup": 1},
        {"reward_bound": None, "warmup": 1},
    ],
    ids=["sampled", "adahedge", "adahedge after a warm-up", "L from the warm-up"],
)
def test_every_variant_keeps_its_certificate(
    changes: dict[str, Any], digits: ImageClassification, tmp_path: Path
) -> None:
    """regret <= certificate after every step, in the losses that the learner takes in."""
    run = new_run(tmp_path)
    _, report = search(settings(**changes), SPACE, digits, run)
    steps = run.history("search")
    run.close()
    game = [step for step in steps if "regret" in step]
    assert len(game) == 33 - 11 * changes.get("warmup", 0)
    for step in game:
        assert step["regret"] <= step["regret_certificate"] + 1e-9
        if "method" not in changes:  # that of a sampled search is on the expectation
            assert step["regret_certificate"] <= step["regret_bound"] + 1e-9
    assert report["regret"] == game[-1]["regret"]


def test_a_warm_up_leaves_the_play_alone_and_finds_the_bound(
    digits: ImageClassification, tmp_path: Path
) -> None:
    run = new_run(tmp_path)
    _, report = search(settings(reward_bound=None, warmup=1), SPACE, digits, run)
    steps = run.history("search")
    run.close()
    assert all(np.ptp(step["probabilities"]) == 0 for step in steps[:11])
    assert np.ptp(steps[11]["probabilities"]) > 0
    bound = report["reward_bound"]
    assert report["eta"] == pytest.approx(math.sqrt(2 * math.log(5) / (22 * bound**2)))
    assert 0 < bound < 1
    assert report["clipped_share"] < 0.5
    assert report["wiped_out"] == [] or min(w["step"] for w in report["wiped_out"]) > 22


def test_a_sampled_step_is_semi_bandit_feedback_of_the_scaled_loss() -> None:
    """After one round every edge's estimate is l / p on the drawn operation and 0 elsewhere."""
    net = make_net()
    setting = make_setting(net, torch.optim.SGD(net.parameters(), lr=0.025))
    strategy = SampledXNAS(setting)
    valid = make_batch(1)
    drawn: list[Any] = []
    net.register_forward_hook(lambda _, inputs, __: drawn.append(inputs[1]))
    step = strategy.step(make_batch(0), valid)
    assert drawn[0] == drawn[1], "trained and judged another architecture"
    with torch.no_grad():
        loss = nn.functional.cross_entropy(net(valid.images, drawn[0]), valid.labels).item()
    assert step.details["valid_loss"] == pytest.approx(loss)
    scaled = min(loss / math.log(10), 1)  # the setting's task has ten classes
    ledger = strategy.state_dict()["game"]["ledger"]
    expected = np.full((6, 5), scaled)  # what the uniform play loses: l / p * p
    expected[np.arange(6), drawn[0]] -= scaled / 0.2
    np.testing.assert_allclose(ledger["regret"].numpy(), expected, atol=1e-12)


def test_without_wipeout_nothing_is_removed(digits: ImageClassification, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    _, report = search(settings(epochs=1, wipeout=False), SPACE, digits, run)
    run.close()
    assert report["wiped_out"] == []
    assert report["regret"] <= report["regret_certificate"] <= report["regret_bound"]


def test_random_search_finds_its_best_candidate(
    digits: ImageClassification, tmp_path: Path
) -> None:
    run = new_run(tmp_path)
    found, report = search(settings(method="random", epochs=1), SPACE, digits, run)
    run.close()
    assert len(found) == 6
    assert report["candidates"] == 4
    assert report["best_candidate_accuracy"] == pytest.approx(report["valid_accuracy"])
