"""What a network of images learns: the loss and the metric of its outputs, example by example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from nas_adapter.errors import UserError


@dataclass(frozen=True)
class Goal:
    """A loss to train by and a metric to measure by; classification is `classes`.

    Examples
    --------
    Regression, and several labels for an image:

    >>> from torch.nn import functional
    >>> near = Goal(1, functional.mse_loss, "error", lambda y, t: (y - t).abs()[:, 0], False)
    >>> tags = Goal(
    ...     5, functional.binary_cross_entropy_with_logits, "labels_right",
    ...     lambda y, t: ((y > 0) == (t > 0.5)).float().mean(1),
    ... )
    """

    outputs: int
    """numbers that a network gives for an example"""
    loss: Callable[..., Tensor]
    """(outputs (n, outputs), targets, reduction="mean" or "none"), as in torch.nn.functional; not
    negative"""
    metric: str
    """name of what `score` measures"""
    score: Callable[[Tensor, Tensor], Tensor]
    """(outputs, targets) -> (n,); the metric is its mean over the examples"""
    higher_is_better: bool = True

    def mean_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of a batch, a scalar."""
        return self.loss(outputs, _fit(targets, outputs), reduction="mean")

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of every example, (n,); where a loss has several terms, their mean."""
        terms = self.loss(outputs, _fit(targets, outputs), reduction="none")
        return terms.reshape(len(outputs), -1).mean(1)

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Score of every example, (n,)."""
        return self.score(outputs, _fit(targets, outputs))

    def guess(self, targets: Tensor) -> float:
        """Mean loss of outputs that are all 0: what a network loses that knows nothing."""
        zeros = torch.zeros(len(targets), self.outputs, device=targets.device)
        return float(self.losses(zeros, targets).double().mean())

    def check(self, targets: Tensor) -> None:
        """Raise `UserError` unless loss and score take these targets (n, ...)."""
        if self.metric == "loss":
            raise UserError("goal: its metric cannot be called loss, which is reported beside it")
        few = targets[:2]
        zeros = torch.zeros(len(few), self.outputs, device=targets.device)
        shapes = f"outputs {tuple(zeros.shape)} and targets {tuple(few.shape)}, {few.dtype}"
        try:
            found = [self.losses(zeros, few), self.scores(zeros, few)]
            self.mean_loss(zeros, few)
        except Exception as error:  # it is the user's own code: anything can happen
            raise UserError(f"goal: its loss or score fails on {shapes}: {error}") from error
        if found[1].shape != (len(few),):
            raise UserError(
                f"goal: score must give ({len(few)},) on {shapes}; got {tuple(found[1].shape)}"
            )


def classes(count: int) -> Goal:
    """Classification: cross-entropy in nats, and accuracy, the share that is classified right."""
    return Goal(count, functional.cross_entropy, "accuracy", _right)


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.argmax(-1) == labels


def _fit(targets: Tensor, outputs: Tensor) -> Tensor:
    """Targets in the shape and type of the outputs, where there are as many numbers: no labels."""
    if targets.numel() != outputs.numel():
        return targets
    return targets.to(outputs.dtype).reshape(outputs.shape)
