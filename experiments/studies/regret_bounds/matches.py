"""Matches of a learner against opponents: what is played, how often, and what comes out.

A match is played in tasks, each one call of `experts.play` with some of the seeds.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from tqdm import tqdm

import experts
from experts import environments as env
from experts.environments import Environment
from experts.simulation.engines.scan import Scan
from nas_adapter.errors import UserError
from studies.regret_bounds.claims import Contender
from studies.regret_bounds.own import Own

COMPILED, LEAST = 1_000_000, 100
"""With a compiled engine: rounds of a match against each opponent, all seeds, and fewest seeds."""
STEPPING, STEPPING_HORIZON = 100_000, 10_000
"""Round by round in Python: rounds of a match against each opponent, and the longest game."""
WINDOWS = 100
"""Stretches of a real sequence, evenly spread, each played as a game of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class RealSequence:
    """A real sequence in a CSV file: arguments of `experts.environments.from_csv`."""

    name: str
    path: Path
    options: dict[str, Any]

    def losses(self) -> Any:
        """Losses of the whole sequence, (T, K), mapped to [0, 1] by one straight line."""
        try:
            table = env.from_csv(self.path, **self.options)
        except (OSError, ValueError) as error:  # a mistake in the user's file
            raise UserError(str(error)) from error
        low, high = table.losses.min(), table.losses.max()
        return (table.losses - low) / ((high - low) or 1.0)

    def windows(self, rounds: int) -> env.Given:
        """An environment that plays every window beside the others, losses (rounds, windows, K)."""
        losses = self.losses()
        free = len(losses) - rounds
        starts = np.unique(np.linspace(0, free, min(WINDOWS, free + 1)).astype(int))
        parts = np.stack([losses[start : start + rounds] for start in starts], axis=1)
        return env.Given(parts, (0.0, 1.0))


def drawn(k: int, rounds: int) -> dict[str, Environment]:
    """Oblivious opponents by name: each seed draws another sequence of losses in [0, 1]."""
    one_better = env.Bernoulli(np.where(np.arange(k) == 0, 0.4, 0.5))
    return {
        "fair coins": env.Bernoulli(np.full(k, 0.5)),
        "gaussian gaps": env.Gaussian(np.linspace(0.3, 0.7, k), 0.2),
        "bernoulli gap": one_better,
        "one never errs": env.OneGood(k, 0.5),
        "lower-bound gap": env.scaled_gap(k, rounds),
        "switching": env.Switching(k, rounds, switches=4),
        "corrupted": env.Corrupted(one_better, rounds // 10),
    }


def determined(k: int, rounds: int) -> dict[str, Environment]:
    """Opponents without randomness by name; all but the first see the learner's distribution.

    Losses in [0, 1].
    """
    return {
        "alternating": env.Alternating(k),
        "against the favourite": env.AgainstTheFavourite(k),
        "against one favourite": env.AgainstOneFavourite(k),
        "against the weights": env.AgainstTheWeights(k),
        "against the bound": env.AgainstTheBound(k, rounds),
    }


DRAWN, DETERMINED = "drawn", "determined"


class Match(NamedTuple):
    """A learner against a group of opponents at a horizon."""

    contender: Contender | Own
    group: str | RealSequence
    """DRAWN, DETERMINED, or the windows of a real sequence"""
    experts: int
    rounds: int

    def opponents(self) -> dict[str, Environment]:
        """Opponents by name, with losses in [0, 1]."""
        if isinstance(self.group, RealSequence):
            return {self.group.name: self.group.windows(self.rounds)}
        return {DRAWN: drawn, DETERMINED: determined}[self.group](self.experts, self.rounds)

    def environment(self) -> Environment:
        """All opponents side by side, with losses scaled to the contender's interval."""
        parts = tuple(self.opponents().values())
        found: Environment = env.SideBySide(parts) if len(parts) > 1 else parts[0]
        low, high = self.contender.losses
        return found if (low, high) == (0.0, 1.0) else env.Scaled(found, low, high)

    def compiled(self) -> bool:
        """Whether `play` has an engine for it that does not step round by round in Python."""
        if self.group == DETERMINED:
            return False
        engines: list[Any] = [Scan()]
        if importlib.util.find_spec("numba"):
            from experts.simulation.engines.compiled import Numba  # noqa: PLC0415  (optional)

            engines.append(Numba())
        learner = self.contender.make(self.rounds)
        return any(e.runs(learner, adaptive=False, bandit=self.contender.bandit) for e in engines)


class Task(NamedTuple):
    """Some seeds of a match."""

    match: Match
    seeds: range


class Outcomes(NamedTuple):
    """Regrets of n games against each of E opponents, in units of the learner's own losses.

    Each window of a real sequence counts as an opponent.
    """

    regret: Any
    """(n, E), to the best expert of each game in hindsight"""
    certificate: Any
    """(n, E); None with bandit feedback"""
    behind: Any
    """(n, E, K), the learner's loss less that of each expert"""


def play(task: Task) -> Outcomes:
    """Play all games of a task."""
    match = task.match
    trace = experts.play(
        match.contender.make(match.rounds),
        match.environment(),
        rounds=match.rounds,
        seeds=list(task.seeds),
        feedback="bandit" if match.contender.bandit else "full",
        record_every=match.rounds,
        progress=False,
    )
    shape = (len(task.seeds), -1)
    behind = trace.loss[-1][..., None] - trace.total
    return Outcomes(
        trace.regret[-1].reshape(shape),
        None if trace.certificate is None else trace.certificate[-1].reshape(shape),
        behind.reshape(*shape, behind.shape[-1]),
    )


def split(match: Match, seeds: int) -> Iterator[Task]:
    """The tasks of a match, small enough for the arrays of a round to stay in the cache."""
    most = 250 if match.rounds <= 1000 else 25
    for first in range(0, seeds, most):
        yield Task(match, range(first, min(seeds, first + most)))


def plan(match: Match, budget: float = 1.0) -> int:
    """Number of seeds that a match is played with; 0: it is not played.

    Where nothing is random, one game is enough. `budget` scales the total number of rounds.
    """
    compiled = match.compiled()
    if not compiled and match.rounds > STEPPING_HORIZON:
        return 0
    if match.group != DRAWN:
        # With bandit feedback the learner draws its arms.
        return (LEAST if match.rounds * LEAST <= STEPPING else 0) if match.contender.bandit else 1
    rounds = COMPILED if compiled else STEPPING
    least = 2 if match.contender.bandit else 1  # a mean over games has an error
    return max(int(budget * rounds) // match.rounds, int(budget * LEAST) if compiled else least)


def sweep(tasks: Sequence[Task], backend: str | None, jobs: int) -> dict[Match, Outcomes]:
    """Play all tasks in parallel through joblib; outcomes of each match, seeds in order."""
    order = sorted(range(len(tasks)), key=lambda i: -_cost(tasks[i]))  # the longest first
    with parallel(backend, jobs):
        # The bar counts tasks handed out, not done: every backend of joblib can do that.
        bar = tqdm([tasks[i] for i in order], unit="task", desc="games")
        done = joblib.Parallel()(joblib.delayed(play)(task) for task in bar)
    parts: dict[Match, dict[int, Outcomes]] = {}
    for i, outcomes in zip(order, done, strict=True):
        parts.setdefault(tasks[i].match, {})[tasks[i].seeds.start] = outcomes
    return {match: _joined([by[i] for i in sorted(by)]) for match, by in parts.items()}


def parallel(backend: str | None, jobs: int) -> Any:
    """Context that sets joblib's backend; None: as joblib or a surrounding context has it."""
    chosen = {} if backend is None else {"backend": backend}
    return joblib.parallel_config(n_jobs=jobs, **chosen)


def _joined(parts: list[Outcomes]) -> Outcomes:
    columns = zip(*parts, strict=True)
    return Outcomes(*(None if c[0] is None else np.concatenate(c) for c in columns))


def _cost(task: Task) -> float:
    """Rough running time of a task, in units of a compiled round."""
    problems = len(task.seeds) * len(task.match.opponents())
    each, overhead = (1, 0) if task.match.compiled() else (20, 2000)
    return task.match.rounds * (each * problems + overhead)
