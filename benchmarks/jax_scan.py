"""A game compiled by jax: the package's pure functions under jax.jit and scan.

They run unchanged: a state is a NamedTuple of arrays, which jax takes as a tree, and `predict` and
`update` read no values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import experts
from experts import Feedback

jax.config.update("jax_enable_x64", True)


def jax_scan(losses: np.ndarray, learner: Any, *, bandit: bool) -> Callable[[], Any]:
    """A function that plays a game on `losses` (T, B, K) and returns the player's losses (B,)."""

    def step(state: Any, now: tuple[Any, Any]) -> tuple[Any, Any]:
        loss, uniforms = now
        play = learner.predict(state)
        seen = experts.draw(play, uniforms) if bandit else None
        after = learner.update(state, play, Feedback(loss, seen, play if bandit else None))
        return after, ((play if seen is None else seen) * loss).sum(-1)

    @jax.jit
    def game(state: Any, losses: Any, uniforms: Any) -> Any:
        return jax.lax.scan(step, state, (losses, uniforms))[1].sum(0)

    uniforms = np.random.default_rng(0).random((*losses.shape[:-1], 1))
    arguments = [jax.numpy.asarray(array) for array in (losses, uniforms)]
    start = learner.init(arguments[0][0])
    return lambda: game(start, *arguments).block_until_ready()
