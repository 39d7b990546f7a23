"""Games over a product of edges: over all architectures jointly, and edge by edge.

E edges with K operations each; losses (T, S, E, K) in [0, 1] for S games. Architectures are in
the order of nested loops over the edges, the last edge fastest: K**E of them.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

import experts
from experts import Feedback
from experts.environments import Course

Array = Any


def outer(edges: Array, combine: Any) -> Array:
    """Outer product over edges, (..., E, K) to (..., K**E), with the ufunc `combine` for times."""
    parts = np.moveaxis(edges, -2, 0)

    def extend(joint: Array, edge: Array) -> Array:
        pairs = combine(joint[..., :, None], edge[..., None, :])
        return pairs.reshape(*pairs.shape[:-2], -1)

    return functools.reduce(extend, parts)


def differences(learner: Any, losses: Array) -> tuple[float, float]:
    """Largest absolute and relative difference of joint and per-edge distributions in a game.

    `losses` (T, E, K). The joint learner has a weight for every architecture and sees its total
    loss; the other plays every edge by itself.
    """
    joint, edges = learner.init(outer(losses[0], np.add)), learner.init(losses[0])
    absolute = relative = 0.0
    for loss in losses:
        play, of_edges = learner.predict(joint), learner.predict(edges)
        product = outer(of_edges, np.multiply)
        off = np.abs(play - product)
        absolute = max(absolute, float(off.max()))
        relative = max(relative, float((off / product).max()))
        joint = learner.update(joint, play, Feedback(outer(loss, np.add)))
        edges = learner.update(edges, of_edges, Feedback(loss))
    return absolute, relative


def fed_the_total(learner: Any, losses: Array, rng: np.random.Generator) -> Array:
    """Bandit game with one number a round: every edge is told the architecture's mean edge loss.

    In a round each edge draws an operation. All edges see (1 / E) sum_e loss and take it for the
    loss of their drawn operation. Returns the total loss of the drawn architectures, (T, S).

    Given the past, the other edges' share of that number is independent of this edge's draw. So
    edge e plays a bandit game with losses in [0, 1]; the others' shares cancel in its
    pseudo-regret there, which is 1/E of its pseudo-regret in the true game.
    """
    rounds, games, edges, _ = losses.shape
    state = learner.init(losses[0])
    suffered = np.empty((rounds, games))
    for t, loss in enumerate(losses):
        play = learner.predict(state)
        seen = experts.draw(play, rng.random((games, edges, 1)))
        suffered[t] = np.sum(loss, axis=(-2, -1), where=seen)
        told = np.where(seen, suffered[t, :, None, None] / edges, np.nan)
        state = learner.update(state, play, Feedback(told, seen, play))
    return suffered


@dataclass(frozen=True, slots=True, eq=False)
class Architectures:
    """Environment with an arm for every architecture; its loss is its edges' mean, in [0, 1]."""

    losses: Array = field(repr=False)
    """(T, S, E, K)"""
    adaptive: ClassVar[bool] = False
    loss_interval: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one problem, (K**E,)."""
        return (self.losses.shape[-1] ** self.losses.shape[-2],)

    @property
    def horizon(self) -> int | None:
        """Rounds T."""
        return len(self.losses)

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """Start the games: the i-th seed plays the i-th; the generators are not used."""
        position = 0

        def following(rounds: int) -> Array:
            nonlocal position
            rows = self.losses[position : position + rounds, : len(generators)]
            position += rounds
            # The mean can round to a little above 1.
            return np.minimum(outer(rows, np.add) / rows.shape[-2], 1.0)

        return following


def seconds_a_round(learner: Any, loss: Array, bandit: bool, rounds: int = 30) -> float:
    """Median seconds of one round in numpy: predict, draw if a bandit, update; loss (..., K)."""
    state = learner.init(loss)
    rng = np.random.default_rng(0)
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        play = learner.predict(state)
        feedback = Feedback(loss)
        if bandit:
            seen = experts.draw(play, rng.random((*loss.shape[:-1], 1)))
            feedback = Feedback(loss, seen, play)
        state = learner.update(state, play, feedback)
        times.append(time.perf_counter() - begin)
    return float(np.median(times))
