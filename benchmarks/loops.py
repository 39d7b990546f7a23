"""Plain loops to compare with: numpy over the batch, numba over rounds and batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

Run = Callable[[], Any]
compiled: Any = njit(cache=True, fastmath=True)


def numpy_hedge(losses: np.ndarray) -> Run:
    """Hedge in numpy, (B, K) a round."""

    def run() -> float:
        eta = math.sqrt(8 * math.log(losses.shape[2]) / len(losses))
        total, suffered = np.zeros(losses.shape[1:]), 0.0
        for loss in losses:
            play = np.exp(-eta * (total - total.min(-1, keepdims=True)))
            play /= play.sum(-1, keepdims=True)
            suffered += float((play * loss).sum())
            total += loss
        return suffered

    return run


def numpy_bandit(losses: np.ndarray, play_of: Callable[[np.ndarray, int], np.ndarray]) -> Run:
    """A bandit in numpy, (B, K) a round, by importance weights; `play_of` gives p_t."""

    def run() -> float:
        generator, suffered = np.random.default_rng(0), 0.0
        total, problems = np.zeros(losses.shape[1:]), np.arange(losses.shape[1])
        for t, loss in enumerate(losses):
            play = play_of(total, t + 1)
            below = play.cumsum(-1)
            arm = (below <= generator.random((len(below), 1)) * below[:, -1:]).sum(-1)
            met = loss[problems, arm]
            total[problems, arm] += met / play[problems, arm]
            suffered += float(met.sum())
        return suffered

    return run


def numpy_exp3(losses: np.ndarray) -> Run:
    """Exp3 in numpy, with a fixed eta."""
    rounds, _, count = losses.shape
    eta = math.sqrt(2 * math.log(count) / (rounds * count))

    def play(total: np.ndarray, t: int) -> np.ndarray:
        weights = np.exp(-eta * (total - total.min(-1, keepdims=True)))
        return np.asarray(weights / weights.sum(-1, keepdims=True))

    return numpy_bandit(losses, play)


def numpy_tsallis(losses: np.ndarray) -> Run:
    """Tsallis-INF in numpy: ten Newton steps a round, from the side where they converge."""

    def play(total: np.ndarray, t: int) -> np.ndarray:
        scale = math.sqrt(t) / 2
        lead = total - total.min(-1, keepdims=True)
        x = np.full((len(total), 1), -2 * scale)
        for _ in range(10):
            root = 2 * scale / (lead - x)
            square = (root * root).sum(-1, keepdims=True)
            x += 2 * scale * square * (1 - np.sqrt(square)) / (root**3).sum(-1, keepdims=True)
        weights = (2 * scale / (lead - x)) ** 2
        return np.asarray(weights / weights.sum(-1, keepdims=True))

    return numpy_bandit(losses, play)


@compiled
def _hedge(losses: Any, eta: float) -> float:
    suffered = 0.0
    rounds, batch, count = losses.shape
    total, weights = np.zeros((batch, count)), np.zeros(count)
    for t in range(rounds):
        for b in range(batch):
            low = total[b].min()
            norm, met = 0.0, 0.0
            for k in range(count):
                weights[k] = math.exp(-eta * (total[b, k] - low))
                norm += weights[k]
                met += weights[k] * losses[t, b, k]
                total[b, k] += losses[t, b, k]
            suffered += met / norm
    return suffered


@compiled
def _bandit(losses: Any, eta: float, entropy: bool) -> float:
    np.random.seed(0)  # noqa: NPY002  (what numba has)
    suffered = 0.0
    rounds, batch, count = losses.shape
    total, play, x = np.zeros((batch, count)), np.zeros(count), np.zeros(batch)
    for t in range(rounds):
        scale = math.sqrt(t + 1.0) / 2
        for b in range(batch):
            low = total[b].min()
            if entropy:
                for k in range(count):
                    play[k] = math.exp(-eta * (total[b, k] - low))
            else:
                x[b] = min(x[b], low - 2 * scale)
                for _ in range(50):
                    square, cube = 0.0, 0.0
                    for k in range(count):
                        root = 2 * scale / (total[b, k] - x[b])
                        play[k] = root * root
                        square += root * root
                        cube += root * root * root
                    step = 2 * scale * square * (1 - math.sqrt(square)) / cube
                    x[b] = min(x[b] + step, low - 2 * scale)
                    if abs(step) < 1e-9 * scale:
                        break
            norm = play.sum()
            mark, arm = np.random.random() * norm, 0  # noqa: NPY002
            while arm < count - 1 and mark >= play[arm]:
                mark -= play[arm]
                arm += 1
            suffered += losses[t, b, arm]
            total[b, arm] += losses[t, b, arm] * norm / play[arm]
    return suffered


def numba_hedge(losses: np.ndarray) -> Run:
    """Hedge in numba: one exp an expert."""
    eta = math.sqrt(8 * math.log(losses.shape[2]) / len(losses))
    return lambda: _hedge(losses, eta)


def numba_exp3(losses: np.ndarray) -> Run:
    """Exp3 in numba, with a fixed eta and all weights computed in every round."""
    rounds, _, count = losses.shape
    return lambda: _bandit(losses, math.sqrt(2 * math.log(count) / (rounds * count)), True)


def numba_tsallis(losses: np.ndarray) -> Run:
    """Tsallis-INF in numba: Newton from the last round's multiplier."""
    return lambda: _bandit(losses, 0.0, False)


LOOPS: dict[str, dict[str, Callable[[np.ndarray], Run]]] = {
    "hedge": {"numpy loop": numpy_hedge, "numba loop": numba_hedge},
    "exp3": {"numpy loop": numpy_exp3, "numba loop": numba_exp3},
    "tsallis_inf": {"numpy loop": numpy_tsallis, "numba loop": numba_tsallis},
}
