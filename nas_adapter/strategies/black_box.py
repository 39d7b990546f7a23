"""Black-box search: cells are trained one after the other, and a model of their losses asks on.

Without shared weights. What is learnt about a cell is its own, at the price of fewer cells.
"""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from experts.structured import Search
from nas_adapter import ranks
from nas_adapter.errors import UserError, positive
from nas_adapter.spaces import Architecture
from nas_adapter.spaces.choices import as_choices, to_architecture, to_point
from nas_adapter.strategies.base import Context, MethodSettings, Step, method
from nas_adapter.supernets.precision import precise
from nas_adapter.supernets.steps import Graphs, cosine, descend
from nas_adapter.supernets.supernet import Supernet
from nas_adapter.tasks import Batch


@method
@dataclass(frozen=True, kw_only=True)
class BlackBoxSettings(MethodSettings):
    """Settings of black-box search."""

    name: ClassVar = "black-box"
    rules: ClassVar = ("auto",)
    cell_epochs: int = 1
    """Passes over the training half that black-box search gives every cell; --epochs is for all."""

    def __post_init__(self) -> None:
        positive(cell_epochs=self.cell_epochs)

    def check(self, epochs: int) -> None:
        """See `MethodSettings.check`."""
        if epochs % self.cell_epochs:
            cells = max(1, round(epochs / self.cell_epochs))
            raise UserError(
                f"--epochs must be a multiple of --cell-epochs, got {epochs} and "
                f"{self.cell_epochs}; did you mean {cells * self.cell_epochs}?"
            )

    def start(self, context: Context) -> BlackBox:
        """See `MethodSettings.start`."""
        return BlackBox(self, context)


class BlackBox:
    """Train a cell for some epochs, tell `experts.structured.Search` its held-out loss, ask on.

    Every cell is a discrete network of the search's size that starts from the same weights and has
    a whole schedule of the learning rate. Its loss is the mean over the half of the data that
    drives the architecture. A cell whose loss is not finite has failed: its remaining steps do
    nothing and report what guessing loses. The cell with the smallest loss is found.
    """

    def __init__(self, settings: BlackBoxSettings, context: Context) -> None:
        self._context = context
        self._steps = context.task.search_steps * settings.cell_epochs
        space = as_choices(context.space, context.prior.cpu())
        self._search = Search(space, seed=context.seed, maximize=False)
        self._best: dict[str, Tensor] = {}
        self._losses: list[tuple[str, float | None]] = []
        self._begin(self._ask())

    def step(self, train: Batch, valid: Batch) -> Step:
        """One step on the present cell's weights; after its last one the cell is judged."""
        guess = torch.tensor(self._context.task.guess)
        if self._done == self._steps:
            return Step(guess)  # all cells of the space are trained
        loss = self._descend(train)
        self._done += 1
        self._failed = not math.isfinite(loss)
        shown = guess if self._failed else torch.tensor(loss)
        if self._done < self._steps:
            return Step(shown)
        details = self._judge()
        if not self._search.exhausted:
            self._begin(self._ask())
        return Step(shown, details)

    def finish(self) -> tuple[Architecture, Architecture]:
        """The best cell, whose weights the supernet takes over.

        Where the time was up before the first cell's training, that is judged as it is.
        """
        context = self._context
        if not self._losses:
            self._judge()
        found = self._found()
        context.remove(self._others(found))
        context.net.load_state_dict(self._best)
        return found, found

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: the model's mean."""
        return float(self._search.predict([to_point(self._context.space, architecture)])[0])

    def report(self) -> dict[str, Any]:
        """The cells with their held-out losses (None: failed), and what each choice is worth."""
        return {
            "cells_trained": [
                {"architecture": genotype, "held_out_loss": loss} for genotype, loss in self._losses
            ],
            "effects": [
                {"options": row.options, "effect": row.effect, "standard_error": row.error}
                for row in self._search.effects().rows
                if len(row.options) == 1
            ],
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {
            "search": json.dumps(self._search.state_dict(), default=lambda array: array.tolist()),
            "losses": self._losses,
            "best": self._best,
            "cell": self._cell,
            "done": self._done,
            "failed": self._failed,
            "net": self._net.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._search = Search.from_state_dict(json.loads(saved["search"]))
        self._losses, self._best = list(map(tuple, saved["losses"])), saved["best"]
        self._begin(tuple(saved["cell"]))
        self._done, self._failed = saved["done"], saved["failed"]
        self._net.load_state_dict(saved["net"])
        self._optimizer.load_state_dict(saved["optimizer"])

    def _ask(self) -> Architecture:
        return to_architecture(self._context.space, self._search.ask())

    def _begin(self, cell: Architecture) -> None:
        """Start with the training of a cell."""
        context = self._context
        self._cell, self._done, self._failed = cell, 0, False
        self._graphs = Graphs()
        self._net: Supernet = copy.deepcopy(context.net)
        for edge, operation in self._others(cell):
            self._net.remove(edge, operation)
        self._optimizer = context.space.search_tuning.optimizer(self._net)

    def _others(self, cell: Architecture) -> list[tuple[int, int]]:
        """What the space offers and a cell does not have: pairs (edge, operation)."""
        return [
            (edge, operation)
            for edge, offered in enumerate(self._context.space.choices)
            for operation in offered
            if operation != cell[edge]
        ]

    def _descend(self, batch: Batch) -> float:
        """A step on the weights; its loss, or nan once the cell has failed."""
        tuning = self._context.space.search_tuning
        if self._failed:
            return math.nan
        cosine(self._optimizer, self._done / self._steps, tuning.rate, tuning.lowest_rate)
        (loss,) = self._graphs.run("a cell's step", self._step, batch)
        return float(loss)

    def _step(self, batch: Batch) -> tuple[Tensor]:
        def loss() -> Tensor:
            with precise(self._context.task.device):
                return self._context.task.loss(self._net, batch, self._cell)

        return (descend(self._optimizer, self._context.space.search_tuning.clip, loss),)

    def _judge(self) -> dict[str, Any]:
        """Tell the search what the trained cell is worth; entries for the metrics."""
        context, task = self._context, self._context.task
        point, genotype = to_point(context.space, self._cell), context.space.genotype(self._cell)
        loss = math.nan
        if not self._failed:
            losses = task.losses(self._net, task.held_out(), self._cell)
            loss = float(ranks.averaged(losses.mean()))  # GPUs may differ in their last bits
        if not math.isfinite(loss):
            self._search.tell(point, failed=True)
            self._losses.append((genotype, None))
            return {"cell": genotype}
        best = min((value for _, value in self._losses if value is not None), default=math.inf)
        if loss < best:
            self._best = copy.deepcopy(self._net.state_dict())
        self._search.tell(point, loss)
        self._losses.append((genotype, loss))
        return {"cell": genotype, "valid_loss": loss}

    def _found(self) -> Architecture:
        if not self._best:
            raise UserError("every cell that was tried diverged: none was found")
        return to_architecture(self._context.space, self._search.best[0])
