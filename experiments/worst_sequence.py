"""The worst loss sequence that gradient ascent through the learner finds, for any number of experts.

The learner's pure functions run on torch, so the regret is a differentiable function of all losses
of the game. What is found is a lower bound on the worst case, never more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
    """(T, K), in [0, 1]"""
    regret: float


def climb(
    learner: Any,
    rounds: int,
    k: int,
    *,
    restarts: int = 32,
    steps: int = 150,
    step: float = 0.3,
    seed: int = 0,
) -> Found:
    """Gradient ascent (Adam) on losses = sigmoid(x), from random starts, all at once.

    The corners of the cube are where the maxima are, as a rule: the rounded losses are tried too.

    Parameters
    ----------
    learner
        With full information; its functions must be differentiable in the losses.
    rounds, k
        T and K.
    restarts, steps, step
        Of the ascent; `step` is Adam's.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((restarts, rounds, k), generator=generator, dtype=torch.float64)
    x.requires_grad_()
    ascent = torch.optim.Adam([x], lr=step)
    best, best_regret = torch.zeros(rounds, k), -torch.inf
    bar = tqdm(range(steps), desc=f"worst sequence, K={k}", unit="step", leave=False)
    for number in bar:
        losses = torch.sigmoid(x)
        reached = regret(learner, losses)
        ascent.zero_grad()
        (-reached.sum()).backward()
        ascent.step()
        candidates = losses.detach()
        if number % 10 == 9 or number == steps - 1:
            candidates = torch.cat([candidates, candidates.round()])
            with torch.no_grad():
                reached = regret(learner, candidates)
        top = int(reached.argmax())
        if reached[top] > best_regret:
            best, best_regret = candidates[top].clone(), float(reached[top])
    losses = best.numpy()
    trace = experts.play(learner, Given(losses, (0.0, 1.0)), record_every=rounds)
    return Found(losses, float(trace.regret[-1, 0]))


def regret(learner: Any, losses: Tensor) -> Tensor:
    """Regret of each game, (R,), for losses (R, T, K)."""
    state = learner.init(losses[:, 0])
    suffered = torch.zeros((), dtype=losses.dtype)
    for loss in losses.unbind(1):
        play = learner.predict(state)
        suffered = suffered + (play * loss).sum(-1)
        state = learner.update(state, play, Feedback(loss))
    return suffered - losses.sum(1).amin(-1)
