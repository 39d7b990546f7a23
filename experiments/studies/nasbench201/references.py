"""The searches: the experts', and those that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

import experts
from experts.structured import Search, Settings
from studies.nasbench201.table import ARCHITECTURES, CHOICES, EDGES, PLACES, SIZE, Numbers, encode

NEIGHBOURS = np.asarray(
    [
        [at + (choice - own) * place for own, place in zip(architecture, PLACES, strict=True)
         for choice in range(CHOICES) if choice != own]
        for at, architecture in enumerate(ARCHITECTURES)
    ]
)  # fmt: skip
"""Codes of the architectures that differ on one edge, (15625, 24)."""

Ask = Callable[[Numbers], Numbers]
"""One query of each of R searches: codes (R,) in, losses (R,) in [0, 1] out."""

Generators = Sequence[np.random.Generator]
"""One for each search: its result does not depend on which others run beside it."""

Searches = Callable[[Ask, int, Generators], Numbers]
"""Runs R searches for a number of queries; returns the codes in their order, (R, queries)."""

OneSearch = Callable[["Budget", np.random.Generator], None]
"""One search: it queries its budget until that raises `Spent`; at most 15,625 queries."""


class Spent(Exception):  # noqa: N818  (the end of a search, not an error)
    """The budget is used up."""


class Budget:
    """The queries of one search: counts them and keeps their codes in order."""

    def __init__(self, ask: Ask, queries: int) -> None:
        self.codes: list[int] = []
        self._ask = ask
        self._queries = queries
        self._known: dict[int, float] = {}

    def query(self, at: int) -> float:
        """Loss of the architecture with code `at`; costs a query even if it is known.

        The last query raises `Spent` instead: it ends the search.
        """
        self.codes.append(at)
        self._known[at] = float(self._ask(np.asarray([at]))[0])
        if len(self.codes) == self._queries:
            raise Spent
        return self._known[at]

    def recall(self, at: int) -> float:
        """Loss of the architecture with code `at`; costs a query only the first time."""
        return self._known[at] if at in self._known else self.query(at)


@dataclass(frozen=True, slots=True)
class OneByOne:
    """R searches, one after the other, from one search: `Searches`."""

    search: OneSearch

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Numbers:
        """Run the searches; codes in the order of their queries, (R, queries)."""
        found = []
        for generator in generators:
            budget = Budget(ask, queries)
            try:
                self.search(budget, generator)
            except Spent:
                found.append(budget.codes)
        return np.asarray(found)


@dataclass(frozen=True, slots=True)
class Experts:
    """`experts.structured.Search`; a noisy one repeats itself."""

    settings: Settings = field(default_factory=Settings)
    noisy: bool = False
    batch: int = 1
    """asks before the first of them is told"""

    def __call__(self, budget: Budget, generator: np.random.Generator) -> None:
        """Search, see `OneSearch`."""
        search = Search(
            {str(edge): [str(choice) for choice in range(CHOICES)] for edge in range(EDGES)},
            seed=int(generator.integers(2**32)),
            maximize=False,
            noisy=self.noisy,
            settings=self.settings,
        )
        while True:
            for point in search.ask(self.batch):
                search.tell(point, budget.query(int(encode([int(o) for o in point.values()]))))


@dataclass(frozen=True, slots=True)
class SemiBandit:
    """Searches with a bandit learner on every edge, all fed the drawn architecture's loss.

    They fit no model and query every draw. An edge's estimate loss / p_e(o) is unbiased for
    E[loss | a_e = o] under the other edges' distributions; its variance includes the randomness of
    all their draws.
    """

    learner: experts.FTRL

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Numbers:
        """Run the searches in lockstep, see `Searches`."""
        shape = (len(generators), EDGES, CHOICES)
        asked = np.empty((len(generators), queries), dtype=np.int64)
        state = self.learner.init(np.zeros(shape))
        for t in range(queries):
            play = self.learner.predict(state)
            arm = experts.draw(play, np.stack([g.random((EDGES, 1)) for g in generators]))
            asked[:, t] = encode(np.argmax(arm, axis=-1))
            loss = np.broadcast_to(ask(asked[:, t])[:, None, None], shape)
            state = self.learner.update(state, play, experts.Feedback(loss, arm, play))
        return asked


def random_search(budget: Budget, generator: np.random.Generator) -> None:
    """Query architectures uniformly at random, without replacement."""
    for at in generator.permutation(SIZE):
        budget.query(int(at))


@dataclass(frozen=True, slots=True)
class Evolution:
    """Regularized evolution: the best of a sample has a mutated child, the oldest dies.

    Parameters
    ----------
    once
        False, the usual protocol on this table: a mutation draws a uniform operation for a uniform
        edge, so it often gives the parent again, and every child costs a query. True, which is
        stronger: a child always differs from its parent, and a known child is free.
    population, sample
        Sizes of the population and of the sample that a parent is the best of.

    Source: Real et al. 2019, Algorithm 1.
    """

    once: bool = False
    population: int = 10
    sample: int = 3

    def __call__(self, budget: Budget, generator: np.random.Generator) -> None:
        """Search, see `OneSearch`."""
        look = budget.recall if self.once else budget.query
        queue = [(int(at), look(int(at))) for at in generator.integers(SIZE, size=self.population)]
        while True:
            chosen = generator.choice(self.population, self.sample, replace=False)
            parent = min((queue[i] for i in chosen), key=lambda pair: pair[1])[0]
            child = int(
                generator.choice(NEIGHBOURS[parent]) if self.once else _mutate(parent, generator)
            )
            queue = [*queue[1:], (child, look(child))]


def local_search(budget: Budget, generator: np.random.Generator) -> None:
    """Move to the first better neighbour in random order; restart where there is none.

    Nothing is queried twice. Source: White, Nolen & Savani 2021 (with restarts).
    """
    while True:
        at = int(generator.integers(SIZE))
        loss = budget.recall(at)
        better: int | None = at
        while better is not None:
            at, loss = better, budget.recall(better)
            around = generator.permutation(NEIGHBOURS[at])
            better = next((int(n) for n in around if budget.recall(int(n)) < loss), None)


@dataclass(frozen=True, slots=True)
class Reinforce:
    """Policy gradient on independent edges' logits; baseline: a moving average of the rewards.

    The reward is 1 - loss. Every draw costs a query. Source: Williams 1992; for architectures Zoph
    & Le 2017.

    Parameters
    ----------
    rate
        Step size on the logits.
    memory
        Weight of the old baseline in the new one.
    """

    rate: float = 10.0
    memory: float = 0.9

    def __call__(self, budget: Budget, generator: np.random.Generator) -> None:
        """Search, see `OneSearch`."""
        logits = np.zeros((EDGES, CHOICES))
        baseline: float | None = None
        while True:
            weights = np.exp(logits - logits.max(-1, keepdims=True))
            play = weights / weights.sum(-1, keepdims=True)
            arm = experts.draw(play, generator.random((EDGES, 1)))
            reward = 1 - budget.query(int(encode(np.argmax(arm, axis=-1))))
            if baseline is None:
                baseline = reward
            baseline = self.memory * baseline + (1 - self.memory) * reward
            logits += self.rate * (reward - baseline) * (arm - play)


def _mutate(parent: int, generator: np.random.Generator) -> int:
    edge, choice = generator.integers(EDGES), generator.integers(CHOICES)
    return int(parent + (choice - ARCHITECTURES[parent, edge]) * PLACES[edge])
