"""Games for `EdgeExperts`: rewards instead of gradients, and opponents who see what is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from experts.testing.games import DEVICE
from nas_adapter import EdgeExperts

BOUND = 0.5
"""L of the games: losses have range 1, which every learner's default settings allow."""

Opponent = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From drawn rewards, the play and the survivors to rewards, all (E, K)."""


def masks() -> st.SearchStrategy[Tensor]:
    """bool (E, K) with at least one operation an edge."""

    def offering(mask: Any) -> Tensor:
        mask[:, 0] |= ~mask.any(-1)
        return torch.from_numpy(mask)

    shapes = st.tuples(st.integers(1, 3), st.integers(1, 5))
    return shapes.flatmap(lambda shape: hnp.arrays(bool, shape)).map(offering)


@st.composite
def games(draw: st.DrawFn, most_steps: int = 12) -> tuple[Tensor, Tensor]:
    """A mask (E, K), and rewards (T, E, K): multiples of 1/64, some of them beyond L."""
    mask = draw(masks())
    steps = draw(st.integers(1, most_steps))
    parts = hnp.arrays(float, (steps, *mask.shape), elements=st.integers(-40, 40).map(float))
    return mask, torch.from_numpy(draw(parts)) / 64


def priors(mask: Tensor, seed: int, strength: float = 4.0) -> Tensor:
    """First distributions on what is offered, (E, K)."""
    generator = torch.Generator().manual_seed(seed)
    logits = strength * torch.rand(mask.shape, generator=generator, dtype=torch.float64)
    return logits.masked_fill(~mask, -torch.inf).softmax(-1)


def oblivious(drawn: Tensor, play: Tensor, alive: Tensor) -> Tensor:
    """The rewards as they were drawn."""
    return drawn


def against_the_favourite(drawn: Tensor, play: Tensor, alive: Tensor) -> Tensor:
    """-L for the largest weight, L for the others, the removed among them."""
    first = torch.nn.functional.one_hot(play.argmax(-1), play.shape[1])
    return BOUND * (1 - 2 * first.double())


def for_the_leader_then_the_removed(drawn: Tensor, play: Tensor, alive: Tensor) -> Tensor:
    """L for the first operation alone, until some are removed; then these have L, the others -L."""
    if alive.all():
        return BOUND * torch.eye(play.shape[1]).double()[:1].to(play.device).expand_as(play)
    return BOUND * (1 - 2 * alive.double())


OPPONENTS = [oblivious, against_the_favourite, for_the_leader_then_the_removed]


def rounds(
    edges: EdgeExperts, rewards: Tensor, opponent: Opponent = oblivious
) -> Iterator[tuple[Tensor, Tensor, list[Any]]]:
    """Play; yields distribution, rewards as clipped, and what was removed, of every round."""
    for drawn in rewards.double().to(DEVICE):
        p = edges.distribution(requires_grad=True, dtype=torch.float64)
        met = opponent(drawn, p.detach(), edges.alive)
        p.grad = -met
        removed = edges.update(p)
        yield p.detach(), met if edges.reward_bound is None else met.clamp(-BOUND, BOUND), removed


def started(mask: Tensor, steps: int, **options: Any) -> EdgeExperts:
    """An object with L = `BOUND` on the device of the tests."""
    return EdgeExperts(mask, **{"steps": steps, "reward_bound": BOUND, "device": DEVICE, **options})
