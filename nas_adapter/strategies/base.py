"""What the search loop asks of a method, and the weight step that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nas_adapter.errors import finite
from nas_adapter.spaces import Architecture, Space
from nas_adapter.supernets.supernet import Supernet, Weights
from nas_adapter.tasks import Batch, Task

LEARNERS = ("eg", "adahedge")
"""What XNAS can play with: exponentiated gradient as published, or AdaHedge."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a method is built from."""

    space: Space
    task: Task
    net: Supernet
    optimizer: torch.optim.Optimizer
    """of the network's weights"""
    steps: int
    """T, the number of `step` calls to come"""
    seed: int
    reward_bound: float | None
    """L of XNAS; None: found in the warm-up"""
    warmup: int
    """steps of XNAS in which only the weights are trained"""
    learner: str
    """of XNAS, one of `LEARNERS`"""
    wipeout: bool
    """whether XNAS removes operations"""
    candidates: int
    """architectures that random search ranks"""
    read: str
    """how an architecture is read off, see `genotype.read`"""
    architecture_rate: float | None = None
    """of DARTS's Adam; None: the space's"""

    def loss(
        self, batch: Batch, weights: Weights, parameters: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The task's loss on a batch, in nats; with other parameters than the net's, if given."""
        if parameters is None:
            return self.task.loss(self.net, batch, weights)
        replaced = dict(parameters)
        return self.task.loss(
            lambda *inputs: torch.func.functional_call(self.net, replaced, inputs), batch, weights
        )

    def measure(self, weights: Weights) -> float:
        """The supernet's metric on the half for the architecture."""
        return self.task.measure(self.net, self.task.held_out(), weights)


@dataclass(slots=True)
class Step:
    """What one step reports; the loop writes it to metrics.jsonl."""

    train_loss: float
    details: dict[str, Any] = field(default_factory=dict)
    """further numbers, JSON-ready"""


class Strategy(Protocol):
    """A search method: one file that implements this and is entered in `strategies.METHODS`."""

    def step(self, train: Batch, valid: Batch) -> Step:
        """One step on the weights, and the method's own move."""

    def finish(self) -> tuple[Architecture, Weights]:
        """The architecture found, and the weights to judge the supernet with."""

    def report(self) -> dict[str, Any]:
        """What the method adds to result.json."""

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs besides the network and its optimizer."""

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`; also removes from the network what was removed then."""


def named_probabilities(space: Space, play: Tensor) -> dict[str, dict[str, float]]:
    """Of every edge and operation, by their names."""
    return {
        edge: {space.operations[index]: row[index] for index in offered}
        for edge, row, offered in zip(space.edges, play.tolist(), space.choices, strict=True)
    }


def weight_step(setting: Setting, batch: Batch, weights: Weights) -> float:
    """One step of the optimizer on the loss of `batch`; returns it."""
    setting.optimizer.zero_grad()
    loss = setting.loss(batch, weights)
    loss.backward()  # type: ignore[no-untyped-call]
    clip = setting.space.search_tuning.clip
    if clip is not None:
        nn.utils.clip_grad_norm_(setting.net.parameters(), clip)
    setting.optimizer.step()
    return finite(loss.item(), "training")
