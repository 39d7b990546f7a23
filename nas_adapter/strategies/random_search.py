"""Random search with weight sharing: the baseline that every method has to beat.

Source: Li & Talwalkar 2019, "Random Search and Reproducibility for Neural Architecture Search",
Section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from nas_adapter.errors import positive
from nas_adapter.progress import progress
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Architecture, random_architecture
from nas_adapter.spaces.genotype import sample
from nas_adapter.strategies.base import Context, MethodSettings, Step, method
from nas_adapter.tasks import Batch


@method
@dataclass(frozen=True, kw_only=True)
class RandomSearchSettings(MethodSettings):
    """Settings of random search."""

    name: ClassVar = "random"
    rules: ClassVar = ("auto",)
    candidates: int = 100
    """Architectures that random search ranks at its end."""

    def __post_init__(self) -> None:
        positive(candidates=self.candidates)

    def start(self, context: Context) -> RandomSearch:
        """See `MethodSettings.start`."""
        return RandomSearch(self, context)


class RandomSearch:
    """Train the shared weights under random architectures, then rank some of them.

    Each step draws one architecture, uniformly or from the prior, and descends on its weights
    alone. At the end `candidates` fresh architectures are drawn and the one that does best on the
    validation half, under the shared weights, is kept.
    """

    def __init__(self, settings: RandomSearchSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._steps = 0
        self._found: list[float] = []  # metrics of the candidates
        self._best = 0.0

    def step(self, train: Batch, valid: Batch) -> Step:
        """One weight step under a random architecture; the validation batch is not used."""
        drawn = self._draw(Stream.ARCHITECTURES, self._steps)
        self._steps += 1
        return Step(self._context.descend(train, drawn))

    def finish(self) -> tuple[Architecture, Architecture]:
        """The best of the candidates; ties: the first drawn."""
        context, count = self._context, self._settings.candidates
        drawn = [self._draw(Stream.CANDIDATES, index) for index in range(count)]
        found = self._found
        for candidate in progress(drawn[len(found) :], "ranking candidates"):
            found.append(context.measure(candidate))
            context.pause()
        self._best = max(found) if context.task.higher_is_better else min(found)
        best = drawn[found.index(self._best)]
        return best, best

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: its metric under the shared weights."""
        value = self._context.measure(architecture)
        return value if self._context.task.higher_is_better else -value

    def report(self) -> dict[str, Any]:
        """The winner's metric; there are no probabilities and no regret here."""
        name = f"best_candidate_{self._context.task.metric}"
        return {"candidates": self._settings.candidates, name: self._best}

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {"steps": self._steps, "found": self._found}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._steps, self._found = saved["steps"], saved["found"]

    def _draw(self, purpose: Stream, index: int) -> Architecture:
        context, generator = self._context, stream(self._context.seed, purpose, index)
        if context.even:
            return random_architecture(context.space, generator)
        return sample(context.space, context.prior.cpu(), generator)
