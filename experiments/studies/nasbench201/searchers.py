"""Experts as the search: one expert problem on every edge, many searches in lockstep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

import experts
from experts import FTRL
from experts.least_squares import Pairwise, Quadratic
from studies.nasbench201.table import CHOICES, EDGES, PLACES, SIZE, Numbers

Ask = Callable[[Numbers], Numbers]
"""Codes (R,) in, losses (R,) in [0, 1] out: one query of each of R searches."""
Generators = Sequence[np.random.Generator]
"""One for each search, so that a search is the same in whatever company it runs."""


def normal_scores(losses: Numbers) -> Numbers:
    """Normal quantiles of the ranks, (T,): only the order of the losses counts. Ties: by age.

    The tail of architectures that fail would else rule the fit.
    """
    ranks = np.argsort(np.argsort(losses, kind="stable"))
    scores: Numbers = ndtri((ranks + 0.5) / max(len(losses), 1))
    return scores


def standardized(losses: Numbers) -> Numbers:
    """Losses with mean 0 and variance 1, (T,)."""
    spread = np.std(losses) if len(losses) else 0.0
    scores: Numbers = (losses - np.mean(losses)) / spread if spread else 0 * losses
    return scores


class Memory:
    """What one search has seen, and the model that is fitted to it.

    In single precision: after 1,000 queries that moves the fit by up to 0.005, where the
    posterior's own standard deviation is 0.03 or more.
    """

    def __init__(self, model: Pairwise, queries: int) -> None:
        self.model = model
        self.covariance = model.init(np.zeros((EDGES, CHOICES), dtype=np.float32))
        self.seen = np.zeros(SIZE, dtype=bool)
        self._chosen = np.zeros((queries, EDGES, CHOICES), dtype=np.float32)
        self._losses = np.zeros(queries)
        self._count = 0

    def add(self, at: int, loss: float) -> None:
        """A query's answer. Losses are deterministic: a repeated one says nothing new."""
        if self.seen[at]:
            return
        self.seen[at] = True
        self._chosen[self._count] = one_hot(np.asarray(at))
        self._losses[self._count] = loss
        self.covariance = self.model.observe(self.covariance, self._chosen[self._count])
        self._count += 1

    def function(
        self, targets: Callable[[Numbers], Numbers], spread: float, generator: np.random.Generator
    ) -> Quadratic:
        """A draw from the posterior, `spread` times as far from its mean as is usual."""
        size = len(self.covariance)
        normal = spread * generator.standard_normal(size + self._count, dtype=np.float32)
        return self.model.posterior_draw(
            self.covariance,
            self._chosen[: self._count],
            targets(self._losses[: self._count]).astype(np.float32),
            prior=normal[:size],
            noise=normal[size:],
        )


@dataclass(frozen=True, slots=True)
class Modelled:
    """Each query: draw a loss function from the posterior, let the edges play on it, query a draw.

    1. Losses so far become normal scores of their ranks; `model` is fitted to them.
    2. One function f is drawn from the posterior (posterior sampling).
    3. `rounds` rounds of full information on f: edge e plays p_e, its losses are
       E[f(a) | a_e = o] under the others' play (`Quadratic.edge_losses`), Hedge updates.
    4. An architecture is drawn from the last round's product distribution; if it was seen before,
       from the round before, and so on; the first round's play is uniform.

    So nothing is paid for twice, and a search whose edges all agree is sent out again.
    """

    model: Pairwise
    eta: float
    """of Hedge; f is in standard deviations of the targets"""
    rounds: int
    spread: float = 1.0
    """standard deviations of the posterior that a draw is off its mean; 0: the mean itself"""
    targets: Callable[[Numbers], Numbers] = normal_scores
    pay_once: bool = True
    """False: the last round's draw is played whether seen or not (for the regret)"""

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Numbers:
        """Codes in the order of their queries, (R, queries)."""
        memories = [Memory(self.model, queries) for _ in generators]
        codes = np.empty((len(generators), queries), dtype=np.int64)
        for t in range(queries):
            functions = [
                memory.function(self.targets, self.spread, generator)
                for memory, generator in zip(memories, generators, strict=True)
            ]
            parts = zip(*functions, strict=True)
            plays = self._game(Quadratic(*(np.stack(part) for part in parts)))
            for run, (memory, generator) in enumerate(zip(memories, generators, strict=True)):
                codes[run, t] = self._pick(plays[:, run], memory.seen, generator)
            losses = ask(codes[:, t])
            for memory, at, loss in zip(memories, codes[:, t], losses, strict=True):
                memory.add(int(at), float(loss))
        return codes

    def _game(self, function: Quadratic) -> Numbers:
        """What the edges play, (rounds + 1, R, E, K); the last play has seen all rounds."""
        learner = experts.hedge(self.eta)
        like = np.zeros((*function.constant.shape, EDGES, CHOICES), dtype=np.float32)
        state = learner.init(like)
        plays = [learner.predict(state)]
        for _ in range(self.rounds):
            feedback = experts.Feedback(function.edge_losses(plays[-1]))
            state = learner.update(state, plays[-1], feedback)
            plays.append(learner.predict(state))
        return np.stack(plays)

    def _pick(self, plays: Numbers, seen: Numbers, generator: np.random.Generator) -> int:
        """Code of one search's next query, from its plays (rounds + 1, E, K)."""
        uniforms = generator.random((len(plays), EDGES))
        drawn = (experts.ProductDistribution(plays).sample(uniforms) @ PLACES)[::-1]
        if not self.pay_once:
            return int(drawn[0])
        fresh = drawn[~seen[drawn]]
        return int(fresh[0]) if len(fresh) else int(generator.choice(np.flatnonzero(~seen)))


@dataclass(frozen=True, slots=True)
class SemiBandit:
    """The seed idea literally: a bandit learner on every edge, all fed the architecture's loss.

    Every draw is paid for. An edge's estimate loss / p_e(o) is unbiased for E[loss | a_e = o]
    under the others' play, and its variance is that of six edges' choices.
    """

    learner: FTRL

    def __call__(self, ask: Ask, queries: int, generators: Generators) -> Numbers:
        """Codes in the order of their queries, (R, queries)."""
        shape = (len(generators), EDGES, CHOICES)
        codes = np.empty((len(generators), queries), dtype=np.int64)
        state = self.learner.init(np.zeros(shape))
        for t in range(queries):
            play = self.learner.predict(state)
            arm = experts.draw(play, np.stack([g.random((EDGES, 1)) for g in generators]))
            codes[:, t] = code(arm)
            loss = np.broadcast_to(ask(codes[:, t])[:, None, None], shape)
            state = self.learner.update(state, play, experts.Feedback(loss, arm, play))
        return codes


def code(mask: Numbers) -> Numbers:
    """Codes (...) of one-hot architectures (..., E, K)."""
    found: Numbers = np.argmax(mask, axis=-1) @ PLACES
    return found


def one_hot(codes: Numbers) -> Numbers:
    """(..., E, K) of codes (...)."""
    operations = codes[..., None] // PLACES % CHOICES
    found: Numbers = (operations[..., None] == np.arange(CHOICES)).astype(float)
    return found
