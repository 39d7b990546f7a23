"""Games of the bounds experiment. A task is one call of `play`; a cell is its tasks together."""

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
from studies.regret_bounds.claims import Player

COMPILED, LEAST = 1_000_000, 100
"""Rounds of a cell that a compiled engine plays against each opponent, and the fewest seeds."""
STEPPING, STEPPING_HORIZON = 100_000, 10_000
"""The same for learners that step round by round in Python; they play no longer games."""
WINDOWS = 100
"""Stretches of a real sequence, evenly spread, that are played as games of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A real sequence: arguments of `experts.environments.from_csv`."""

    name: str
    path: Path
    options: dict[str, Any]

    def losses(self) -> Any:
        """(T, K)."""
        try:
            return env.from_csv(self.path, **self.options).losses
        except (OSError, ValueError) as error:  # the file is the user's
            raise UserError(str(error)) from error

    def windows(self, rounds: int) -> env.Given:
        """Losses (rounds, windows, K)."""
        losses = self.losses()
        free = len(losses) - rounds
        starts = np.unique(np.linspace(0, free, min(WINDOWS, free + 1)).astype(int))
        parts = np.stack([losses[start : start + rounds] for start in starts], axis=1)
        return env.Given(parts, (0.0, 1.0))


def drawn(k: int, rounds: int) -> dict[str, Environment]:
    """Oblivious opponents, each seed another sequence. Losses in [0, 1]."""
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
    """Opponents without randomness; all but the first see the play. Losses in [0, 1]."""
    return {
        "alternating": env.Alternating(k),
        "against the favourite": env.AgainstTheFavourite(k),
        "against one favourite": env.AgainstOneFavourite(k),
        "against the weights": env.AgainstTheWeights(k),
        "against the bound": env.AgainstTheBound(k, rounds),
    }


DRAWN, DETERMINED = "drawn", "determined"


class Cell(NamedTuple):
    """A learner against a group of opponents at a horizon."""

    player: Player
    group: str | Source
    """DRAWN, DETERMINED, or the windows of a real sequence"""
    experts: int
    rounds: int

    def opponents(self) -> dict[str, Environment]:
        """By name, in losses in [0, 1]."""
        if isinstance(self.group, Source):
            return {self.group.name: self.group.windows(self.rounds)}
        return {DRAWN: drawn, DETERMINED: determined}[self.group](self.experts, self.rounds)

    def environment(self) -> Environment:
        """All opponents side by side, in the losses of the player."""
        parts = tuple(self.opponents().values())
        found: Environment = env.SideBySide(parts) if len(parts) > 1 else parts[0]
        low, high = self.player.losses
        return found if (low, high) == (0.0, 1.0) else env.Scaled(found, low, high)

    def compiled(self) -> bool:
        """Whether `play` has an engine that does not step round by round in Python."""
        if self.group == DETERMINED:
            return False
        engines: list[Any] = [Scan()]
        if importlib.util.find_spec("numba"):
            from experts.simulation.engines.compiled import Numba  # noqa: PLC0415  (optional)

            engines.append(Numba())
        learner = self.player.make(self.rounds)
        return any(e.runs(learner, adaptive=False, bandit=self.player.bandit) for e in engines)


class Task(NamedTuple):
    """Some seeds of a cell."""

    cell: Cell
    seeds: range


class Games(NamedTuple):
    """What is left of n games against each of E opponents (windows of a real sequence: one each).

    Losses are the learner's own, in `Player.losses`.
    """

    regret: Any
    """(n, E), to the expert that was the best of that game"""
    certificate: Any
    """(n, E), or None with bandit feedback"""
    behind: Any
    """(n, E, K), loss of the player less that of each expert"""


def play(task: Task) -> Games:
    """All games of a task."""
    cell = task.cell
    trace = experts.play(
        cell.player.make(cell.rounds),
        cell.environment(),
        rounds=cell.rounds,
        seeds=list(task.seeds),
        feedback="bandit" if cell.player.bandit else "full",
        record_every=cell.rounds,
        progress=False,
    )
    shape = (len(task.seeds), -1)
    behind = trace.loss[-1][..., None] - trace.total
    return Games(
        trace.regret[-1].reshape(shape),
        None if trace.certificate is None else trace.certificate[-1].reshape(shape),
        behind.reshape(*shape, behind.shape[-1]),
    )


def split(cell: Cell, seeds: int) -> Iterator[Task]:
    """The tasks of a cell: small enough that what a round touches stays in the cache."""
    most = 250 if cell.rounds <= 1000 else 25
    for first in range(0, seeds, most):
        yield Task(cell, range(first, min(seeds, first + most)))


def plan(cell: Cell, budget: float = 1.0) -> int:
    """How many seeds a cell is played with; 0: not at all.

    Where nothing is drawn, one game is all there is. `budget` scales the rounds.
    """
    compiled = cell.compiled()
    if not compiled and cell.rounds > STEPPING_HORIZON:
        return 0
    if cell.group != DRAWN:
        # With bandit feedback the player draws.
        return (LEAST if cell.rounds * LEAST <= STEPPING else 0) if cell.player.bandit else 1
    rounds = COMPILED if compiled else STEPPING
    return max(int(budget * rounds) // cell.rounds, int(budget * LEAST) if compiled else 1)


def sweep(tasks: Sequence[Task], backend: str | None, jobs: int) -> dict[Cell, Games]:
    """Play all tasks, in parallel through joblib, and put the cells together."""
    order = sorted(range(len(tasks)), key=lambda i: -_cost(tasks[i]))  # long ones first
    with parallel(backend, jobs):
        # The bar counts what has been handed out: every backend of joblib can do that.
        bar = tqdm([tasks[i] for i in order], unit="task", desc="games")
        done = joblib.Parallel()(joblib.delayed(play)(task) for task in bar)
    parts: dict[Cell, dict[int, Games]] = {}
    for i, games in zip(order, done, strict=True):
        parts.setdefault(tasks[i].cell, {})[tasks[i].seeds.start] = games
    return {cell: _joined([by[i] for i in sorted(by)]) for cell, by in parts.items()}


def parallel(backend: str | None, jobs: int) -> Any:
    """Where joblib works; without `backend` its own choice or a `joblib.parallel_config` around."""
    chosen = {} if backend is None else {"backend": backend}
    return joblib.parallel_config(n_jobs=jobs, **chosen)


def _joined(parts: list[Games]) -> Games:
    columns = zip(*parts, strict=True)
    return Games(*(None if c[0] is None else np.concatenate(c) for c in columns))


def _cost(task: Task) -> float:
    """Roughly in time."""
    problems = len(task.seeds) * len(task.cell.opponents())
    each, overhead = (1, 0) if task.cell.compiled() else (20, 2000)
    return task.cell.rounds * (each * problems + overhead)
