"""Search for the worst loss sequence by hill climbing, for any number of experts.

First comes gradient ascent through the learner: its pure functions run on torch, so the regret is a
differentiable function of all losses of the game. The losses are rounded to 0 or 1. Then come
single changes as long as one helps; they find what a gradient cannot, such as moving a loss to
another round. The regret that is found is a lower bound on the worst case.
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
    """A loss sequence, and the learner's regret on it, computed by `experts.play`."""

    losses: Any = field(repr=False)
    """(T, K), in {0, 1}"""
    regret: float
    ascended: float
    """regret of the best rounded sequence after gradient ascent alone"""


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
    """Search by gradient ascent from random starts; then improve the best by single changes.

    Parameters
    ----------
    learner
        A learner with full information, deterministic and differentiable in the losses.
    rounds, k
        T and K.
    restarts, steps
        Random starts and steps of the gradient ascent.
    finalists
        Number of rounded sequences that are improved by single changes.
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
    """Context in which torch uses one thread: on arrays this small, more only cost time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ascend(learner: Any, rounds: int, k: int, restarts: int, steps: int, seed: int) -> Any:
    """Losses by Adam on x, losses = sigmoid(x), rounded to {0, 1}; (restarts, T, K)."""
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
    """Differentiable regret of each game, (R,), for losses (R, T, K)."""
    state = learner.init(losses[:, 0])
    suffered = torch.zeros((), dtype=losses.dtype)
    for loss in losses.unbind(1):
        play = learner.predict(state)
        suffered = suffered + (play * loss).sum(-1)
        state = learner.update(state, play, Feedback(loss))
    return suffered - losses.sum(1).amin(-1)


def played(learner: Any, losses: Any) -> Any:
    """Regret of each game by `experts.play` in numpy, (R,), for losses (R, T, K)."""
    game = Given(np.moveaxis(losses, 0, 1), (0.0, 1.0))
    trace = experts.play(learner, game, record_every=game.horizon, progress=False)
    return trace.regret[-1, 0]


def improve(learner: Any, losses: Any) -> tuple[Any, float]:
    """Steepest ascent by single changes from losses (T, K) in {0, 1}; losses and their regret.

    Changes: flip a loss, exchange two losses of a round, exchange two neighbouring rounds.
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
    """Losses after each possible single change, (T K + T K (K-1) / 2 + T - 1, T, K)."""
    rounds, k = losses.shape
    entry = np.arange(rounds * k)
    flipped = np.repeat(losses[None], len(entry), axis=0)
    flipped[entry, entry // k, entry % k] = 1 - losses.ravel()
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
