"""`play`: a learner in an environment, over many seeds at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from experts.numerics.arguments import flag, whole
from experts.simulation.arguments import (
    bandit_of,
    check_advice,
    check_player,
    counts_wealth,
    delays_of,
    rounds_of,
    seeds_of,
    switches_of,
)
from experts.simulation.books import Books
from experts.simulation.comparators import Comparators
from experts.simulation.engines.base import Match
from experts.simulation.engines.choice import engine_for
from experts.simulation.environments import Environment
from experts.simulation.record import trace_of
from experts.simulation.trace import Trace
from experts.simulation.units import Units, units_of
from experts.types import Array, ContextualPolicy, Learner, Policy

_CHUNK = 2**21
"""Losses made and checked at a time (16 MiB)."""
_LONG_GAME = 2**22
"""Losses in a game from which on it gets a progress bar."""
_BAR_DELAY = 1.0
"""Seconds after which it appears."""
_POINTS = 1000
"""Largest number of recorded rounds by default."""


def play(
    learner: Learner[Any] | Policy[Any] | ContextualPolicy[Any],
    environment: Environment,
    *,
    rounds: int | None = None,
    seeds: int | Sequence[int] = 1,
    feedback: str = "full",
    delay: int | Sequence[int] = 0,
    switches: int | None = None,
    rewards: bool = False,
    loss_interval: tuple[float, float] | None = None,
    wealth: bool = False,
    engine: str = "auto",
    record_every: int | None = None,
    checks: bool = True,
    progress: bool = True,
) -> Trace:
    """Play a learner in an environment, one game for every seed; returns the record of them.

    Parameters
    ----------
    learner
        Any learner of this package; a `Policy` (`experts.policies`), or a `ContextualPolicy`
        (`experts.contextual`) in an environment that shows contexts.
    environment
        A part of `experts.environments`, or your own class with the same four attributes. One that
        shows contexts can be played without looking at them, too. In one with sleeping experts
        (`environments.Sleeping`) regret to an expert counts the rounds in which it was awake.
    rounds
        T >= 1. Default: as many as the environment has.
    seeds
        How many (0, 1, ...), or which. A seed's game does not depend on what other seeds are
        played beside it; the draws and the losses have separate streams.
    feedback
        "full", or "bandit": one expert is drawn from p_t, and only its loss is revealed.
        In an environment of shape (E, K) every edge draws its own: the semi-bandit game. Only for
        learners that state the losses that their bandit guarantee is for (`Learner.loss_interval`).
        Policies always have bandit feedback.
    delay
        How many rounds later the loss of a round arrives, or for each of the T rounds how many: 0,
        before the next round. The certificate then counts the regret of rounds whose loss is on
        its way as well. Learners that do not support late losses are played in copies, one for
        each loss on its way and one more. Policies have no guarantee for late losses.
    switches
        S >= 0: measure the regret to the best sequence of experts with at most S switches as well
        (`Trace.tracking_regret`).
    rewards
        The environment's numbers are rewards r, to be made large. In the trace a reward r is the
        loss -r.
    loss_interval
        (low, high), which holds all numbers of the environment; rewards, if they are rewards. Under
        bandit feedback it is mapped to the learner's own interval by a straight line, and the
        trace is mapped back to the environment's units; rewards too (of [0, 1] by default: to
        1 - r). Under full information it only checks: there a reward is the loss -r, and nothing
        is scaled, which would change the learning rate. A number may lie outside by 1e-6
        (high - low), for rounding; under bandit feedback it is then taken for the nearer end.
    wealth
        Count log wealth as well (`Trace.log_wealth`), in an environment whose losses are -ln of
        price relatives.
    engine
        "auto": the fastest that can run the game; or "plain", "scan", "numba", "turns" (see
        `experts.simulation.engines`). The traces are the same up to rounding. "numba" plays
        problems side by side on `numba.get_num_threads()` threads.
    record_every
        Rounds between two records. Default: such that there are at most 1000 of them. Memory
        grows with the number of records, not with T.
    checks
        False: the losses' values are not checked.
    progress
        Show a progress bar on long games, if tqdm is installed.

    Raises
    ------
    ValueError
        A bad argument; a horizon exceeded; feedback that the learner does not support; losses
        that the learner has no guarantee for, unless they are mapped; an engine that cannot run
        the game; losses of a wrong shape, nan, infinite, or outside of the interval.

    Examples
    --------
    >>> import experts
    >>> coins = experts.environments.Bernoulli([0.4, 0.5, 0.6])
    >>> trace = experts.play(experts.hedge(horizon=500), coins, rounds=500, seeds=20)
    >>> bool((trace.regret <= trace.certificate).all())
    True
    """
    check_player(learner, environment)
    for name, value in {"wealth": wealth, "checks": checks, "progress": progress}.items():
        flag(name, value)
    shape = tuple(environment.shape)
    rounds = rounds_of(rounds, learner, environment)
    which = seeds_of(seeds)
    every = -(-rounds // _POINTS) if record_every is None else whole("record_every", record_every)
    every = min(every, rounds)
    bandit = bandit_of(feedback, learner)
    units = units_of(
        learner,
        environment,
        (len(which), *shape),
        bandit=bandit,
        rewards=rewards,
        loss_interval=loss_interval,
        checks=checks,
    )
    # What is drawn takes all the wealth, so that under bandit feedback the loss tells it.
    counted = counts_wealth(wealth, environment, rewards) and not bandit
    match = replace(
        _match(learner, environment, which, bandit, units),
        delays=delays_of(delay, rounds),
        switches=switches_of(switches, learner),
    )
    batch = len(which) * int(np.prod(shape[:-1]))
    runner = engine_for(engine, match, counted, rounds * batch * shape[-1])
    books = Books(
        rounds,
        every,
        batch,
        _compared(match),
        certified=not bandit,
        wealth=counted,
        arms=shape[-1],
        switches=match.switches,
    )
    known = _run(runner, match, books, rounds, progress)
    trace = trace_of(match, environment, runner.name, which, books, known)
    return replace(trace, log_wealth=-trace.loss) if wealth and bandit else trace


def _run(
    engine: Any, match: Match, books: Books, rounds: int, progress: bool
) -> Comparators | None:
    """Play all rounds; the comparators, if the environment knows the means."""
    step = engine.start(match, books)
    size = int(np.prod(match.shape))
    chunk = max(1, _CHUNK // size)
    known = Comparators(books.rounds, match.shape) if hasattr(match.course, "told") else None
    looks = match.sleeping or isinstance(match.learner, ContextualPolicy)
    with _bar(rounds, progress and rounds * size >= _LONG_GAME) as bar:
        for first in range(0, rounds, chunk):
            count = min(chunk, rounds - first)
            losses, shown = (None, None) if match.adaptive else _next(match, known, first, count)
            uniforms = match.uniforms(count) if match.bandit else None
            step(losses, uniforms, count, *([shown] if looks else []))
            bar.update(count)
    return known


def _next(match: Match, known: Comparators | None, first: int, count: int) -> tuple[Array, Array]:
    """The losses of the next rounds, and what is shown before them (else the same numbers)."""
    course: Any = match.course
    means: Any = None
    if known is None:
        parts = course(count) if match.pairs else (course(count),)
    else:
        *parts, means = course.told(count)
    shown, numbers = parts[0], parts[-1]
    if match.units.checks and getattr(match.learner, "reads", None) == "advice":
        check_advice(np.asarray(shown))
    if match.sleeping:
        numbers = np.where(shown, numbers, match.units.idle)
    if known is not None:
        known.add(*((-numbers, -means) if match.units.rewards else (numbers, means)))
    return match.units.losses(numbers, first), shown


def _match(
    learner: Any, environment: Environment, seeds: Array, bandit: bool, units: Units
) -> Match:
    of_losses = [_stream(seed, 0) for seed in seeds]
    of_draws = [_stream(seed, 1) for seed in seeds] if bandit else []
    inner, arms = int(np.prod(units.shape[1:-1])), units.shape[-1]
    policy = {Policy: (arms,), ContextualPolicy: (arms + 1,)}
    each = next((axis for kind, axis in policy.items() if isinstance(learner, kind)), ())

    def uniforms(count: int) -> Array:
        drawn = np.empty((len(seeds), count, inner, *each))
        for generator, rows in zip(of_draws, drawn, strict=True):
            generator.random(out=rows)
        return np.moveaxis(drawn, 0, 1).reshape(count, -1, *each)

    contexts = getattr(environment, "context_shape", None)
    sleeping = bool(getattr(environment, "sleeping", False))
    return Match(
        learner=learner,
        shape=units.shape,
        adaptive=environment.adaptive,
        bandit=bandit,
        course=environment.start(of_losses),
        uniforms=uniforms,
        units=units,
        context_shape=contexts,
        sleeping=sleeping,
        pairs=sleeping or contexts is not None,
    )


def _compared(match: Match) -> int:
    """How many there are that the player is compared with: advisors, or else arms."""
    advised = getattr(match.learner, "reads", None) == "advice" and match.context_shape is not None
    return match.context_shape[-2] if advised and match.context_shape else match.shape[-1]


def _stream(seed: int, purpose: int) -> np.random.Generator:
    """Generator of the seed's child number `purpose`, numbered as by `SeedSequence.spawn`."""
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(purpose,)))


class _NoBar:
    def update(self, count: int) -> None:
        """Nothing to show."""


def _bar(rounds: int, wanted: bool) -> AbstractContextManager[Any]:
    if wanted:
        with suppress(ImportError):
            from tqdm import tqdm  # noqa: PLC0415  (optional)

            return tqdm(total=rounds, unit="round", unit_scale=True, leave=False, delay=_BAR_DELAY)
    return nullcontext(_NoBar())
