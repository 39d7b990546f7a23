"""Laws of `Policy`: stochastic bandits."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from experts.numerics.state import from_arrays, to_arrays
from experts.testing.arrays import STRICT, TORCH, unread
from experts.testing.claims import at_most, equal, refused, same_start, successor, true, untouched
from experts.testing.games import DEVICE, as_numpy, games
from experts.testing.law import law
from experts.types import Policy


class Pulling(NamedTuple):
    """A bandit's game: losses in [0, 1], and what the policy draws from."""

    loss: np.ndarray
    """(T, B, K): rounds, problems, arms"""
    uniforms: np.ndarray
    """(T, B, K), all different"""


@st.composite
def pulling(draw: st.DrawFn, most_rounds: int) -> Pulling:
    """Any losses that are multiples of 1/64."""
    loss = draw(games(most_rounds)).loss
    seed = draw(st.integers(0, 2**32 - 1))
    return Pulling(loss, np.random.default_rng(seed).random(loss.shape))


def rounds(policy: Any, game: Pulling, library: str = "numpy") -> Iterator[tuple[Any, Any]]:
    """Play in an array library; yields the arm and the state after each round."""
    xp = importlib.import_module(library)
    where = {"device": DEVICE} if library == TORCH else {}
    state = policy.init(xp.asarray(game.loss[0], **where))
    for loss, uniforms in zip(game.loss, game.uniforms, strict=True):
        arm = policy.choose(state, xp.asarray(uniforms, **where))
        state = policy.update(state, arm, xp.asarray(loss, **where))
        yield arm, state


def pulled(policy: Any, game: Pulling, library: str = "numpy") -> tuple[np.ndarray, Any]:
    """All arms, one-hot (T, B, K), as numpy, and the last state."""
    arms, states = zip(*rounds(policy, game, library), strict=True)
    return np.stack([as_numpy(arm) for arm in arms]), states[-1]


def _same_states(rule: str, left: Any, right: Any, rtol: float = 0.0) -> None:
    """Two states, of any libraries, hold the same arrays."""
    for name, array in to_arrays(left).items():
        equal(f"{rule}: state.{name}", as_numpy(array), as_numpy(to_arrays(right)[name]), rtol=rtol)


@law(protocol=Policy, game=pulling)
def one_arm_is_pulled(policy: Any, game: Pulling) -> None:
    """Every problem pulls one arm a round; states are NamedTuples of arrays."""
    for arm, state in rounds(policy, game):
        shape = game.loss.shape[1:]
        true("arms are bool (..., K): their type", arm.dtype == bool, arm.dtype, bool)
        true("arms are bool (..., K): their shape", arm.shape == shape, arm.shape, shape)
        equal("one arm a problem", arm.sum(-1), 1)
        rule = "the state is a NamedTuple of arrays"
        true(rule, hasattr(state, "_asdict"), f"a {type(state).__name__}", "a NamedTuple")
        for array in to_arrays(state).values():
            true(rule, isinstance(array, np.ndarray), type(array), np.ndarray)


@law(protocol=Policy, game=pulling)
def a_policy_is_pure(policy: Any, game: Pulling) -> None:
    """Arguments are left untouched and may be read-only; the same state has the same successor."""
    same_start(policy.init, game.loss[0])
    state = policy.init(game.loss[0])
    for loss, uniforms in zip(game.loss, game.uniforms, strict=True):
        with untouched({"loss": loss, "uniforms": uniforms} | to_arrays(state)):
            arm, repeated = (policy.choose(state, uniforms) for _ in range(2))
            equal("choose(state, uniforms), once more, is the same", repeated, arm)
            after, again = (policy.update(state, arm, loss) for _ in range(2))
        successor(state, after, again, play=arm, loss=loss)
        state = after


@law(protocol=Policy, game=pulling)
def only_the_loss_of_the_arm_pulled_counts(policy: Any, game: Pulling) -> None:
    """Losses of other arms are ignored, and may be nan."""
    hidden = policy.init(game.loss[0])
    for (arm, state), loss in zip(rounds(policy, game), game.loss, strict=True):
        hidden = policy.update(hidden, arm, np.where(arm, loss, np.nan))
        _same_states("update with nan for other arms", hidden, state)


@law(protocol=Policy, game=pulling)
def a_batch_of_problems_is_the_problems_one_by_one(policy: Any, game: Pulling) -> None:
    """A batch of problems is the problems one by one."""
    batched, _ = pulled(policy, game)
    for problem in range(game.loss.shape[1]):
        alone, _ = pulled(policy, Pulling(game.loss[:, problem], game.uniforms[:, problem]))
        equal("arms(batch)[problem] = arms(problem alone)", batched[:, problem], alone)


@law(protocol=Policy, game=pulling, seed=st.integers(0, 2**32 - 1))
def permuted_arms_are_pulled_as_before(policy: Any, game: Pulling, seed: int) -> None:
    """Permuted arms, with their uniforms, are pulled as before."""
    order = np.random.default_rng(seed).permutation(game.loss.shape[-1])
    arms, _ = pulled(policy, game)
    others, _ = pulled(policy, Pulling(game.loss[..., order], game.uniforms[..., order]))
    equal("arms(loss[order], uniforms[order]) = arms[order]", others, arms[..., order])


@law(protocol=Policy, cases=[{"library": TORCH}, {"library": STRICT}], game=pulling)
def every_library_pulls_the_same_arms(policy: Any, library: str, game: Pulling) -> None:
    """Every array library gives the same."""
    arms, state = pulled(policy, game)
    others, other_state = pulled(policy, game, library)
    equal("arms there = arms in numpy", others, arms)
    _same_states("there = in numpy", other_state, state, rtol=1e-7)


@law(protocol=Policy, game=pulling, pause=st.integers(0, 20))
def a_saved_and_loaded_policy_continues_identically(policy: Any, game: Pulling, pause: int) -> None:
    """A state that was saved as arrays and loaded goes on in the same way."""
    state = policy.init(game.loss[0])
    arms = []
    for t, (loss, uniforms) in enumerate(zip(game.loss, game.uniforms, strict=True)):
        if t == pause % len(game.loss):
            saved = {name: array.tolist() for name, array in to_arrays(state).items()}
            state = from_arrays(policy.init(game.loss[0]), saved)
        arms.append(policy.choose(state, uniforms))
        state = policy.update(state, arms[-1], loss)
    equal("arms, saved and loaded in between = arms", np.stack(arms), pulled(policy, game)[0])


@law(protocol=Policy, cases=[{"dtype": np.float32}, {"dtype": np.float64}])
def a_policy_keeps_the_dtype(policy: Any, dtype: Any) -> None:
    """States keep the type of the losses; integers are refused."""
    loss, uniforms = np.random.default_rng(0).random((2, 30, 4)).astype(dtype)
    game = Pulling(loss, uniforms)
    for _, state in rounds(policy, Pulling(*(part[: policy.horizon] for part in game))):
        for name, array in to_arrays(state).items():
            fine = array.dtype in (np.dtype(bool), np.dtype(dtype))
            true(f"state.{name} is of the type of the losses, or a mask", fine, array.dtype, dtype)
    with refused("integers are refused", "floating"):
        policy.init(np.zeros(3, dtype=int))


@law(protocol=Policy, libraries=[STRICT])
def no_value_is_read_on_its_own(policy: Any) -> None:
    """No choice of the program depends on a value: whole arrays move, or none."""
    strict = importlib.import_module(STRICT)
    rng = np.random.default_rng(0)
    loss, uniforms = (strict.asarray(rng.random((5, 3, 4))) for _ in range(2))
    with unread(loss):
        state = policy.init(loss[0, ...])
        for t in range(5):
            arm = policy.choose(state, uniforms[t, ...])
            state = policy.update(state, arm, loss[t, ...])


@law(
    protocol=Policy,
    told=["bound"],
    count=st.integers(2, 6),
    length=st.integers(1, 500),
    seed=st.integers(0, 99),
)
def pseudo_regret_stays_below_the_bound(
    policy: Any, bound: Any, count: int, length: int, seed: int
) -> None:
    """Pseudo-regret with coins is at most the bound in the mean, up to four standard errors."""
    rng = np.random.default_rng(seed)
    means = rng.random(count)
    most = min(length, policy.horizon or length)
    games_at_once = 50
    shape = (most, games_at_once, count)
    arms, _ = pulled(policy, Pulling((rng.random(shape) < means).astype(float), rng.random(shape)))
    regret = (arms @ (means - means.min())).sum(0)
    error = 4 * regret.std(ddof=1) / games_at_once**0.5
    limit = bound(means, most)
    at_most("mean pseudo-regret <= bound(means, T)", regret.mean(), limit, slack=error)
