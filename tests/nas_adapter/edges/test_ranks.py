"""Two real processes on gloo: all hold what one process would that saw the mean reward."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed
from torch.multiprocessing.spawn import spawn

from nas_adapter import EdgeExperts
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
    torch.save(found, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


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
