"""Laws of the arrays: libraries, types, devices, saved states."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import strategies as st

from experts.numerics.masks import wipe
from experts.numerics.sampling import draw
from experts.numerics.state import from_arrays, to_arrays
from experts.player import Player
from experts.testing.claims import ClaimError, equal, refused, true
from experts.testing.games import Game, as_numpy, final, games
from experts.testing.law import law
from experts.types import Feedback

STRICT, TORCH = "array_api_strict", "torch"
PRIOR = np.asarray([0.1, 0.2, 0.3, 0.4])


@law(cases=[{"library": TORCH}, {"library": STRICT}], game=games)
def numpy_equals_other_libraries(learner: Any, library: str, game: Game) -> None:
    """Every array library gives the same."""
    plays, state = final(learner, game)
    others, other_state = final(learner, game, library=library)
    equal("plays there = plays in numpy", others, plays, rtol=1e-7, atol=1e-9)
    for name, array in to_arrays(other_state).items():
        equal(
            f"state.{name} there = in numpy",
            as_numpy(array),
            to_arrays(state)[name],
            rtol=1e-7,
            atol=1e-8,
        )


@law(game=games, pause=st.integers(0, 20))
def a_saved_and_loaded_player_continues_identically(learner: Any, game: Game, pause: int) -> None:
    """A player that was saved and loaded goes on in the same way."""
    player, plays = Player(learner, game.loss[0]), []
    for t, loss in enumerate(game.loss):
        if t == pause % len(game.loss):
            saved = player.state_dict()
            player = Player(learner, game.loss[0])
            player.load_state_dict(saved)
        plays.append(player.predict())
        player.update(loss)
    whole, _ = final(learner, game._replace(dead=np.zeros_like(game.dead)))
    equal("plays, saved and loaded in between = plays", np.stack(plays), whole)


@law(
    cases=[
        {"dtype": dtype, "prior": prior}
        for dtype in (np.float32, np.float64)
        for prior in ("uniform", "another")
    ]
)
def dtype_is_kept(learner: Any, dtype: Any, prior: str) -> None:
    """Plays, states and certificates keep the type of the losses."""
    loss = np.random.default_rng(0).random((30, 4)).astype(dtype)
    state = learner.init(loss[0], prior=PRIOR if prior == "another" else None)
    for row in loss[: learner.horizon]:
        play = learner.predict(state)
        state = learner.update(state, play, Feedback(row))
        certificate = learner.certificate(state)
        true("p is of the type of the losses", play.dtype == dtype, play.dtype, dtype)
        true("certificates too", certificate.dtype == dtype, certificate.dtype, dtype)
    for name, array in to_arrays(state).items():
        fine = array.dtype in (np.dtype(bool), np.dtype(dtype))
        true(f"state.{name} too, if it is no mask", fine, array.dtype, dtype)


def _read(self: Any, *_: Any) -> None:
    raise ClaimError(
        "no value of an array is read on the host", "bool(), float() or int() of an array", "none"
    )


@contextmanager
def unread(array: Any, *extensions: str) -> Iterator[None]:
    """No value of an array of array-api-strict is read on the host within the block.

    `extensions` of the standard may be used, such as "linalg".
    """
    strict = importlib.import_module(STRICT)
    reads: Any = dict.fromkeys(("__bool__", "__float__", "__int__", "__index__"), _read)
    flags = {"boolean_indexing": False, "data_dependent_shapes": False}
    allowed = strict.ArrayAPIStrictFlags(**flags, enabled_extensions=extensions)
    with mock.patch.multiple(type(array), **reads), allowed:
        yield


@law(libraries=[STRICT])
def no_eager_read(learner: Any) -> None:
    """No value of an array is read on the host: on a GPU each would stop it."""
    strict = importlib.import_module(STRICT)
    rng = np.random.default_rng(0)
    loss, dead = strict.asarray(rng.random((5, 3, 4))), strict.asarray(rng.random((5, 3, 4)) < 0.1)
    uniforms = strict.asarray(rng.random((5, 3, 1)))
    with unread(loss):
        state = learner.init(loss[0, ...])
        for t in range(5):
            state = wipe(state, dead[t, ...])
            play = learner.predict(state)
            seen = draw(play, uniforms[t, ...])
            bandit = Feedback(loss[t, ...], seen, play)
            met = bandit if "bandit" in learner.supports else Feedback(loss[t, ...])
            state = learner.update(state, play, met)
            learner.certificate(state)


@law()
def a_state_refuses_what_is_not_its_own(learner: Any) -> None:
    """A state is loaded from its own arrays only."""
    state = learner.init(np.zeros(3))
    arrays = to_arrays(state)
    again = to_arrays(from_arrays(state, arrays))
    true("the arrays of a loaded state", again.keys() == arrays.keys(), [*again], [*arrays])
    with refused("an array of another name is refused", "strange"):
        from_arrays(state, arrays | {"strange": np.zeros(3)})
    with refused("an array of another shape is refused", r"alive has shape \(2,\), expected"):
        from_arrays(state, arrays | {"alive": np.ones(2, dtype=bool)})


@law(libraries=[TORCH])
def an_unchecked_player_reads_no_values(learner: Any) -> None:
    """An unchecked player reads no values: on the meta device there are none."""
    torch = importlib.import_module(TORCH)
    loss = torch.zeros((2, 3), dtype=torch.float64, device="meta")
    player, mask = Player(learner, loss, checks=False), loss == 0
    play = player.predict()
    player.update(loss)
    if "wipeout" in learner.supports:
        player.wipe(mask)
    if "sleeping" in learner.supports:
        shape = player.predict(mask).shape
        true("p is (..., K)", shape == loss.shape, shape, loss.shape)
        player.update(loss, awake=mask)
    if "delayed" in learner.supports:
        player.update(loss, play=play)
    _on_meta(player.certificate())
    if "bandit" in learner.supports:
        player.predict()
        if "wipeout" in learner.supports:
            player.wipe(mask)
        player.update(loss, seen=mask, chance=play)
    if {"bandit", "sleeping"} <= learner.supports:
        player.predict(mask)
        player.update(loss, seen=mask, chance=play)
    if {"bandit", "sleeping", "delayed"} <= learner.supports:
        player.update(loss, seen=mask, chance=play, play=play, awake=mask)
    player.load_state_dict(player.state_dict())
    _on_meta(player.certificate_of_estimates())


def _on_meta(array: Any) -> None:
    device = array.device.type
    true("certificates stay on the device of the losses", device == "meta", device, "meta")
