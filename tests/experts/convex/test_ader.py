"""Ader against every sequence of a grid, by enumeration, and against a moving target."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from experts import bounds
from experts.convex import Ader, Ball, Box, ader, ogd


def play(learner: Ader, given: np.ndarray, meet: Callable[..., Any]) -> tuple[Any, ...]:
    """Points (T, d), gradients (T, d) and the last state."""
    state, plays, met = learner.init(given[0]), [], []
    for row in given:
        plays.append(learner.predict(state))
        met.append(meet(row, plays[-1]))
        state = learner.update(state, plays[-1], met[-1])
    return np.stack(plays), np.stack(met), state


@pytest.mark.parametrize(
    "meet", [lambda g, x: g, lambda g, x: np.sign(x + 0.01)], ids=["drawn", "outwards"]
)
@pytest.mark.parametrize("seed", range(3))
def test_every_sequence_of_a_grid(seed: int, meet: Callable[..., Any]) -> None:
    rounds, domain = 6, Box(-1, 2)
    grid = np.asarray([-1.0, 0.0, 0.5, 2.0])
    given = np.sign(np.random.default_rng(seed).normal(size=(rounds, 1)))
    plays, met, state = play(ader(rounds, domain), given, meet)
    paths = np.asarray(list(itertools.product(grid, repeat=rounds)))
    regret = np.sum(met[:, 0] * (plays[:, 0] - paths), axis=-1)
    lengths = np.abs(np.diff(paths, axis=-1)).sum(axis=-1)
    for length in np.unique(lengths):
        worst = regret[lengths == length].max()
        certificate = float(ader(rounds, domain).dynamic(state, float(length)))
        assert worst <= certificate + 1e-9
        assert certificate <= bounds.ader(3.0, rounds, float(length)) + 1e-9


def test_a_target_that_moves() -> None:
    """Less than the bound, and less than gradient descent, which has to follow as slowly."""
    rounds, domain = 1000, Ball()
    angle = np.arange(rounds) // 100 * 2.0
    targets = 0.9 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    def meet(target: np.ndarray, point: np.ndarray) -> Any:
        return (point - target) / max(1e-12, float(np.linalg.norm(point - target)))

    learner = ader(rounds, domain)
    plays, met, state = play(learner, targets, meet)
    path = float(np.linalg.norm(np.diff(targets, axis=0), axis=-1).sum())
    regret = float(np.sum(met * (plays - targets)))
    certificate = float(learner.dynamic(state, path))
    assert regret <= certificate <= bounds.ader(2.0, rounds, path)
    assert bounds.ader(2.0, rounds, path) < rounds  # the largest regret that there is

    slow, sums = ogd(domain), 0.0
    other = slow.init(targets[0])
    for target in targets:
        point = slow.predict(other)
        sums += float(np.linalg.norm(point - target))
        other = slow.update(other, point, meet(target, point))
    assert float(np.linalg.norm(plays - targets, axis=-1).sum()) < sums


def test_the_constant_of_the_rate_that_fits() -> None:
    """(ratio / 2**i + 2**i) / 2 <= (5/4) sqrt(ratio) for i = floor(log2(ratio) / 2), no less."""
    ratio = np.geomspace(1.0, 4.0**10, 20_001)
    step = 2.0 ** np.floor(np.log2(ratio) / 2)
    worst = np.max((ratio / step + step) / 2 / np.sqrt(ratio))
    assert 1.249 < worst <= 1.25
    assert bounds.ader(1.0, 100, 0.0) == pytest.approx(12.5 + (1 + np.log(2)) * (100 / 8) ** 0.5)
