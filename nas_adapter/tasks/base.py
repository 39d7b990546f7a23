"""What search and retraining ask of a task: data in batches, a loss, a measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from nas_adapter.spaces import Size
from nas_adapter.supernets.supernet import Weights

Batch = Any
"""What a task's iterators yield and its `loss` takes; nobody else looks into it."""

Forward = Callable[..., Any]
"""A network, or a stand-in that applies it with other parameters; called with the task's own
inputs and the weights of the edges."""


class Task(Protocol):
    """A data set and what a network is to learn on it, bound to one seed and one batch size.

    Every random choice comes from a stream named by seed, purpose and place; an epoch's batches
    depend on nothing that was done before.

    **What is carried from batch to batch** (a hidden state) lives in the batches: `loss` reads the
    state that its batch came with, and leaves in the batch, detached, the one that the iterator
    hands to the next. So a method may take the loss of one batch as often as it likes; the last
    time counts. An epoch starts afresh.
    """

    @property
    def metric(self) -> str:
        """Name of what `measure` gives: "accuracy", "perplexity"."""

    @property
    def higher_is_better(self) -> bool:
        """Which way the metric points."""

    @property
    def device(self) -> torch.device:
        """Where the data is, and the networks go."""

    @property
    def facts(self) -> dict[str, Any]:
        """What result.json says about the data, JSON-ready."""

    @property
    def search_steps(self) -> int:
        """Steps in an epoch of a search."""

    @property
    def retrain_steps(self) -> int:
        """Steps in an epoch of a retraining."""

    def size(self, channels: int, cells: int) -> Size:
        """Of a network that fits the data."""

    def search_batches(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """Pairs: from the half for the weights, and from the half for the architecture."""

    def retrain_batches(self, epoch: int) -> Iterator[Batch]:
        """Of all training data, augmented as the task allows."""

    def held_out(self) -> Iterator[Batch]:
        """Once through the half for the architecture."""

    def test(self) -> Iterator[Batch]:
        """Once through the test data."""

    def loss(self, network: Forward, batch: Batch, weights: Weights) -> Tensor:
        """What the weights descend on, a scalar in nats."""

    def measure(self, network: Forward, batches: Iterable[Batch], weights: Weights) -> float:
        """The metric over all of `batches`."""

    def show(self, value: float) -> str:
        """A value of the metric, for the terminal."""
