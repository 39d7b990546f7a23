"""The worst loss sequence that can be found by climbing, for any number of experts.

First gradient ascent through the learner: its pure functions run on torch, so that the regret is
a differentiable function of all losses of the game. Then, from the nearest corners of the cube,
single changes as long as one helps: the best moves in time cannot be seen from a gradient. What is
found is a lower bound on the worst case, never more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

import experts
from experts import Feedback
from experts.environments import Given


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A loss sequence, and the regret that `experts.play` says it causes."""

    losses: Any = field(repr=False)
    """(T, K), in {0, 1}"""
    regret: float
    ascended: float
    """regret of the best corner at the end of the gradient ascent"""


def search(
    learner: Any,
    rounds: int,
    k: int,
    *,
    restarts: int = 16,
    finalists: int = 4,
    steps: int = 100,
    seed: int = 0,
) -> Found:
    """Ascend from random starts, all at once; then improve the best corners by single changes.

    Parameters
    ----------
    learner
        With full information, deterministic, differentiable in the losses.
    rounds, k
        T and K.
    restarts, steps
        Of the ascent.
    finalists
        How many corners are improved.
    """
    with one_thread():
        corners = ascend(learner, rounds, k, restarts, steps, seed)
    reached = played(learner, corners)
    ascended = float(reached.max())
    order = np.argsort(-reached, kind="stable")[:finalists]
    bar = tqdm(corners[order], desc=f"single changes, K={k}", unit="start", leave=False)
    best = max((improve(learner, corner) for corner in bar), key=lambda found: found[1])
    return Found(*best, ascended)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch's arrays are tiny here: threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ascend(learner: Any, rounds: int, k: int, restarts: int, steps: int, seed: int) -> Any:
    """Adam on x with losses = sigmoid(x); rounded to corners (restarts, T, K)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((restarts, rounds, k), generator=generator, dtype=torch.float64)
    x.requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.1)
    for _ in tqdm(range(steps), desc=f"gradient ascent, K={k}", unit="step", leave=False):
        optimiser.zero_grad()
        torch.autograd.backward(-regret(learner, torch.sigmoid(x)).sum())
        optimiser.step()
    return (x > 0).double().numpy()


def regret(learner: Any, losses: Tensor) -> Tensor:
    """Regret of each game, (R,), for losses (R, T, K)."""
    state = learner.init(losses[:, 0])
    suffered = torch.zeros((), dtype=losses.dtype)
    for loss in losses.unbind(1):
        play = learner.predict(state)
        suffered = suffered + (play * loss).sum(-1)
        state = learner.update(state, play, Feedback(loss))
    return suffered - losses.sum(1).amin(-1)


def played(learner: Any, losses: Any) -> Any:
    """The same by `experts.play`, in numpy."""
    game = Given(np.moveaxis(losses, 0, 1), (0.0, 1.0))
    trace = experts.play(learner, game, record_every=game.horizon, progress=False)
    return trace.regret[-1, 0]


def improve(learner: Any, losses: Any) -> tuple[Any, float]:
    """The best single change of losses (T, K) in {0, 1}, again and again until none helps.

    Changes: a loss flipped, two losses of a round exchanged, two neighbouring rounds exchanged.
    """
    best = float(played(learner, losses[None])[0])
    while True:
        others = neighbours(losses)
        reached = played(learner, others)
        top = int(reached.argmax())
        if reached[top] <= best + 1e-9:
            return losses, best
        losses, best = others[top], float(reached[top])


def neighbours(losses: Any) -> Any:
    """All single changes, (T K + T K (K-1) / 2 + T - 1, T, K)."""
    rounds, k = losses.shape
    cell = np.arange(rounds * k)
    flipped = np.repeat(losses[None], len(cell), axis=0)
    flipped[cell, cell // k, cell % k] = 1 - losses.ravel()
    others = [flipped]
    t = np.arange(rounds)
    for i, j in itertools.combinations(range(k), 2):
        exchanged = np.repeat(losses[None], rounds, axis=0)
        exchanged[t, t, i], exchanged[t, t, j] = losses[:, j], losses[:, i]
        others.append(exchanged)
    moved = np.repeat(losses[None], rounds - 1, axis=0)
    first = t[:-1]
    moved[first, first], moved[first, first + 1] = losses[1:], losses[:-1]
    return np.concatenate([*others, moved])
