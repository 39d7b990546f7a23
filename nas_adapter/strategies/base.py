"""The contract between the search loop and a method: context, settings, strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor

from nas_adapter.edges.rewards import gradient_rewards
from nas_adapter.errors import finite
from nas_adapter.randomness import Stream, stream
from nas_adapter.ranks import averaged
from nas_adapter.spaces import (
    NONE,
    Architecture,
    Space,
    Tuning,
    genotype,
    uniform_over_choices,
)
from nas_adapter.supernets.precision import precise
from nas_adapter.supernets.steps import Graphs, descend, frozen, parameters
from nas_adapter.supernets.supernet import Supernet, Weights, forget
from nas_adapter.tasks import Batch, Task
from nas_adapter.tasks.base import Forward


@dataclass(frozen=True, slots=True)
class Context:
    """The search that a method takes part in: built once by the search loop, alike for all."""

    space: Space
    task: Task
    net: Supernet
    optimizer: torch.optim.Optimizer
    """of the network's weights"""
    steps: int
    """T, the number of `Strategy.step` calls to come"""
    seed: int
    rule: str
    """by which the architecture is read off, see `genotype.read`"""
    prior: Tensor
    """float64 (E, K) on the task's device: every edge's first distribution; 0 where an operation is
    not offered"""
    pause: Callable[[], object] = lambda: None
    """called where `Strategy.finish` could be continued from `Strategy.state_dict`"""
    graphs: Graphs = field(default_factory=Graphs)

    @property
    def even(self) -> bool:
        """Whether the prior is the uniform one."""
        uniform = uniform_over_choices(self.space, self.prior.device)
        return bool((self.prior == uniform).all())

    def loss(
        self, batch: Batch, weights: Weights, parameters: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The task's loss on a batch, in nats; with other parameters than the net's, if given."""
        network: Forward = self.net
        if parameters is not None:
            network = partial(_called, self.net, dict(parameters))
        with precise(self.task.device):
            return self.task.loss(network, batch, weights)

    def descend(self, batch: Batch, weights: Weights) -> Tensor:
        """One step of the optimizer on the loss of `batch`; returns the loss before the step."""
        if isinstance(weights, Tensor):
            (loss,) = self.graphs.run("the step on the weights", self._descend, batch, weights)
        else:  # another architecture in every step
            (loss,) = self._descend(batch, weights)
        return checked(loss, "training")

    def rewards(self, batch: Batch, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of `batch`, and the rewards -d loss / d weights (E, K)."""
        loss, rewards = self.graphs.run("the step on the edges", self._rewards, batch, weights)
        return checked(loss, "validation"), rewards

    def remove(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Remove pairs (edge, operation) from the network, with their parameters' momentum."""
        for edge, operation in pairs:
            self.net.remove(edge, operation)
        forget(self.optimizer, self.net)
        self.graphs.reset()

    def _descend(self, batch: Batch, weights: Weights) -> tuple[Tensor]:
        clip = self.space.search_tuning.clip
        loss = partial(self.loss, batch, weights)
        return (descend(self.optimizer, clip, loss),)

    def _rewards(self, batch: Batch, weights: Tensor) -> tuple[Tensor, Tensor]:
        leaf = weights.detach().requires_grad_()
        with frozen(parameters(self.optimizer)):
            loss = self.loss(batch, leaf)
            return averaged(loss.detach()), averaged(gradient_rewards(loss, leaf))

    def measure(self, weights: Weights) -> float:
        """The supernet's metric on the half for the architecture."""
        return self.task.measure(self.net, self.task.held_out(), weights)

    def read(self, play: Tensor, loss: Tensor | None = None) -> Architecture:
        """The architecture that `rule` reads off the distributions `play` (E, K).

        `loss` (E, K): cumulative losses, for the rule "best-cumulative".
        """
        return genotype.read(self.space, self.rule, play, loss=loss, seed=self.seed)

    def path(self, play: Tensor, index: int) -> Architecture:
        """Architecture number `index`, drawn from `play` as a node's edges allow, see `sample`."""
        generator = stream(self.seed, Stream.ARCHITECTURES, index)
        return genotype.sample(self.space, play.detach().double().cpu(), generator)

    def log_probability(self, play: Tensor, architecture: Architecture) -> float:
        """ln prod_e p_e(a_e) under the distributions `play` (E, K); -inf if it is impossible.

        Where a node keeps `Space.inputs` edges, dropped edges do not count.
        """
        space = self.space
        kept = [
            edge
            for edge, operation in enumerate(architecture)
            if space.inputs is None or space.operations[operation] != NONE
        ]
        chosen = play[kept, [architecture[edge] for edge in kept]]
        return float(chosen.double().log().sum())

    def named(self, play: Tensor) -> dict[str, dict[str, float]]:
        """The distributions `play` (E, K) by the names of edges and operations."""
        space = self.space
        return {
            edge: {space.operations[index]: row[index] for index in offered}
            for edge, row, offered in zip(space.edges, play.tolist(), space.choices, strict=True)
        }


def _called(net: Supernet, parameters: dict[str, Tensor], *inputs: Any) -> Any:
    return torch.func.functional_call(net, parameters, inputs)


def checked(loss: Tensor, which: str) -> Tensor:
    """The loss; `UserError` if it is not finite. On CUDA the loop asks, when it reads the loss."""
    if not loss.is_cuda:
        finite(loss.item(), which)
    return loss


@dataclass(slots=True)
class Step:
    """Report of one step; the loop writes it to metrics.jsonl."""

    train_loss: Tensor
    details: dict[str, Any] = field(default_factory=dict)
    """further numbers, JSON-ready, or tensors: the loop takes those to the host, many at once"""


class Strategy(Protocol):
    """A search method at work."""

    def step(self, train: Batch, valid: Batch) -> Step:
        """Take one step on the weights, and one of the method itself."""

    def finish(self) -> tuple[Architecture, Weights]:
        """The architecture found, and the weights that the supernet is measured with."""

    def believes(self, architecture: Architecture) -> float:
        """What the method says of an architecture at its end; larger is better."""

    def report(self) -> dict[str, Any]:
        """Entries that the method adds to result.json."""

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs besides the network and its optimizer."""

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`; also removes from the network what was removed then."""


READ_RULES = ("auto", "darts", "mode", "sample")
"""Rules of `genotype.read` for a method that has a distribution on every edge."""


class MethodSettings(ABC):
    """Settings of one search method, and the way to start it.

    A method derives a frozen dataclass, all of whose fields have defaults. Its fields are the
    method's options on the command line, its field docstrings their help.
    """

    name: ClassVar[str]
    """after --method"""
    rules: ClassVar[tuple[str, ...]]
    """what --read may be"""

    @abstractmethod
    def start(self, context: Context) -> Strategy:
        """The method at its first step."""

    def tuning(self, space: Space) -> Tuning:
        """How the shared weights are trained: as the space says, unless the method knows better."""
        return space.search_tuning

    def check(self, epochs: int) -> None:  # noqa: B027
        """Raise `UserError` if the settings do not fit a search of so many epochs."""

    def idle(self) -> dict[str, str]:
        """Options that these settings leave without effect -> the reason, for a message."""
        return {}


METHODS: dict[str, type[MethodSettings]] = {}
"""The settings of every method by its name; `method` enters them."""

Settings = TypeVar("Settings", bound=type[MethodSettings])


def method(settings: Settings) -> Settings:
    """Class decorator: enter a method by its settings."""
    if settings.name in METHODS:
        raise ValueError(f"there is a method {settings.name!r} already")
    METHODS[settings.name] = settings
    return settings
