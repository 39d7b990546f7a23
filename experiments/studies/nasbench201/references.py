"""The searches that the experts are compared with, one search at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import experts
from studies.nasbench201.searchers import Ask, Generators, code
from studies.nasbench201.table import ARCHITECTURES, CHOICES, EDGES, PLACES, SIZE, Numbers

NEIGHBOURS = np.asarray(
    [
        [at + (choice - own) * place for own, place in zip(architecture, PLACES, strict=True)
         for choice in range(CHOICES) if choice != own]
        for at, architecture in enumerate(ARCHITECTURES)
    ]
)  # fmt: skip
"""(15625, 24): codes of the architectures that differ on one edge."""

OneSearch = Callable[["Purse", np.random.Generator], None]
"""Asks its purse until that raises `Spent`; at most 15,625 queries."""


class Spent(Exception):  # noqa: N818  (the end of a search, not an error)
    """The last query has been paid."""


class Purse:
    """The queries of one search: pays for them and keeps their codes in order."""

    def __init__(self, ask: Ask, queries: int) -> None:
        self.codes: list[int] = []
        self._ask = ask
        self._queries = queries
        self._known: dict[int, float] = {}

    def pay(self, at: int) -> float:
        """Loss of the architecture `at`, for a query, whether it is known or not.

        The last query ends the search at once.
        """
        self.codes.append(at)
        self._known[at] = float(self._ask(np.asarray([at]))[0])
        if len(self.codes) == self._queries:
            raise Spent
        return self._known[at]

    def recall(self, at: int) -> float:
        """The same; free if it has been paid for before."""
        return self._known[at] if at in self._known else self.pay(at)


@dataclass(frozen=True, slots=True)
class OneByOne:
    """A search for one purse, played for each generator."""

    search: OneSearch

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Numbers:
        """Codes in the order of their queries, (R, queries)."""
        found = []
        for generator in generators:
            purse = Purse(ask, queries)
            try:
                self.search(purse, generator)
            except Spent:
                found.append(purse.codes)
        return np.asarray(found)


def random_search(purse: Purse, generator: np.random.Generator) -> None:
    """Uniform, without replacement."""
    for at in generator.permutation(SIZE):
        purse.pay(int(at))


@dataclass(frozen=True, slots=True)
class Evolution:
    """Regularized evolution: the best of a sample has a child, the oldest dies.

    Parameters
    ----------
    once
        False: a uniform operation on a uniform edge, often the parent again, and every child is
        paid for: the usual protocol on this table. True: always another operation, and children
        seen before are free: stronger.

    Source: Real et al. 2019, Algorithm 1.
    """

    once: bool = False
    population: int = 10
    sample: int = 3

    def __call__(self, purse: Purse, generator: np.random.Generator) -> None:
        """See `OneSearch`."""
        look = purse.recall if self.once else purse.pay
        queue = [(int(at), look(int(at))) for at in generator.integers(SIZE, size=self.population)]
        while True:
            chosen = generator.choice(self.population, self.sample, replace=False)
            parent = min((queue[i] for i in chosen), key=lambda pair: pair[1])[0]
            child = int(
                generator.choice(NEIGHBOURS[parent]) if self.once else _mutate(parent, generator)
            )
            queue = [*queue[1:], (child, look(child))]


def local_search(purse: Purse, generator: np.random.Generator) -> None:
    """First improvement among the neighbours in random order; restart where there is none.

    Nothing is paid for twice. Source: White, Nolen & Savani 2021 (with restarts).
    """
    while True:
        at = int(generator.integers(SIZE))
        loss = purse.recall(at)
        better: int | None = at
        while better is not None:
            at, loss = better, purse.recall(better)
            around = generator.permutation(NEIGHBOURS[at])
            better = next((int(n) for n in around if purse.recall(int(n)) < loss), None)


@dataclass(frozen=True, slots=True)
class Reinforce:
    """Policy gradient on the logits of independent edges; baseline: moving average of rewards.

    The reward is 1 - loss. Every draw is paid for. Source: Williams 1992; for architectures Zoph &
    Le 2017.
    """

    rate: float = 10.0
    memory: float = 0.9

    def __call__(self, purse: Purse, generator: np.random.Generator) -> None:
        """See `OneSearch`."""
        logits = np.zeros((EDGES, CHOICES))
        baseline: float | None = None
        while True:
            weights = np.exp(logits - logits.max(-1, keepdims=True))
            play = weights / weights.sum(-1, keepdims=True)
            arm = experts.draw(play, generator.random((EDGES, 1)))
            reward = 1 - purse.pay(int(code(arm)))
            if baseline is None:
                baseline = reward
            baseline = self.memory * baseline + (1 - self.memory) * reward
            logits += self.rate * (reward - baseline) * (arm - play)


def _mutate(parent: int, generator: np.random.Generator) -> int:
    edge, choice = generator.integers(EDGES), generator.integers(CHOICES)
    return int(parent + (choice - ARCHITECTURES[parent, edge]) * PLACES[edge])
