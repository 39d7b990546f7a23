"""Random search with weight sharing: the baseline that every method has to beat.

Source: Li & Talwalkar 2019, "Random Search and Reproducibility for Neural Architecture Search",
Section 4.2.
"""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Architecture, random_architecture
from nas_adapter.strategies.base import Setting, Step, weight_step
from nas_adapter.tasks import Batch


class RandomSearch:
    """Train the shared weights under uniformly drawn architectures, then rank some of them.

    Each step draws one architecture and descends on its weights alone. At the end `candidates`
    fresh architectures are drawn and the one that does best on the validation half, under the
    shared weights, is kept.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._steps = 0
        self._best = 0.0

    def step(self, train: Batch, valid: Batch) -> Step:
        """One weight step under a random architecture; the validation batch is not used."""
        drawn = self._draw(Stream.ARCHITECTURES, self._steps)
        self._steps += 1
        return Step(weight_step(self._setting, train, drawn))

    def finish(self) -> tuple[Architecture, Architecture]:
        """The best of the candidates; ties: the first drawn."""
        setting = self._setting
        drawn = [self._draw(Stream.CANDIDATES, index) for index in range(setting.candidates)]
        found = [
            setting.measure(candidate)
            for candidate in tqdm(drawn, "ranking candidates", unit="architecture", delay=2)
        ]
        self._best = max(found) if setting.task.higher_is_better else min(found)
        best = drawn[found.index(self._best)]
        return best, best

    def report(self) -> dict[str, Any]:
        """The winner's metric; there are no probabilities and no regret here."""
        name = f"best_candidate_{self._setting.task.metric}"
        return {"candidates": self._setting.candidates, name: self._best}

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {"steps": self._steps}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._steps = saved["steps"]

    def _draw(self, purpose: Stream, index: int) -> Architecture:
        generator = stream(self._setting.seed, purpose, index)
        return random_architecture(self._setting.space, generator)
