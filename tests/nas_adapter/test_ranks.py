"""Two real processes on gloo: all hold what one process would that saw the mean reward."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn

from nas_adapter import EdgeExperts, UserError
from nas_adapter.ranks import check_parts, from_first, gathered, largest, mean, part
from nas_adapter.supernets.synchronised import SynchronisedNorm, synchronised
from tests.nas_adapter.edges.games import BOUND, rounds

STEPS, MASK = 10, torch.tensor([[True, True, True], [True, True, False]])


def drawn(rank: int) -> Tensor:
    """Rewards (T, 2, 3) of a rank; clipped before they are averaged they would be others."""
    rewards = torch.rand(STEPS, 2, 3, generator=torch.Generator().manual_seed(rank)).double()
    return rewards * (3 * BOUND if rank else -BOUND)


def started(**options: Any) -> EdgeExperts:
    return EdgeExperts(MASK, steps=STEPS, reward_bound=BOUND, **options)


def played(edges: EdgeExperts, rewards: Tensor) -> dict[str, Any]:
    plays = [p for p, _, _ in rounds(edges, rewards)]
    return {"plays": torch.stack(plays), "wiped": edges.wiped, "clipped": edges.clipped_share()}


def process(rank: int, folder: str) -> None:
    """Both play together, each with its own rewards; then each alone; then both sample."""
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=120),
    )
    group = distributed.new_group([0, 1])
    found = {
        "together": played(started(), drawn(rank)),
        "group": played(started(process_group=group), drawn(rank)),
        "alone": played(started(process_group=None), drawn(rank)),
    }
    bandit = EdgeExperts(MASK, steps=STEPS, loss_interval=(0, 1))
    generator, sampled = torch.Generator().manual_seed(rank), []
    for step in range(STEPS):
        sampled.append(bandit.sample(generator))
        bandit.update((step % 3) / 4 + rank / 4, sampled=sampled[-1])
    found["bandit"] = {"sampled": sampled, "play": bandit.distribution(dtype=torch.float64)}
    found["normalised"] = normalised(synchronised(norm(), torch.device("cpu")), part(IMAGES))
    found["agreed"] = {
        "largest": largest(rank, 3 - rank),
        "mean": [piece.tolist() for piece in mean([torch.ones(2) * rank, torch.ones(1, 3)])],
        "gathered": gathered(torch.full((2, 1), float(rank))),
        "first": from_first(lambda: f"of {rank}"),
        "refused": [refusal(lambda: check_parts(5)), refusal(lambda: from_first(refuse))],
    }
    torch.save(found, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


IMAGES = torch.randn(6, 3, 2, 2, generator=torch.Generator().manual_seed(0)).double()


def norm() -> nn.Module:
    """A normalisation inside a network, in float64."""
    return nn.Sequential(nn.BatchNorm2d(3)).double()


def normalised(network: nn.Module, images: Tensor) -> dict[str, Any]:
    """Images normalised in training, the gradient of a loss in them, and what is remembered."""
    images = images.clone().requires_grad_()
    out = network(images)
    out.square().mul(torch.arange(4).view(2, 2)).add(out**3).mean().backward()
    gradients = {name: one.grad for name, one in network.named_parameters()}
    return {"out": out.detach(), "images": images.grad, **gradients, **network.state_dict()}


def refuse() -> None:
    raise UserError("not here")


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(UserError) as refused:
        make()
    return str(refused.value)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("ranks")
    spawn(process, (str(folder),), nprocs=2)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return torch.equal(one["plays"], other["plays"]) and all(
        one[name] == other[name] for name in ("wiped", "clipped")
    )


@pytest.mark.parametrize("which", ["together", "group"])
def test_ranks_stay_identical_to_one_process_with_the_mean_reward(
    which: str, found: list[dict[str, Any]]
) -> None:
    one = played(started(), (drawn(0) + drawn(1)) / 2)
    assert same(found[0][which], found[1][which])
    assert same(found[0][which], one)
    assert one["wiped"]
    assert one["clipped"] > 0


def test_a_process_that_plays_alone_has_its_own(found: list[dict[str, Any]]) -> None:
    for rank in (0, 1):
        assert same(found[rank]["alone"], played(started(), drawn(rank)))
    assert not torch.equal(found[0]["alone"]["plays"], found[1]["alone"]["plays"])


def test_all_ranks_sample_what_the_first_does_and_learn_from_the_mean_loss(
    found: list[dict[str, Any]],
) -> None:
    bandit = EdgeExperts(MASK, steps=STEPS, loss_interval=(0, 1))
    generator = torch.Generator().manual_seed(0)
    sampled = []
    for step in range(STEPS):
        sampled.append(bandit.sample(generator))
        bandit.update((step % 3) / 4 + 1 / 8, sampled=sampled[-1])
    for rank in (0, 1):
        assert found[rank]["bandit"]["sampled"] == sampled
        assert torch.equal(found[rank]["bandit"]["play"], bandit.distribution(dtype=torch.float64))


def test_parts_of_a_batch_are_normalised_as_the_whole(found: list[dict[str, Any]]) -> None:
    whole = normalised(norm(), IMAGES)
    parts = [one["normalised"] for one in found]
    for name, expected in whole.items():
        split = name in ("out", "images")
        values = [one[name] for one in parts]
        got = torch.cat(values) if split else torch.stack(values).double().mean(0)
        got = got / 2 if name == "images" else got  # each loss is the mean over half as many
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12, check_dtype=False)


def test_alone_a_synchronised_normalisation_is_the_usual_one() -> None:
    usual, own = norm(), SynchronisedNorm(3).double()
    one, other = normalised(usual, IMAGES), normalised(nn.Sequential(own), IMAGES)
    for name, expected in one.items():
        torch.testing.assert_close(other[name], expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(own.eval()(IMAGES), usual.eval()(IMAGES))


def test_processes_agree(found: list[dict[str, Any]]) -> None:
    for rank in (0, 1):
        agreed = found[rank]["agreed"]
        assert agreed["largest"] == (1, 3)
        assert agreed["mean"] == [[0.5, 0.5], [[1.0, 1.0, 1.0]]]
        assert agreed["gathered"].tolist() == [[0.0], [0.0], [1.0], [1.0]]
        assert agreed["first"] == "of 0"
        parts, first = agreed["refused"]
        assert parts == "a batch of 5 cannot be shared equally by 2 processes: --batch-size"
        assert first == "not here"
