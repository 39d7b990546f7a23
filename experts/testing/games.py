"""Random games for the laws: losses, wipe-outs, opponents."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, is_torch_array
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experts.numerics.masks import wipe
from experts.types import Array, Feedback

DEVICE = os.environ.get("EXPERTS_TEST_DEVICE", "cpu")
"""Where torch plays."""

Opponent = Callable[[Any, Any], Any]
"""(losses that were drawn, the learner's distribution) -> the losses of the round, (..., K)."""


class Game(NamedTuple):
    """Losses in [0, 1] that are multiples of 1/64 (sums and shifts are exact), and wipe-outs."""

    loss: np.ndarray
    """(T, B, K): rounds, problems, experts"""
    dead: np.ndarray
    """bool (T, B, K): who is removed before each round"""


@st.composite
def games(draw: st.DrawFn, most_rounds: int = 20) -> Game:
    """Any losses."""
    shape = _shape(draw, most_rounds)
    sixtyfourths = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 64)))
    return Game(sixtyfourths / 64, _deaths(draw, shape))


@st.composite
def switching_games(draw: st.DrawFn, most_rounds: int = 20) -> Game:
    """One expert of a problem has loss 0, the others 1; after some rounds it is another one."""
    rounds, problems, experts = shape = _shape(draw, most_rounds)
    stretch = draw(st.integers(1, rounds))
    first = draw(hnp.arrays(np.int64, problems, elements=st.integers(0, experts - 1)))
    good = (np.arange(rounds)[:, None] // stretch + first) % experts
    loss = (np.arange(experts) != good[..., None]).astype(float)
    return Game(loss, _deaths(draw, shape))


def _shape(draw: st.DrawFn, most_rounds: int) -> tuple[int, int, int]:
    return draw(st.integers(1, most_rounds)), draw(st.integers(1, 3)), draw(st.integers(1, 6))


def _deaths(draw: st.DrawFn, shape: tuple[int, ...]) -> np.ndarray:
    dead = draw(hnp.arrays(bool, shape, elements=st.booleans()))
    rare = draw(hnp.arrays(bool, shape, elements=st.booleans()))
    return np.asarray(dead & rare)


def oblivious(loss: Any, play: Any) -> Any:
    """The losses as they were drawn: hypothesis is the adversary."""
    return loss


def on_the_favourite(loss: Any, play: Any) -> Any:
    """Adaptive: loss 1 on the largest weight, 0 elsewhere."""
    xp = array_namespace(play)
    return xp.where(play == xp.max(play, axis=-1, keepdims=True), 1.0, 0.0 * loss)


def on_one_favourite(loss: Any, play: Any) -> Any:
    """Adaptive: loss 1 on the first of the largest weights, 0 elsewhere.

    `on_the_favourite` charges all that are tied, and never breaks a tie.
    """
    xp = array_namespace(play)
    leads = play == xp.max(play, axis=-1, keepdims=True)
    first = leads & (xp.cumulative_sum(xp.astype(leads, play.dtype), axis=-1) == 1)
    return xp.where(first, 1.0, 0.0 * loss)


def against_the_weights(loss: Any, play: Any) -> Any:
    """Adaptive: losses are the weights."""
    return play + 0.0 * loss


OPPONENTS = [oblivious, on_the_favourite, on_one_favourite, against_the_weights]


def rounds(
    learner: Any, game: Game, opponent: Opponent = oblivious, library: str = "numpy", **init: Any
) -> Iterator[tuple[Any, Any, Any]]:
    """Play a game in an array library; yields distribution, loss and state after each round."""
    xp = importlib.import_module(library)
    where = {"device": DEVICE} if library == "torch" else {}
    state = learner.init(xp.asarray(game.loss[0], **where), **init)
    for loss, dead in zip(game.loss, game.dead, strict=True):
        if "wipeout" in learner.supports:
            state = wipe(state, xp.asarray(dead, **where))
        play = learner.predict(state)
        met = opponent(xp.asarray(loss, **where), play)
        state = learner.update(state, play, Feedback(met))
        yield play, met, state


def final(learner: Any, game: Game, **options: Any) -> tuple[np.ndarray, Any]:
    """All distributions (T, B, K) as numpy, and the last state."""
    plays, _, states = zip(*rounds(learner, game, **options), strict=True)
    return np.stack([as_numpy(play) for play in plays]), states[-1]


def as_numpy(array: Array) -> np.ndarray:
    """From any library and device."""
    return np.asarray(array.detach().cpu() if is_torch_array(array) else array)
