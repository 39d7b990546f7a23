"""What a round takes: gradients in any scale, of several batches; losses of sampled networks."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import experts
from experts.testing.games import DEVICE
from nas_adapter import EdgeExperts, UserError
from nas_adapter.spaces import DARTSCNN, NASBench201
from tests.nas_adapter.edges.games import BOUND, rounds, started

MASK = torch.tensor([[True, True, True], [True, True, False]])


def drawn(steps: int, seed: int = 0) -> Tensor:
    """Rewards (T, 2, 3), about one in six beyond L."""
    generator = torch.Generator().manual_seed(seed)
    return 1.2 * torch.rand(steps, 2, 3, generator=generator, dtype=torch.float64) - 0.6


def handed(edges: EdgeExperts) -> Tensor:
    p: Tensor = edges.distribution(requires_grad=True, dtype=torch.float64)
    return p


def test_rewards_are_clipped_and_counted() -> None:
    rewards = drawn(6)
    edges, cut = started(MASK, 6), started(MASK, 6)
    list(rounds(edges, rewards))
    list(rounds(cut, rewards.clamp(-BOUND, BOUND)))
    assert torch.equal(edges.distribution(), cut.distribution())
    beyond = (rewards.abs() > BOUND)[:, MASK].sum()
    assert 0 < beyond < 30
    assert edges.wiped == [], "rewards of the removed do not count"
    assert edges.clipped_share() == pytest.approx(float(beyond) / 30)
    assert cut.clipped_share() == 0


@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_scale_is_taken_off(as_tensor: bool) -> None:
    scaled, plain = started(MASK, 4), started(MASK, 4)
    for step, rewards in enumerate(drawn(4)):
        p, q = handed(scaled), handed(plain)
        scale = 2.0 ** (16 - step)
        p.grad, q.grad = -rewards.to(DEVICE) * scale, -rewards.to(DEVICE)
        scaled.update(p, scale=torch.tensor(scale, device=DEVICE) if as_tensor else scale)
        plain.update(q)
        assert torch.equal(scaled.distribution(), plain.distribution())
    assert scaled.skipped() == 0


def test_a_scaled_step_that_overflowed_is_a_round_of_rewards_0() -> None:
    edges, zeros = started(MASK, 4), started(MASK, 4)
    for rewards in drawn(2):
        p, q = handed(edges), handed(zeros)
        p.grad, q.grad = -rewards.to(DEVICE), -rewards.to(DEVICE)
        assert edges.update(p, scale=1.0) == zeros.update(q)
        p, q = handed(edges), handed(zeros)
        p.grad, q.grad = torch.full_like(p, 0.1), torch.zeros_like(q)
        p.grad[0, 0] = math.inf
        assert edges.update(p, scale=1.0) == zeros.update(q)
    assert torch.equal(edges.distribution(), zeros.distribution())
    assert (edges.skipped(), zeros.skipped()) == (2, 0)
    assert edges.regret() == zeros.regret()


@pytest.mark.parametrize("tell_every", [1, 3])
def test_rewards_that_are_not_finite_or_look_scaled_are_refused(tell_every: int) -> None:
    """In the round itself, or in the next one in which the host is told."""
    wrong = {"nan or infinite: the search has diverged": math.nan, "GradScaler's scale": 1e4}
    for message, value in wrong.items():
        edges = started(MASK, 9, tell_every=tell_every)
        for step in range(tell_every):
            p = handed(edges)
            p.grad = torch.full_like(p, value if step == 0 else 0.1)
            if step + 1 < tell_every:
                assert edges.update(p) == []
        with pytest.raises(UserError, match=message):
            edges.update(p)


def test_large_rewards_later_on_are_only_clipped() -> None:
    edges = started(MASK, 3)
    for size in (0.0, 0.1, 1e4):
        p = handed(edges)
        p.grad = torch.full_like(p, size)
        edges.update(p)
    assert edges.clipped_share() == 0.5


def test_gradients_of_several_batches_add_up_in_the_same_p() -> None:
    three, one = started(MASK, 2), started(MASK, 2)
    for _ in range(2):
        for rewards in drawn(4):
            (handed(three) * -rewards.to(DEVICE)).sum().backward()
        three.update(handed(three), batches=4)
        p = handed(one)
        p.grad = -drawn(4).sum(0).to(DEVICE) / 4
        one.update(p)
        assert torch.equal(three.distribution(), one.distribution())


def test_a_round_of_the_warm_up_is_uniform_and_teaches_only_the_bound() -> None:
    rewards = drawn(5)
    rewards[:2, 0, 0] = 0  # zeros do not count
    edges = started(MASK, 5, reward_bound="auto", warmup=2, prior=[[0.8, 0.1, 0.1], [0.5, 0.5, 0]])
    uniform = MASK.double() / MASK.sum(-1, keepdim=True)
    plays = []
    for p, _, _ in rounds(edges, rewards[:2]):
        assert edges.step == 2 or edges.reward_bound is None
        plays.append(p)
    assert all(torch.equal(p.cpu(), uniform) for p in plays)
    sizes = rewards[:2].abs()
    assert edges.reward_bound == pytest.approx(float(sizes[sizes > 0].quantile(0.99)))
    assert edges.regret() == 0
    torch.testing.assert_close(edges.distribution()[0, 0].item(), 0.8, rtol=0, atol=1e-6)
    bound, eta = edges.reward_bound, edges.eta
    assert bound is not None
    assert eta is not None
    assert eta[0].item() == pytest.approx(math.sqrt(2 * math.log(3) / 3) / bound)  # T = 3


def test_a_warm_up_with_a_known_bound_needs_no_gradient() -> None:
    edges = started(MASK, 3, warmup=2)
    warming = [edges.warming]
    for _ in range(2):
        assert edges.update() == []
        warming.append(edges.warming)
    assert warming == [True, True, False]
    with pytest.raises(UserError, match="update takes the very p"):
        edges.update()


def test_exploration_is_over_what_is_left() -> None:
    edges = started(torch.tensor([[True, True, False]]), 5, explore=0.1)
    p = edges.distribution(dtype=torch.float64)
    assert p.tolist() == [[0.5, 0.5, 0.0]]
    edges = started(torch.tensor([[True, True, False]]), 5, explore=0.1, prior=[[0.9, 0.1, 0.0]])
    p = edges.distribution(dtype=torch.float64)
    torch.testing.assert_close(p.cpu(), torch.tensor([[0.86, 0.14, 0]]).double())
    torch.testing.assert_close(edges.probabilities().cpu(), torch.tensor([[0.9, 0.1, 0]]).double())


def sampled_game(interval: tuple[float, float], **options: Any) -> EdgeExperts:
    """Twenty rounds; the loss is the share of edges whose operation is not 0, in the interval."""
    edges = EdgeExperts([3, 2], steps=20, loss_interval=interval, device=DEVICE, **options)
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        architecture = edges.sample(generator)
        share = sum(operation != 0 for operation in architecture) / 2
        low, high = interval
        edges.update(torch.tensor(low + share * (high - low)).double(), sampled=architecture)
    return edges


def test_sampled_architectures_teach_a_bandit_in_the_units_of_their_losses() -> None:
    plain, wide = sampled_game((0, 1)), sampled_game((-5, 15))
    torch.testing.assert_close(plain.distribution(), wide.distribution())
    for name in ("regret", "certificate", "bound"):
        assert getattr(wide, name)() == pytest.approx(20 * getattr(plain, name)())
    assert plain.regret() <= plain.certificate()
    assert plain.bound() == pytest.approx(4 * math.sqrt(3 * 20) + 4 * math.sqrt(2 * 20))
    assert plain.architecture() == (0, 0)
    assert plain.wipeout_rule is None
    assert sampled_game((0, 1), prior=[[0.5, 0.3, 0.2], [0.5, 0.5, 0]]).bound() is None
    assert sampled_game((0, 1), learner=experts.exp3()).regret() > 0


def test_sampled_losses_are_clipped_and_counted() -> None:
    edges = EdgeExperts([2], steps=4, loss_interval=(0, 1))
    for loss in (0.5, 3.0, -1.0, 1.0):
        edges.update(loss, sampled=edges.sample())
    assert edges.clipped_share() == 0.5


def test_samples_follow_the_distribution_and_come_back_as_they_are_named() -> None:
    prior = [[0.7, 0.1, 0.2], [0.1, 0.9, 0.0]]
    edges = EdgeExperts({"a": MASK, "b": [2]}, steps=1, prior={"a": prior, "b": [[1.0, 0.0]]})
    generator = torch.Generator().manual_seed(0)
    counts = np.zeros((2, 3))
    for _ in range(400):
        found = edges.sample(generator)
        assert found["b"] == (0,)
        counts[[0, 1], list(found["a"])] += 1
    expected = 400 * np.asarray(prior)
    seen = expected > 0
    assert counts[~seen] == 0
    assert ((counts - expected)[seen] ** 2 / expected[seen]).sum() < 20  # chi square, 3: 2e-4


def test_what_edges_offer_can_be_said_in_four_ways() -> None:
    space = NASBench201()
    numbers: dict[str, Any] = {"steps": np.int64(9), "reward_bound": np.float32(1)}
    for choices in (space, [5] * 6, torch.ones(6, 5).bool(), np.ones((6, 5), dtype=bool)):
        edges = EdgeExperts(choices, **numbers)
        assert torch.equal(edges.distribution(), torch.full((6, 5), 0.2))
    edges = EdgeExperts({"normal": [2, 1], "b": [[True, False, True]]}, steps=9, reward_bound=1.0)
    assert {name: table.tolist() for name, table in edges.distribution().items()} == {
        "normal": [[0.5, 0.5], [1.0, 0.0]],
        "b": [[0.5, 0.0, 0.5]],
    }
    assert EdgeExperts(DARTSCNN(), steps=9).distribution().shape == (28, 8)


class Reading(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses what waits for a device: reads of values, and shapes that depend on values."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "index.")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func).removeprefix("aten.")
        assert not name.startswith(self.WAITING), f"{name} synchronises"
        return func(*args, **(kwargs or {}))


@contextmanager
def no_synchronisation() -> Iterator[None]:
    if DEVICE == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        with Reading():  # type: ignore[no-untyped-call]
            yield
    finally:
        if DEVICE == "cuda":
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    "options",
    [{}, {"reward_bound": None}, {"explore": 0.1}, {"prior": [[0.5, 0.3, 0.2], [0.5, 0.5, 0.0]]}],
    ids=["published", "adahedge", "explore", "prior"],
)
def test_nothing_waits_for_the_device_between_the_rounds_that_tell(options: Any) -> None:
    edges = started(MASK, 12, tell_every=4, **options)
    told = 0
    for rewards in drawn(12).to(DEVICE):
        with no_synchronisation():
            edges.distribution()
            p = handed(edges)
            p.grad = -rewards
        if edges.step % 4 == 3:
            told += 1
            with pytest.raises(AssertionError, match="synchronises"), no_synchronisation():
                float(torch.ones(1))
            edges.update(p)
        else:
            with no_synchronisation():
                assert edges.update(p) == []
    assert told == 3


def test_importing_the_package_does_not_import_pytorch() -> None:
    code = """
import sys, nas_adapter
assert "torch" not in sys.modules
assert {"EdgeExperts", "MixedEdge", "UserError"} <= set(dir(nas_adapter))
from nas_adapter import *
assert "torch" in sys.modules and EdgeExperts.__name__ == "EdgeExperts"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'Experts'"):
        __import__("nas_adapter").Experts  # noqa: B018
