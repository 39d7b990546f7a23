"""Laws of `StructuredLearner`: actions, means, draws, certificates against every action."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import nnls

from experts.numerics.state import from_arrays, to_arrays
from experts.testing.arrays import STRICT, TORCH, unread
from experts.testing.claims import at_most, equal, refused, same_start, successor, true, untouched
from experts.testing.games import DEVICE, against_the_weights, as_numpy, oblivious, on_the_favourite
from experts.testing.law import law
from experts.types import Feedback, StructuredLearner

WIDEST = 24
"""Components of the losses that are drawn; a learner with more has them again."""


def losses(most_rounds: int) -> st.SearchStrategy[np.ndarray]:
    """Losses in [0, 1] that are multiples of 1/64, (T, B, WIDEST), of short games."""
    shape = st.tuples(st.integers(1, min(most_rounds, 8)), st.integers(1, 2), st.just(WIDEST))
    whole = shape.flatmap(lambda s: hnp.arrays(np.int64, s, elements=st.integers(0, 64)))
    return whole.map(lambda table: table / 64)


def fitting(learner: Any, loss: np.ndarray) -> np.ndarray:
    """Losses for the learner's components, (T, B, d)."""
    return loss[..., np.arange(learner.structure.dimension) % WIDEST]


def rounds(
    learner: Any, loss: np.ndarray, opponent: Any = oblivious, library: str = "numpy"
) -> Iterator[tuple[Any, Any, Any]]:
    """Play; yields mean, losses and state after each round."""
    xp = importlib.import_module(library)
    where = {"device": DEVICE} if library == "torch" else {}
    state = learner.init(xp.asarray(loss[0], **where))
    for row in loss:
        play = learner.predict(state)
        met = opponent(xp.asarray(row, **where), play)
        state = learner.update(state, play, Feedback(met))
        yield play, met, state


@law(protocol=StructuredLearner, loss=losses)
def the_mean_is_one_of_a_distribution_over_actions(learner: Any, loss: np.ndarray) -> None:
    """What is predicted is the mean of some distribution over the actions."""
    actions = learner.structure.actions().astype(float)
    system = np.vstack([actions.T, np.ones(len(actions))])
    for play, _, _ in rounds(learner, fitting(learner, loss)):
        for mean in play:
            _, residual = nnls(system, np.append(mean, 1.0))
            at_most("distance of the mean from the actions' convex hull", residual, 1e-9)


@law(protocol=StructuredLearner, seed=st.integers(0, 2**32 - 1))
def draws_are_actions_and_their_mean_is_the_predicted_one(learner: Any, seed: int) -> None:
    """Every draw is an action; 2,000 have the predicted mean up to Hoeffding's bound, 1 - 1e-12."""
    rng = np.random.default_rng(seed)
    structure, many = learner.structure, 2000
    state = learner.init(np.zeros(structure.dimension))
    for loss in rng.random((rng.integers(0, 6), structure.dimension)):
        state = learner.update(state, learner.predict(state), Feedback(loss))
    uniforms = rng.random((many, structure.uniforms))
    drawn = learner.draw(state, uniforms)
    true("a draw is bool", drawn.dtype == bool, drawn.dtype, bool)
    actions = {action.tobytes() for action in structure.actions()}
    foreign = sum(draw.tobytes() not in actions for draw in drawn)
    equal("draws that are no action", foreign, 0)
    slack = math.sqrt(math.log(2 * structure.dimension / 1e-12) / (2 * many))
    equal("mean of the draws = predict", drawn.mean(0), learner.predict(state), atol=slack)
    equal("the same uniforms, the same draws", learner.draw(state, uniforms), drawn)


@law(
    protocol=StructuredLearner,
    cases=[{"opponent": o} for o in (oblivious, on_the_favourite, against_the_weights)],
    loss=losses,
)
def regret_to_every_action_is_at_most_its_certificate(
    learner: Any, opponent: Any, loss: np.ndarray
) -> None:
    """Regret to every action is at most its certificate, after every round."""
    _certified(learner, rounds(learner, fitting(learner, loss), opponent), 1e-9)


@law(protocol=StructuredLearner)
def regret_to_actions_is_certified_in_longer_games(learner: Any) -> None:
    """In 100 rounds, some components better than others, regret comes close to the certificate."""
    rng, length = np.random.default_rng(0), min(100, learner.horizon or 100)
    means = rng.random((10, learner.structure.dimension))
    loss = (rng.random((length, *means.shape)) < means).astype(float)
    _certified(learner, rounds(learner, loss), 1e-9)


EXTREMES = ((np.float64, 1e-200), (np.float64, 1e200), (np.float32, 1e-30), (np.float32, 1e20))


@law(protocol=StructuredLearner, cases=[{"dtype": d, "scale": s} for d, s in EXTREMES], loss=losses)
def extreme_losses_of_actions_are_certified(
    learner: Any, dtype: Any, scale: float, loss: np.ndarray
) -> None:
    """Certificates hold for losses whose squares are 0 or infinite in their type, which is kept."""
    table = ((fitting(learner, loss) - 0.5) * scale).astype(dtype)
    slack = (1e6 if dtype is np.float64 else 256) * np.finfo(dtype).eps * max(1, scale)
    _certified(learner, rounds(learner, table), slack)
    for play, _, state in rounds(learner, table):
        kept = {"p": play, "certificate": learner.certificate(state, play > 0)} | to_arrays(state)
        for name, array in kept.items():
            true(f"{name} is of the losses' type", array.dtype in (dtype, bool), array.dtype, dtype)


def _certified(learner: Any, played: Iterator[tuple[Any, Any, Any]], slack: float) -> None:
    actions = learner.structure.actions()
    regret = 0.0
    for play, loss, state in played:
        wide = loss.astype(float)  # (B, d)
        regret = regret + (play * wide).sum(-1) - actions.astype(float) @ wide.T  # (N, B)
        for action, row in zip(actions, regret, strict=True):
            limit = learner.certificate(state, np.broadcast_to(action, play.shape))
            at_most("regret to an action <= its certificate", row, limit, slack=slack)


@law(protocol=StructuredLearner, loss=losses, seed=st.integers(0, 99))
def estimates_of_a_semi_bandit_are_certified(learner: Any, loss: np.ndarray, seed: int) -> None:
    """Told the drawn action's losses: as told the estimates, in which the regret is certified."""
    rng, table = np.random.default_rng(seed), fitting(learner, loss)
    state = told = learner.init(table[0])
    met = []
    for row in table:
        play = learner.predict(state)
        action = learner.draw(state, rng.random((*row.shape[:-1], learner.structure.uniforms)))
        feedback = Feedback(np.where(action, row, np.nan), action, play)
        estimate = learner.estimate(state, feedback)
        state = learner.update(state, play, feedback)
        told = learner.update(told, play, Feedback(estimate))
        met.append((play, estimate, state))
    for name, array in to_arrays(told).items():
        equal(f"state.{name}, told the estimates", array, to_arrays(state)[name])
    largest = max(float(np.abs(estimate).max()) for _, estimate, _ in met)
    _certified(learner, iter(met), 1e-9 * max(1.0, largest))


@law(protocol=StructuredLearner, loss=losses)
def methods_of_actions_are_pure(learner: Any, loss: np.ndarray) -> None:
    """Arguments are left untouched and may be read-only; the same state has the same successor."""
    table = fitting(learner, loss)
    same_start(learner.init, table[0])
    state = learner.init(table[0])
    for row in table:
        play = learner.predict(state)
        arrays = {"loss": row, "play": play} | to_arrays(state)
        with untouched(arrays):
            after, again = (learner.update(state, play, Feedback(row)) for _ in range(2))
        successor(state, after, again, play=play, loss=row)
        state = after


@law(protocol=StructuredLearner, loss=losses)
def a_batch_of_structures_is_each_alone(learner: Any, loss: np.ndarray) -> None:
    """A batch of problems is the problems one by one."""
    table = fitting(learner, loss)
    batched = list(rounds(learner, table))
    for problem in range(table.shape[1]):
        for whole, alone in zip(batched, rounds(learner, table[:, problem]), strict=True):
            rule = "play(batch)[problem] = play(problem alone)"
            equal(rule, whole[0][problem], alone[0], rtol=1e-12, atol=1e-15)
            action = np.zeros_like(alone[0], dtype=bool)
            ours = learner.certificate(whole[2], np.zeros_like(whole[0], dtype=bool))[problem]
            equal(f"certificate: {rule}", ours, learner.certificate(alone[2], action), rtol=1e-12)


@law(protocol=StructuredLearner, cases=[{"library": TORCH}, {"library": STRICT}])
def libraries_agree_on_actions(learner: Any, library: str) -> None:
    """Every array library gives the same means, draws and states."""
    rng, structure = np.random.default_rng(0), learner.structure
    length = min(30, learner.horizon or 30)
    table = rng.integers(0, 65, (length, 3, structure.dimension)) / 64
    uniforms = rng.random((3, structure.uniforms))
    xp = importlib.import_module(library)
    there = rounds(learner, table, library=library)
    for ours, theirs in zip(rounds(learner, table), there, strict=True):
        equal("plays there = plays in numpy", as_numpy(theirs[0]), ours[0], rtol=1e-7, atol=1e-9)
        for name, array in to_arrays(theirs[2]).items():
            mine = to_arrays(ours[2])[name]
            equal(f"state.{name} there = in numpy", as_numpy(array), mine, rtol=1e-7, atol=1e-8)
    drawn = learner.draw(ours[2], uniforms)
    where = {"device": DEVICE} if library == "torch" else {}
    other = as_numpy(learner.draw(theirs[2], xp.asarray(uniforms, **where)))
    true("draws there are bool", other.dtype == bool, other.dtype, bool)
    equal("draws there = draws in numpy", other, drawn)


@law(protocol=StructuredLearner, loss=losses, pause=st.integers(0, 20))
def a_saved_structured_learner_continues_identically(
    learner: Any, loss: np.ndarray, pause: int
) -> None:
    """A state that was saved as arrays and loaded goes on in the same way; strange ones do not."""
    table = fitting(learner, loss)
    state = learner.init(table[0])
    for t, (row, (play, _, after)) in enumerate(zip(table, rounds(learner, table), strict=True)):
        if t == pause % len(table):
            state = from_arrays(learner.init(table[0]), to_arrays(state))
            with refused("an array of another name is refused", "strange"):
                from_arrays(state, to_arrays(state) | {"strange": np.zeros(3)})
        equal("plays, saved and loaded in between = plays", learner.predict(state), play)
        state = learner.update(state, play, Feedback(row))
        for name, array in to_arrays(after).items():
            equal(f"state.{name}, too", to_arrays(state)[name], array)


@law(protocol=StructuredLearner, libraries=[STRICT])
def no_eager_read_of_actions(learner: Any) -> None:
    """No value of an array is read on the host: on a GPU each would stop it."""
    strict = importlib.import_module(STRICT)
    rng, structure = np.random.default_rng(0), learner.structure
    loss = strict.asarray(rng.random((5, 3, structure.dimension)))
    uniforms = strict.asarray(rng.random((5, 3, structure.uniforms)))
    with unread(loss):
        state = learner.init(loss[0, ...])
        for t in range(5):
            play = learner.predict(state)
            action = learner.draw(state, uniforms[t, ...])
            state = learner.update(state, play, Feedback(loss[t, ...], action, play))
            state = learner.update(state, play, Feedback(loss[t, ...]))
            learner.certificate(state, action)


@law(protocol=StructuredLearner)
def a_batch_of_structures_may_be_empty(learner: Any) -> None:
    """A batch without problems is played like any other."""
    structure = learner.structure
    loss = np.zeros((2, 0, structure.dimension))
    ((play, _, _), (_, _, state)) = rounds(learner, loss)
    drawn = learner.draw(state, np.zeros((0, structure.uniforms)))
    for found in (play, drawn):
        equal("shape of a play or draw", found.shape, loss.shape[1:])
    equal("shape of the certificate", learner.certificate(state, drawn).shape, (0,))


@law(protocol=StructuredLearner)
def other_components_are_refused(learner: Any) -> None:
    """Losses of another number of components are refused at the start."""
    wrong = learner.structure.dimension + 1
    with refused("init refuses d + 1 components", str(wrong)):
        learner.init(np.zeros(wrong))
