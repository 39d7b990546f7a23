"""Black-box architecture search by experts: an expert problem on every edge, searches in lockstep.

A search asks for the loss of whole architectures, one query after another. R searches advance
together: query t of all of them is one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from experts.ftrl.ftrl import FTRL
from experts.learners.hedge import hedge
from experts.numerics.sampling import draw
from experts.structured.least_squares import Pairwise, Quadratic
from experts.structured.product import ProductDistribution
from experts.types import Array, Feedback

Ask = Callable[[Array], Array]
"""One query of each of R searches: codes (R,) in, losses (R,) in [0, 1] out."""

Generators = Sequence[np.random.Generator]
"""One for each search: its result does not depend on which others run beside it."""

Search = Callable[[Ask, int, Generators], Array]
"""Runs R searches for a number of queries; returns the codes in their order, (R, queries)."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Numbers for the architectures of E edges with K operations each.

    An architecture's code is the number in base K whose digits are its operations, first edge
    first: 0, ..., K**E - 1.

    Examples
    --------
    >>> codes = Codes(edges=2, choices=3)
    >>> int(codes.encode(np.asarray([1, 2])))
    5
    >>> codes.decode(np.asarray([5]))
    array([[1, 2]])
    """

    edges: int
    """E"""
    choices: int
    """K"""

    @property
    def size(self) -> int:
        """Number of architectures, K**E."""
        return int(self.choices**self.edges)

    @property
    def places(self) -> Array:
        """What one step of an edge's operation adds to the code, (E,)."""
        return self.choices ** np.arange(self.edges)[::-1]

    def encode(self, architectures: Array) -> Array:
        """Codes (...) of architectures (..., E): an operation's index on every edge."""
        return architectures @ self.places

    def decode(self, codes: Array) -> Array:
        """Architectures (..., E) of codes (...)."""
        return codes[..., None] // self.places % self.choices

    def one_hot(self, codes: Array) -> Array:
        """Architectures as float masks (..., E, K) of codes (...)."""
        return (self.decode(codes)[..., None] == np.arange(self.choices)).astype(float)


def normal_scores(losses: Array) -> Array:
    """Normal quantiles of the losses' ranks, (T,); ties in the order of the queries.

    Only the order of the losses counts. Otherwise the few architectures that fail, far out in the
    tail, would dominate the fit.
    """
    ranks = np.argsort(np.argsort(losses, kind="stable"))
    return ndtri((ranks + 0.5) / max(len(losses), 1))


def standardized(losses: Array) -> Array:
    """Losses scaled to mean 0 and variance 1, (T,)."""
    spread = np.std(losses) if len(losses) else 0.0
    return (losses - np.mean(losses)) / spread if spread else 0 * losses


class History:
    """The queries of one search with their losses, and the model that is fitted to them.

    In single precision: after 1,000 queries that moves the fit by up to 0.005, where the
    posterior's own standard deviation is 0.03 or more.
    """

    def __init__(self, codes: Codes, model: Pairwise, queries: int) -> None:
        shape = (codes.edges, codes.choices)
        self.codes = codes
        self.model = model
        self.root = model.init(np.zeros(shape, dtype=np.float32))
        self.seen = np.zeros(codes.size, dtype=bool)
        self._chosen = np.zeros((queries, *shape), dtype=np.float32)
        self._losses = np.zeros(queries)
        self._count = 0

    def add(self, code: int, loss: float) -> None:
        """Enter a query's answer. Losses are deterministic: a repeated one says nothing new."""
        if self.seen[code]:
            return
        self.seen[code] = True
        self._chosen[self._count] = self.codes.one_hot(np.asarray(code))
        self._losses[self._count] = loss
        self.root = self.model.observe(self.root, self._chosen[self._count])
        self._count += 1

    def posterior_draw(
        self, targets: Callable[[Array], Array], spread: float, generator: np.random.Generator
    ) -> Quadratic:
        """A loss function drawn from the posterior, its distance to the mean scaled by `spread`."""
        size = len(self.root)
        normal = spread * generator.standard_normal(size + self._count, dtype=np.float32)
        return self.model.posterior_draw(
            self.root,
            self._chosen[: self._count],
            targets(self._losses[: self._count]).astype(np.float32),
            prior=normal[:size],
            noise=normal[size:],
        )


@dataclass(frozen=True, slots=True)
class ModelBased:
    """A search that plays Hedge on every edge against a loss function drawn from a posterior.

    Each query:

    1. `targets` turns the losses so far into targets, by default normal scores of their ranks;
       `model` is fitted to them.
    2. One function f is drawn from the posterior (posterior sampling).
    3. `rounds` rounds of full information on f: edge e plays p_e, its losses are
       E[f(a) | a_e = o] under the others' distributions (`Quadratic.edge_losses`), Hedge updates.
    4. An architecture is drawn from the last round's product distribution. If it was queried
       before, one is drawn from the round before, and so on down to the first round, which is
       uniform; if all those were queried, a uniform one of the rest is taken.

    So no architecture is queried twice, and a search whose edges agree on one still explores.
    Memory: K**E flags a search.
    """

    codes: Codes
    model: Pairwise
    eta: float
    """of Hedge; f is in standard deviations of the targets"""
    rounds: int
    spread: float = 1.0
    """scales a draw's distance to the posterior mean; 0: the mean itself"""
    targets: Callable[[Array], Array] = normal_scores
    pay_once: bool = True
    """False: the last round's draw is queried even if it was before (to measure regret)"""

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Array:
        """Run the searches, see `Search`; with `pay_once`, at most K**E queries."""
        histories = [History(self.codes, self.model, queries) for _ in generators]
        asked = np.empty((len(generators), queries), dtype=np.int64)
        for t in range(queries):
            functions = [
                history.posterior_draw(self.targets, self.spread, generator)
                for history, generator in zip(histories, generators, strict=True)
            ]
            parts = zip(*functions, strict=True)
            plays = self._distributions(Quadratic(*(np.stack(part) for part in parts)))
            for run, (history, generator) in enumerate(zip(histories, generators, strict=True)):
                asked[run, t] = self._pick(plays[:, run], history.seen, generator)
            losses = ask(asked[:, t])
            for history, code, loss in zip(histories, asked[:, t], losses, strict=True):
                history.add(int(code), float(loss))
        return asked

    def _distributions(self, function: Quadratic) -> Array:
        """The edges' distributions, (rounds + 1, R, E, K), before and after each round on f."""
        learner = hedge(self.eta)
        shape = (*function.constant.shape, self.codes.edges, self.codes.choices)
        state = learner.init(np.zeros(shape, dtype=np.float32))
        plays = [learner.predict(state)]
        for _ in range(self.rounds):
            feedback = Feedback(function.edge_losses(plays[-1]))
            state = learner.update(state, plays[-1], feedback)
            plays.append(learner.predict(state))
        return np.stack(plays)

    def _pick(self, plays: Array, seen: Array, generator: np.random.Generator) -> int:
        """Code of one search's next query, from its distributions (rounds + 1, E, K)."""
        uniforms = generator.random((len(plays), self.codes.edges))
        drawn = self.codes.encode(ProductDistribution(plays).sample(uniforms))[::-1]
        if not self.pay_once:
            return int(drawn[0])
        fresh = drawn[~seen[drawn]]
        return int(fresh[0]) if len(fresh) else int(generator.choice(np.flatnonzero(~seen)))


@dataclass(frozen=True, slots=True)
class SemiBandit:
    """A search with a bandit learner on every edge, all fed the drawn architecture's loss.

    It fits no model and queries every draw. An edge's estimate loss / p_e(o) is unbiased for
    E[loss | a_e = o] under the others' distributions; its variance includes the randomness of all
    the other edges' draws.
    """

    codes: Codes
    learner: FTRL

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Array:
        """Run the searches, see `Search`."""
        edges = self.codes.edges
        shape = (len(generators), edges, self.codes.choices)
        asked = np.empty((len(generators), queries), dtype=np.int64)
        state = self.learner.init(np.zeros(shape))
        for t in range(queries):
            play = self.learner.predict(state)
            arm = draw(play, np.stack([g.random((edges, 1)) for g in generators]))
            asked[:, t] = self.codes.encode(np.argmax(arm, axis=-1))
            loss = np.broadcast_to(ask(asked[:, t])[:, None, None], shape)
            state = self.learner.update(state, play, Feedback(loss, arm, play))
        return asked
