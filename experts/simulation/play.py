"""`play`: a learner in an environment, over many seeds at once."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from experts.checks import check_learner, check_rounds
from experts.numerics.arguments import whole
from experts.simulation.books import Books
from experts.simulation.engines.base import Match
from experts.simulation.engines.plain import Plain
from experts.simulation.engines.scan import Scan
from experts.simulation.environments import Environment
from experts.simulation.trace import Trace
from experts.simulation.units import Units, units_of
from experts.types import Array, Learner

_CHUNK = 2**21
"""Losses made and checked at a time (16 MiB)."""
_LONG_GAME = 2**22
"""Losses in a game from which on it gets a progress bar."""
_BAR_DELAY = 1.0
"""Seconds after which it appears."""
_WORTH_COMPILING = 10_000
"""Rounds x problems, or hundreds of losses, from which on loading the compiled engine pays."""
_POINTS = 1000
"""Largest number of recorded rounds by default."""


def play(
    learner: Learner[Any],
    environment: Environment,
    *,
    rounds: int | None = None,
    seeds: int | Sequence[int] = 1,
    feedback: str = "full",
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
        Any learner of this package.
    environment
        A part of `experts.environments`, or your own class with the same four attributes.
    rounds
        T >= 1. Default: as many as the environment has.
    seeds
        How many (0, 1, ...), or which. A seed's game does not depend on what other seeds are
        played beside it; the draws and the losses have separate streams.
    feedback
        "full", or "bandit": one expert is drawn from p_t, and only its loss is revealed.
        In an environment of shape (E, K) every edge draws its own: the semi-bandit game. Only for
        learners that state the losses that their bandit guarantee is for (`Learner.loss_interval`).
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
        "auto": the fastest that can run the game; or "plain", "scan", "numba" (see
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
    check_learner(learner)
    if not hasattr(environment, "start"):
        raise ValueError(
            f"environment must be an environment, got {type(environment).__name__}; "
            "wrap a sequence of losses (T, ..., K) in environments.Given"
        )
    shape = tuple(environment.shape)
    rounds = _rounds(rounds, learner, environment)
    which = _seeds(seeds)
    every = -(-rounds // _POINTS) if record_every is None else whole("record_every", record_every)
    bandit = _bandit(feedback, learner)
    batch = len(which) * int(np.prod(shape[:-1]))
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
    counted = _wealth(wealth, environment, rewards) and not bandit
    runner = _engine(
        engine, learner, environment.adaptive, bandit, counted, rounds * batch * shape[-1]
    )
    books = Books(rounds, every, batch, shape[-1], certified=not bandit, wealth=counted)
    match = _match(learner, environment, which, bandit, units)
    _run(runner, match, books, rounds, progress)
    trace = _trace(learner, environment, feedback, runner.name, which, books, units)
    return replace(trace, log_wealth=-trace.loss) if wealth and bandit else trace


def _run(engine: Any, match: Match, books: Books, rounds: int, progress: bool) -> None:
    step = engine.start(match, books)
    size = int(np.prod(match.shape))
    chunk = max(1, _CHUNK // size)
    with _bar(rounds, progress and rounds * size >= _LONG_GAME) as bar:
        for first in range(0, rounds, chunk):
            count = min(chunk, rounds - first)
            losses = None
            if not match.adaptive:
                losses = match.losses(match.course(count), first)
            step(losses, match.uniforms(count) if match.bandit else None, count)
            bar.update(count)


def _match(
    learner: Any, environment: Environment, seeds: Array, bandit: bool, units: Units
) -> Match:
    of_losses = [_stream(seed, 0) for seed in seeds]
    of_draws = [_stream(seed, 1) for seed in seeds] if bandit else []
    inner = int(np.prod(units.shape[1:-1]))

    def uniforms(count: int) -> Array:
        drawn = np.empty((len(seeds), count, inner))
        for generator, rows in zip(of_draws, drawn, strict=True):
            generator.random(out=rows)
        return np.moveaxis(drawn, 0, 1).reshape(count, -1)

    return Match(
        learner=learner,
        shape=units.shape,
        adaptive=environment.adaptive,
        bandit=bandit,
        course=environment.start(of_losses),
        uniforms=uniforms,
        losses=units.losses,
    )


def _stream(seed: int, purpose: int) -> np.random.Generator:
    """Generator of the seed's child number `purpose`, numbered as by `SeedSequence.spawn`."""
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(purpose,)))


def _engine(name: str, learner: Any, adaptive: bool, bandit: bool, wealth: bool, work: int) -> Any:
    if wealth and name in ("scan", "numba"):
        raise ValueError(f"engine {name!r} does not count log wealth (wealth=True); 'plain' does")
    if wealth and name == "auto":
        return Plain()
    compiled = importlib.util.find_spec("numba") is not None
    known: dict[str, Any] = {"scan": Scan, "plain": Plain}
    if name == "numba" and not compiled:
        raise ValueError("engine 'numba' needs numba: pip install 'experts-xnas[fast]'")
    if name == "numba" or (name == "auto" and compiled and work >= _WORTH_COMPILING):
        # Optional, and slow to import.
        from experts.simulation.engines.compiled import Numba  # noqa: PLC0415

        known = {"numba": Numba} | known
    if name == "auto":
        usable = (e() for e in known.values())
        return next(e for e in usable if e.runs(learner, adaptive=adaptive, bandit=bandit))
    if name not in known:
        raise ValueError(f"engine must be one of auto, plain, scan, numba; got {name!r}")
    engine = known[name]()
    if not engine.runs(learner, adaptive=adaptive, bandit=bandit):
        raise ValueError(
            f"engine {name!r} cannot run {learner!r} with {'bandit' if bandit else 'full'} feedback"
            f" in an {'adaptive' if adaptive else 'oblivious'} environment; 'plain' can"
        )
    return engine


def _trace(
    learner: Any,
    environment: Any,
    feedback: str,
    engine: str,
    seeds: Array,
    books: Books,
    units: Units,
) -> Trace:
    def shaped(flat: Array, *last: int) -> Array:
        return flat.reshape(len(flat), len(seeds), *environment.shape[:-1], *last)

    played = books.rounds[:, None]

    return Trace(
        learner=repr(learner),
        environment=repr(environment),
        feedback=feedback,
        engine=engine,
        seeds=seeds,
        rounds=books.rounds,
        loss=shaped(units.back(books.loss_at + books.level_at, played)),
        best_loss=shaped(units.back(books.best_loss_at + books.level_at, played)),
        regret=shaped(units.slope * (books.loss_at - books.best_loss_at)),
        best=shaped(books.best_at),
        switches=shaped(books.switches_at),
        total=units.back(books.total + books.level[:, None], books.done).reshape(units.shape),
        certificate=None if feedback == "bandit" else shaped(books.certificate_at),
        weight_rounds=books.weight_rounds,
        weights=shaped(books.weights_at, environment.shape[-1]),
        log_wealth=None if books.log_wealth_at is None else shaped(books.log_wealth_at),
    )


def _rounds(rounds: int | None, learner: Any, environment: Environment) -> int:
    if rounds is None:
        if environment.horizon is None:
            raise ValueError("rounds is needed: the environment has no end of its own")
        rounds = environment.horizon
    rounds = whole("rounds", rounds)
    check_rounds(rounds, environment=environment, learner=learner)
    return rounds


def _seeds(seeds: int | Sequence[int]) -> Array:
    if isinstance(seeds, int | np.integer):
        return np.arange(whole("seeds", seeds))
    which = np.asarray(seeds)
    if which.ndim != 1 or len(which) == 0 or which.dtype.kind not in "iu" or which.min() < 0:
        raise ValueError(f"seeds must be a number or a list of integers >= 0, got {seeds!r}")
    return which


def _bandit(feedback: str, learner: Any) -> bool:
    if feedback not in ("full", "bandit"):
        raise ValueError(f"feedback must be 'full' or 'bandit', got {feedback!r}")
    if feedback == "bandit" and "bandit" not in learner.supports:
        supports = ", ".join(["full", *sorted(learner.supports)])
        raise ValueError(f"feedback 'bandit' is not supported by {learner!r}, only: {supports}")
    if feedback == "bandit" and learner.loss_interval is None:
        raise ValueError(
            f"feedback 'bandit' is not for {learner!r}: it states no loss_interval that a bandit "
            "guarantee is proved for; use exp3, exp3_ix or tsallis_inf, say"
        )
    return feedback == "bandit"


def _wealth(wealth: bool, environment: Any, rewards: bool) -> bool:
    if wealth and (rewards or not getattr(environment, "relatives", False)):
        raise ValueError(
            "wealth=True needs losses -ln x of price relatives x, as of from_csv(kind='relatives') "
            f"or Given(-np.log(x), relatives=True), got {environment!r} with rewards={rewards}"
        )
    return wealth


class _NoBar:
    def update(self, count: int) -> None:
        """Nothing to show."""


def _bar(rounds: int, wanted: bool) -> AbstractContextManager[Any]:
    if wanted:
        with suppress(ImportError):
            from tqdm import tqdm  # noqa: PLC0415  (optional)

            return tqdm(total=rounds, unit="round", unit_scale=True, leave=False, delay=_BAR_DELAY)
    return nullcontext(_NoBar())
