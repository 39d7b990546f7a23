"""Laws of `ContextualPolicy`: distributions, purity, batches, array libraries, saved states."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from experts.numerics.sampling import draw
from experts.numerics.state import from_arrays, to_arrays
from experts.testing.arrays import STRICT, TORCH, unread
from experts.testing.claims import at_most, equal, refused, same_start, successor, true, untouched
from experts.testing.games import DEVICE, as_numpy
from experts.testing.law import law
from experts.types import ContextualPolicy, Feedback


class Size(NamedTuple):
    """How large a game is, and the seed that its numbers are drawn by."""

    rounds: int
    problems: int
    rows: int
    """experts N of advice, arms K of features"""
    columns: int
    """arms K of advice, dimension d of features"""
    seed: int


class Shown(NamedTuple):
    """A game: what each round shows, and the uniforms of the draws."""

    context: np.ndarray
    """(T, B, rows, columns)"""
    loss: np.ndarray
    """(T, B, K), in [0, 1]"""
    uniforms: np.ndarray
    """(T, B, K)"""


def sizes(most_rounds: int) -> st.SearchStrategy[Size]:
    """Small games."""
    return st.builds(
        Size,
        rounds=st.integers(1, min(10, most_rounds)),
        problems=st.integers(1, 3),
        rows=st.integers(1, 5),
        columns=st.integers(1, 5),
        seed=st.integers(0, 2**32 - 1),
    )


def shown(policy: Any, size: Size) -> Shown:
    """The game, with contexts that the policy reads: its own (`contexts`, `chances`) if it has."""
    rng = np.random.default_rng(size.seed)
    batch = (size.rounds, size.problems)
    own = getattr(policy, "contexts", None)
    if own is not None:
        chances = getattr(policy, "chances", None)
        context = np.asarray(own)[rng.choice(len(own), size=batch, p=chances)]
    else:
        context = rng.standard_normal((*batch, size.rows, size.columns))
    if policy.reads == "advice":
        context = np.abs(context) / np.abs(context).sum(-1, keepdims=True)
    arms = context.shape[-1 if policy.reads == "advice" else -2]
    return Shown(context, rng.random((*batch, arms)), rng.random((*batch, arms)))


def rounds(
    policy: Any, game: Shown, library: str = "numpy", arms: np.ndarray | None = None
) -> Iterator[tuple[Any, Any, Any]]:
    """Play in an array library; yields distribution, arm and state after each round.

    Losses that are not seen are nan. `arms` (T, B, K): these are pulled; default: drawn ones.
    """
    xp = importlib.import_module(library)
    where = {"device": DEVICE} if library == TORCH else {}
    state = policy.init(xp.asarray(game.context[0], **where))
    for t, numbers in enumerate(zip(*game, strict=True)):
        context, loss, uniforms = (xp.asarray(each, **where) for each in numbers)
        play = policy.predict(state, context, uniforms)
        drawn = draw(play, uniforms[..., -1:]) if arms is None else xp.asarray(arms[t], **where)
        met = Feedback(xp.where(drawn, loss, xp.nan), drawn, play)
        state = policy.update(state, context, play, met)
        yield play, drawn, state


def final(policy: Any, game: Shown, **options: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """All distributions and arms, (T, B, K) as numpy, and the last state."""
    plays, arms, states = zip(*rounds(policy, game, **options), strict=True)
    stacked = [np.stack([as_numpy(each) for each in part]) for part in (plays, arms)]
    return stacked[0], stacked[1], states[-1]


@law(size=sizes, protocol=ContextualPolicy)
def contextual_plays_are_on_the_simplex(policy: Any, size: Size) -> None:
    """Plays are distributions over the K arms; the state is a NamedTuple of finite arrays."""
    game = shown(policy, size)
    true("reads is advice or features", policy.reads in ("advice", "features"), policy.reads, "one")
    for play, _, state in rounds(policy, game):
        equal("p is (..., K): its shape", play.shape, game.loss.shape[1:])
        at_most("0 <= p", 0.0, play)
        equal("sum p = 1", play.sum(-1), 1.0, rtol=1e-12)
        for name, array in to_arrays(state).items():
            fine = isinstance(array, np.ndarray) and bool(np.isfinite(array).all())
            true(f"state.{name} is a finite array", fine, array, "finite numbers")


@law(size=sizes, protocol=ContextualPolicy)
def contextual_methods_are_pure(policy: Any, size: Size) -> None:
    """Arguments are left untouched and may be read-only; the same state has the same successor."""
    game = shown(policy, size)
    same_start(policy.init, game.context[0])
    state = policy.init(game.context[0])
    for context, loss, uniforms in zip(*game, strict=True):
        play = policy.predict(state, context, uniforms)
        seen = draw(play, uniforms[..., -1:])
        named = {"context": context, "loss": loss, "uniforms": uniforms, "play": play, "seen": seen}
        with untouched(named | to_arrays(state)):
            feedback = Feedback(loss, seen, play)
            after, again = (policy.update(state, context, play, feedback) for _ in range(2))
            twice = policy.predict(state, context, uniforms)
            equal("predict(state), once more, is the same", twice, play)
        successor(state, after, again, **named)
        state = after


@law(size=sizes, protocol=ContextualPolicy)
def contextual_batched_equals_looped(policy: Any, size: Size) -> None:
    """A batch of problems is the problems one by one."""
    game = shown(policy, size)
    batched, arms, _ = final(policy, game)
    for problem in range(size.problems):
        alone = Shown(*(part[:, problem] for part in game))
        plays, _, _ = final(policy, alone, arms=arms[:, problem])
        formula = "plays(batch)[problem] = plays(problem alone)"
        equal(formula, batched[:, problem], plays, rtol=1e-9, atol=1e-12)


@law(cases=[{"library": TORCH}, {"library": STRICT}], size=sizes, protocol=ContextualPolicy)
def contextual_numpy_equals_other_libraries(policy: Any, library: str, size: Size) -> None:
    """Every array library gives the same."""
    game = shown(policy, size)
    plays, arms, state = final(policy, game)
    others, _, other_state = final(policy, game, library=library, arms=arms)
    equal("plays there = plays in numpy", others, plays, rtol=1e-7, atol=1e-9)
    for name, array in to_arrays(other_state).items():
        here = to_arrays(state)[name]
        equal(f"state.{name} there = in numpy", as_numpy(array), here, rtol=1e-6, atol=1e-8)


@law(size=sizes, pause=st.integers(0, 10), protocol=ContextualPolicy)
def a_saved_and_loaded_contextual_policy_goes_on(policy: Any, size: Size, pause: int) -> None:
    """A policy that was saved and loaded goes on in the same way."""
    game = shown(policy, size)
    whole, arms, _ = final(policy, game)
    state = policy.init(game.context[0])
    for t, (context, loss, uniforms) in enumerate(zip(*game, strict=True)):
        if t == pause % size.rounds:
            saved = {name: array.tolist() for name, array in to_arrays(state).items()}
            state = from_arrays(policy.init(game.context[0]), saved)
        play = policy.predict(state, context, uniforms)
        equal("plays, saved and loaded in between = plays", play, whole[t])
        state = policy.update(state, context, play, Feedback(loss, arms[t], play))


@law(cases=[{"dtype": dtype} for dtype in (np.float32, np.float64)], protocol=ContextualPolicy)
def contextual_dtype_is_kept(policy: Any, dtype: Any) -> None:
    """Plays and states keep the type of the contexts."""
    game = Shown(*(part.astype(dtype) for part in shown(policy, Size(20, 2, 4, 3, 0))))
    for play, _, state in rounds(policy, game):
        arrays = {"play": play} | to_arrays(state)
        for name, array in arrays.items():
            fine = array.dtype in (np.dtype(bool), np.dtype(dtype))
            true(f"{name} is of the type of the contexts", fine, array.dtype, dtype)
    with refused("integers are refused", "must be of a floating point type"):
        policy.init(np.asarray(game.context[0], dtype=int))


@law(libraries=[STRICT], protocol=ContextualPolicy)
def contextual_no_eager_read(policy: Any) -> None:
    """No value of an array is read on the host: on a GPU each would stop it."""
    strict = importlib.import_module(STRICT)
    game = shown(policy, Size(5, 3, 4, 3, 0))
    with unread(strict.asarray(game.loss)):
        for _ in rounds(policy, game, library=STRICT):
            pass


@law(libraries=[TORCH], protocol=ContextualPolicy)
def a_contextual_policy_reads_no_values(policy: Any) -> None:
    """A policy reads no values: on the meta device there are none."""
    torch = importlib.import_module(TORCH)
    game = shown(policy, Size(1, 2, 3, 4, 0))
    context, loss, uniforms = (torch.asarray(part[0]).to("meta") for part in game)
    state = policy.init(context)
    play = policy.predict(state, context, uniforms)
    state = policy.update(state, context, play, Feedback(loss, loss > 0, play))
    device = policy.predict(state, context, uniforms).device.type
    true("plays stay on the device of the contexts", device == "meta", device, "meta")


@law(
    told=["bound"],
    length=st.integers(1, 300),
    rows=st.integers(2, 6),
    columns=st.integers(2, 6),
    seed=st.integers(0, 99),
    protocol=ContextualPolicy,
)
def mean_regret_never_exceeds_the_bound(
    policy: Any,
    bound: Callable[[int, int, int], float],
    length: int,
    rows: int,
    columns: int,
    seed: int,
) -> None:
    """The mean pseudo-regret of 64 games is at most the bound, up to four standard errors.

    `bound` is (rows, columns, T) -> bound. Losses are coins; their means are fixed for advice, and
    <x, theta> for features, x and theta nonnegative and of length 1. A policy's own contexts, which
    must be nonnegative, are shown as they are; their largest mean is 1.
    """
    size = Size(min(length, policy.horizon or length), 64, rows, columns, seed)
    context, loss, uniforms = shown(policy, size)
    rng = np.random.default_rng([seed, 1])
    if policy.reads == "advice":
        means = rng.random(loss.shape[1:]) + 0 * loss
        context = context * rng.random(context.shape[1:]) ** 4  # each expert has its favourites
        context = context / context.sum(-1, keepdims=True)
    else:
        own = getattr(policy, "contexts", None)
        if own is None:
            context = np.abs(context) / np.linalg.norm(context, axis=-1, keepdims=True)
        theta = np.abs(rng.standard_normal(context.shape[-1]))
        most = np.linalg.norm(theta) if own is None else np.max(np.asarray(own) @ theta)
        means = context @ (theta / most)
    _, arms, _ = final(policy, Shown(context, (loss < means).astype(float), uniforms))
    if policy.reads == "advice":
        best = np.sum(context * means[..., None, :], axis=(0, -1)).min(-1)
    else:
        best = means.min(-1).sum(0)
    regret = np.sum(arms * means, axis=(0, -1)) - best
    limit = bound(context.shape[-2], context.shape[-1], size.rounds)
    slack = 4 * regret.std(ddof=1) / size.problems**0.5
    at_most("mean pseudo-regret <= bound(rows, columns, T)", regret.mean(), limit, slack=slack)
