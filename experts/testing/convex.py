"""Laws of convex learners: domain, purity, batches, array libraries, saved states, certificates."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experts.numerics.state import from_arrays, to_arrays
from experts.testing.arrays import STRICT, TORCH, unread
from experts.testing.claims import at_most, equal, same_start, successor, true, untouched
from experts.testing.games import DEVICE, as_numpy
from experts.testing.law import law
from experts.types import ConvexLearner

MOST = 5
"""Largest dimension that is drawn."""


class ConvexGame(NamedTuple):
    """Gradients whose entries are multiples of 1/64 in [-1, 1], times 10**exponent."""

    gradient: np.ndarray
    """(T, B, 5): rounds, problems, coordinates"""
    dimension: int
    """d <= 5, for domains of any dimension"""
    exponent: int = 0


@st.composite
def convex_games(draw: st.DrawFn, most_rounds: int = 20) -> ConvexGame:
    """Any gradients."""
    shape = (draw(st.integers(1, most_rounds)), draw(st.integers(1, 3)), MOST)
    sixtyfourths = draw(hnp.arrays(np.int64, shape, elements=st.integers(-64, 64)))
    return ConvexGame(sixtyfourths / 64, draw(st.integers(1, MOST)), draw(st.integers(-6, 6)))


def short_games(most_rounds: int) -> st.SearchStrategy[ConvexGame]:
    """Of at most 3 rounds, for what shows in the first ones."""
    return convex_games(min(3, most_rounds))


Adversary = Callable[[Any, Any], Any]
"""(gradient that was drawn, point played) -> the gradient of the round, (..., d)."""


def drawn(gradient: Any, play: Any) -> Any:
    """The gradients as they were drawn: hypothesis is the adversary."""
    return gradient


def signs(gradient: Any, play: Any) -> Any:
    """Adaptive: the sign of every coordinate, as of the loss sum |x_i|; as drawn at 0."""
    xp = array_namespace(play)
    size = xp.max(xp.abs(gradient), axis=-1, keepdims=True)
    return xp.where(play == 0, gradient, size * xp.sign(play))


def outwards(gradient: Any, play: Any) -> Any:
    """Adaptive: the gradient as drawn or its negative, so that the point played loses."""
    xp = array_namespace(play)
    return xp.where(xp.sum(gradient * play, axis=-1, keepdims=True) < 0, -gradient, gradient)


ADVERSARIES = [drawn, signs, outwards]


def gradients(learner: Any, game: ConvexGame) -> np.ndarray:
    """Of the learner's dimension and within its bound, (T, B, d)."""
    size = learner.domain.dimension or game.dimension
    found = game.gradient[..., np.arange(size) % MOST] * 10.0**game.exponent
    return np.ascontiguousarray(_within(learner, found))


def _within(learner: Any, gradient: Any) -> Any:
    """Gradients beyond the learner's bound, shortened to a little less."""
    bound = learner.gradient_bound
    if bound is None:
        return gradient
    xp = array_namespace(gradient)
    length = xp.sqrt(xp.sum(gradient**2, axis=-1, keepdims=True))
    beyond = length > bound
    return gradient * xp.where(beyond, bound * (1 - 1e-12) / xp.where(beyond, length, 1.0), 1.0)


def convex_rounds(
    learner: Any, gradient: np.ndarray, adversary: Adversary = drawn, library: str = "numpy"
) -> Iterator[tuple[Any, Any, Any]]:
    """Play in an array library; yields point, gradient and state after each round."""
    xp = importlib.import_module(library)
    where = {"device": DEVICE} if library == "torch" else {}
    rows = [xp.asarray(row, **where) for row in gradient]
    state = learner.init(rows[0])
    for row in rows:
        play = learner.predict(state)
        met = _within(learner, adversary(row, play))
        state = learner.update(state, play, met)
        yield play, met, state


def _final(learner: Any, gradient: np.ndarray, **options: Any) -> tuple[np.ndarray, Any]:
    """All points (T, B, d) as numpy, and the last state."""
    plays, _, states = zip(*convex_rounds(learner, gradient, **options), strict=True)
    return np.stack([as_numpy(play) for play in plays]), states[-1]


def comparators(learner: Any, total: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Points of the domain, (B, d): the best for the sum of the gradients, others at random."""
    domain, rng = learner.domain, np.random.default_rng(seed)
    yield domain.start(total)
    for exponent in (-3, 0, 3):
        yield domain.project(rng.normal(size=total.shape) * 10.0**exponent)
        if domain.bounded:
            yield domain.minimise(rng.normal(size=total.shape))
        else:
            yield domain.project(-total * 10.0**exponent / max(np.max(np.abs(total)), 1e-300))
    if domain.bounded:
        yield domain.minimise(total)


@law(protocol=ConvexLearner)
def the_convex_state_is_in_the_open(learner: Any) -> None:
    """States are NamedTuples of arrays; points are (..., d), certificates (...)."""
    like = np.zeros((2, learner.domain.dimension or 3))
    state = learner.init(like)
    true("the state is a NamedTuple", hasattr(state, "_asdict"), type(state), "a NamedTuple")
    for name, array in to_arrays(state).items():
        true(f"state.{name} is an array", isinstance(array, np.ndarray), type(array), np.ndarray)
    play = learner.predict(state)
    true("points are (..., d)", play.shape == like.shape, play.shape, like.shape)
    shape = learner.certificate(state, play).shape
    true("certificates are (...)", shape == like.shape[:-1], shape, like.shape[:-1])
    shape = learner.instantaneous(play, like, play).shape
    true("instantaneous regrets are (...)", shape == like.shape[:-1], shape, like.shape[:-1])


@law(protocol=ConvexLearner, game=convex_games)
def points_are_in_the_domain(learner: Any, game: ConvexGame) -> None:
    """Every point that is played lies in the domain."""
    for play, _, _ in convex_rounds(learner, gradients(learner, game)):
        inside = learner.domain.contains(play, 1e-9 * (1 + np.max(np.abs(play))))
        equal("x is in the domain", inside, True)


@law(
    protocol=ConvexLearner,
    cases=[{"adversary": each} for each in ADVERSARIES],
    game=convex_games,
    seed=st.integers(0, 2**32 - 1),
)
def convex_regret_never_exceeds_the_certificate(
    learner: Any, adversary: Adversary, game: ConvexGame, seed: int
) -> None:
    """Regret to every point of the domain is at most its certificate."""
    *_, (_, _, state) = played = list(convex_rounds(learner, gradients(learner, game), adversary))
    plays, met = (np.stack([row[i] for row in played]) for i in (0, 1))
    for point in comparators(learner, met.sum(0), seed):
        regret = learner.instantaneous(plays, met, point).sum(0)
        sizes = np.abs(met) * (np.abs(plays) + np.abs(point))
        certificate = learner.certificate(state, point)
        rounding = 1e-11 * (sizes.sum((0, -1)) + np.abs(certificate))
        at_most("regret to u <= certificate(u)", regret, certificate, slack=rounding)


@law(protocol=ConvexLearner, game=short_games)
def convex_methods_are_pure(learner: Any, game: ConvexGame) -> None:
    """Arguments are left untouched and may be read-only; the same state has the same successor."""
    rows = gradients(learner, game)
    same_start(learner.init, rows[0])
    state = learner.init(rows[0])
    for row in rows:
        play = learner.predict(state)
        arrays = {"gradient": row, "play": play} | to_arrays(state)
        with untouched(arrays):
            after, again = (learner.update(state, play, row) for _ in range(2))
            equal("predict(state), once more, is the same", learner.predict(state), play)
            learner.certificate(state, play)
        successor(state, after, again, play=play, gradient=row)
        state = after


@law(protocol=ConvexLearner, game=short_games)
def a_convex_batch_equals_the_loop(learner: Any, game: ConvexGame) -> None:
    """A batch of problems is the problems one by one."""
    rows = gradients(learner, game)
    plays, state = _final(learner, rows)
    for problem in range(rows.shape[1]):
        alone, last = _final(learner, rows[:, problem])
        equal("points(batch)[problem] = points(problem alone)", plays[:, problem], alone,
            rtol=1e-9, atol=1e-9)  # fmt: skip
        point = learner.domain.start(rows[0])
        equal(
            "certificate(batch)[problem] = certificate(problem alone)",
            learner.certificate(state, point)[problem],
            learner.certificate(last, point[problem]),
            rtol=1e-7,
            atol=1e-9 * 10.0**game.exponent,
        )


@law(protocol=ConvexLearner, game=short_games, seed=st.integers(0, 2**32 - 1))
def permuted_coordinates_give_permuted_points(learner: Any, game: ConvexGame, seed: int) -> None:
    """Permuted coordinates have permuted points, in a domain of any dimension; so have problems."""
    rng, rows = np.random.default_rng(seed), gradients(learner, game)
    problems, size = rows.shape[1:]
    fixed = learner.domain.dimension is not None  # its coordinates differ
    order = np.arange(size) if fixed else rng.permutation(size)
    turn = np.ix_(np.arange(len(rows)), rng.permutation(problems), order)
    plays, _ = _final(learner, rows)
    others, _ = _final(learner, np.ascontiguousarray(rows[turn]))
    equal("points(gradients[order]) = points[order]", others, plays[turn], rtol=1e-7, atol=1e-7)


@law(protocol=ConvexLearner, cases=[{"library": TORCH}, {"library": STRICT}], game=short_games)
def numpy_equals_other_libraries_in_convex_games(
    learner: Any, library: str, game: ConvexGame
) -> None:
    """Every array library gives the same points."""
    rows = gradients(learner, game)
    plays, _ = _final(learner, rows)
    others, _ = _final(learner, rows, library=library)
    equal("points there = points in numpy", others, plays, rtol=1e-7, atol=1e-7)


@law(protocol=ConvexLearner, game=short_games, pause=st.integers(0, 2))
def a_saved_convex_state_continues_identically(learner: Any, game: ConvexGame, pause: int) -> None:
    """A state that was saved and loaded goes on in the same way."""
    rows = gradients(learner, game)
    whole, _ = _final(learner, rows)
    state, plays = learner.init(rows[0]), []
    for t, row in enumerate(rows):
        if t == pause % len(rows):
            lists = {name: array.tolist() for name, array in to_arrays(state).items()}
            state = from_arrays(learner.init(rows[0]), lists)
        plays.append(learner.predict(state))
        state = learner.update(state, plays[-1], row)
    equal("points, saved and loaded in between = points", np.stack(plays), whole)


@law(protocol=ConvexLearner, cases=[{"dtype": np.float32}, {"dtype": np.float64}])
def convex_dtype_is_kept(learner: Any, dtype: Any) -> None:
    """Points, states and certificates keep the type of the gradients."""
    rng = np.random.default_rng(0)
    size = learner.domain.dimension or 4
    rows = _within(learner, rng.normal(size=(20, 2, size)) / 4).astype(dtype)
    for play, _, state in convex_rounds(learner, rows[: learner.horizon]):
        certificate = learner.certificate(state, play)
        true("points are of the type of the gradients", play.dtype == dtype, play.dtype, dtype)
        true("certificates too", certificate.dtype == dtype, certificate.dtype, dtype)
        for name, array in to_arrays(state).items():
            fine = array.dtype in (np.dtype(bool), np.dtype(dtype))
            true(f"state.{name} too, if it is no mask", fine, array.dtype, dtype)
        inside = learner.domain.contains(play, 1e-4 * (1 + float(np.max(np.abs(play)))))
        equal("x is in the domain", inside, True)


@law(protocol=ConvexLearner, libraries=[STRICT])
def no_eager_read_in_convex_games(learner: Any) -> None:
    """No value of an array is read on the host: on a GPU each would stop it."""
    strict = importlib.import_module(STRICT)
    rng = np.random.default_rng(0)
    size = learner.domain.dimension or 4
    rows = strict.asarray(_within(learner, rng.normal(size=(5, 3, size))))
    with unread(rows, "linalg"):
        state = learner.init(rows[0, ...])
        for t in range(5):
            play = learner.predict(state)
            state = learner.update(state, play, rows[t, ...])
            learner.certificate(state, play)
            learner.instantaneous(play, rows[t, ...], play)
