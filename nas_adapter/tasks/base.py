"""The contract between a task and its users, search and retraining: batches, a loss, a metric."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from nas_adapter import ranks
from nas_adapter.spaces import Size
from nas_adapter.supernets.supernet import Weights

Batch = Any
"""A batch: a task's iterators yield it, its `loss` takes it; opaque to search and retraining."""

Forward = Callable[..., Any]
"""A network, or a stand-in that applies it with other parameters; called with the task's own
inputs and the weights of the edges."""


class Task(Protocol):
    """A data set and what a network learns on it, bound to one seed and one batch size.

    Every random choice comes from a stream named by seed, purpose and place, so an epoch's batches
    do not depend on what was drawn before.

    **State between batches** (a hidden state) lives in the batches: `loss` reads the state that its
    batch came with, and stores in the batch, detached, as `after`, the state that the iterator
    passes to the next. So a method may take the loss of one batch several times; the last time
    counts. Every epoch starts without state.
    """

    @property
    def metric(self) -> str:
        """Name of what `measure` gives: "accuracy", "perplexity"."""

    @property
    def higher_is_better(self) -> bool:
        """Which way the metric points."""

    @property
    def guess(self) -> float:
        """Loss of a network that knows nothing, in the unit of `losses`: outputs that are all 0."""

    @property
    def device(self) -> torch.device:
        """Device of the data and of the networks."""

    @property
    def facts(self) -> dict[str, Any]:
        """Facts about the data for result.json; "understood" is printed at the start."""

    @property
    def search_steps(self) -> int:
        """Steps in an epoch of a search."""

    @property
    def retrain_steps(self) -> int:
        """Steps in an epoch of a retraining."""

    @property
    def independent(self) -> bool:
        """Whether examples are drawn independently, as bounds on a choice need: not in a text."""

    @property
    def drop_path(self) -> float:
        """Chance with which a retraining leaves an operation out at its end, see `MixedEdge`."""

    def size(self, channels: int, *, search: bool) -> Size:
        """Size of a network that fits the data: the supernet (`search`), or a retrained one."""

    def search_batches(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """Pairs: from the half for the weights, and from the half for the architecture."""

    def retrain_batches(self, epoch: int) -> Iterator[Batch]:
        """All training data, augmented as the task allows."""

    def held_out(self) -> Iterator[Batch]:
        """The half for the architecture, once."""

    def test(self) -> Iterator[Batch]:
        """The test data, once."""

    def with_judges(self) -> Task:
        """The same task with a fifth of its data set aside, for `judges` alone."""

    def judges(self) -> Iterator[Batch]:
        """The data that was set aside, once: it trains nothing and drives nothing."""

    def probe(self, index: int) -> tuple[Tensor, Tensor] | None:
        """Batch number `index` by which untrained networks are looked at: images as a network takes
        them, and class labels, from the half for the weights. None: `advice` does not apply.
        """

    def loss(self, network: Forward, batch: Batch, weights: Weights) -> Tensor:
        """The loss that trains the weights, a scalar; in nats if it is a cross-entropy."""

    def measure(self, network: Forward, batches: Iterable[Batch], weights: Weights) -> float:
        """The metric over all of `batches`."""

    def further(
        self, network: Forward, batches: Iterable[Batch], weights: Weights
    ) -> dict[str, float]:
        """Further metrics, by name, where one alone would mislead."""

    def losses(self, network: Forward, batches: Iterable[Batch], weights: Weights) -> Tensor:
        """The loss of every example (cross-entropy in nats), float64 (n,) on the CPU."""


def state_after(batch: Batch) -> Tensor | None:
    """The state that a batch passes to the next one; None: there is none."""
    return getattr(batch, "after", None)


def from_step(
    batches: Iterable[tuple[Batch, ...]], step: int, states: Sequence[Tensor | None]
) -> Iterator[tuple[Batch, ...]]:
    """An epoch's batches from number `step` on, which were done until then.

    `states`: the `state_after` of each of the last ones that were done, of all processes' parts.
    """
    for index, parts in enumerate(batches):
        if index >= step:
            yield parts
        elif index == step - 1:
            for batch, state in zip(parts, states, strict=True):
                if state is not None:
                    batch.after = ranks.part(state)


class TaskSettings(ABC):
    """Settings of one task, and the way to load it.

    A task derives a frozen dataclass, all of whose fields have defaults. Its fields are the task's
    options on the command line, its field docstrings their help.
    """

    data: str
    """name of the data set"""

    @abstractmethod
    def load(self, seed: int, device: torch.device) -> Task:
        """The task with its data on `device`; UserError where the data cannot be loaded."""

    def idle(self) -> dict[str, str]:
        """Options that these settings leave without effect -> the reason, for a message."""
        return {}
