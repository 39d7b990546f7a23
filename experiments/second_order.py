#!/usr/bin/env python3
"""DARTS's second-order gradient against the exact derivative, by the finite difference's step.

The exact one is PyTorch's double backward through the unrolled training step, in float64.
Prints and writes the relative difference of the two in the Euclidean norm.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from common.command import run_command
from common.output import table, write_result
from torch import Tensor, nn

from nas_adapter.spaces import DARTSCNN, NASBench201, Size, Space
from nas_adapter.strategies.darts import EPSILON, Objective, Parameters, unrolled_gradient

RATE, MOMENTUM, DECAY = 0.025, 0.9, 3e-4


class Problem(NamedTuple):
    """Training and validation loss of (weights, logits), and the point to differentiate at."""

    train: Objective
    valid: Objective
    weights: Parameters
    logits: Tensor
    buffers: Parameters
    """momentum's buffers"""

    def move(self, weights: Parameters, gradient: Parameters) -> dict[str, Tensor]:
        """The weights after one step of SGD with momentum and weight decay; differentiable."""
        return {
            name: weight - RATE * (MOMENTUM * self.buffers[name] + gradient[name] + DECAY * weight)
            for name, weight in weights.items()
        }


def problem(
    net: nn.Module, inputs: tuple[int, ...], outputs: int, edges: tuple[int, int]
) -> Problem:
    """The problem with the cross-entropy of `net(x, softmax(logits))` on two random batches."""
    generator = torch.Generator().manual_seed(1)

    def loss(batch: tuple[Tensor, Tensor]) -> Objective:
        return lambda weights, logits: nn.functional.cross_entropy(
            torch.func.functional_call(net, dict(weights), (batch[0], logits.softmax(-1))),
            batch[1],
        )

    def batch() -> tuple[Tensor, Tensor]:
        labels = torch.randint(outputs, inputs[:1], generator=generator)
        return torch.randn(inputs, generator=generator, dtype=torch.float64), labels

    weights = dict(net.named_parameters())
    logits = torch.randn(edges, generator=generator, dtype=torch.float64).requires_grad_()
    buffers = {
        name: 0.1 * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        for name, weight in weights.items()
    }
    return Problem(loss(batch()), loss(batch()), weights, logits, buffers)


class Smooth(nn.Module):
    """Network of two mixed edges between three hidden layers, every operation smooth."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(4))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Logits (batch, 3)."""
        for edge in range(2):
            left, right = self.layers[2 * edge], self.layers[2 * edge + 1]
            parts = (left(x).tanh(), nn.functional.softplus(right(x)), x)
            x = sum((p * part for p, part in zip(weights[edge], parts, strict=True)), 0 * x)
        return self.head(x)  # type: ignore[no-any-return]


def smooth_problem() -> Problem:
    """The problem of the network `Smooth`."""
    torch.manual_seed(0)
    return problem(Smooth().double(), (16, 6), 3, (2, 3))


def supernet_problem(space: Space, *, smooth: bool) -> Problem:
    """The problem of a small supernet; `smooth`: with softplus in the place of ReLU."""
    torch.manual_seed(0)
    net = space.network(Size(1, 3, 2, 1), space.choices, search=True).double()
    if smooth:
        for module in list(net.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.ReLU):
                    setattr(module, name, nn.Softplus())
    return problem(net, (8, 1, 8, 8), 3, (len(space.edges), len(space.operations)))


def exact(given: Problem) -> Tensor:
    """The exact derivative in the logits, by double backward."""
    names = tuple(given.weights)
    gradient = torch.autograd.grad(
        given.train(given.weights, given.logits),
        tuple(given.weights.values()),
        create_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    moved = given.move(given.weights, dict(zip(names, gradient, strict=True)))
    return torch.autograd.grad(given.valid(moved, given.logits), given.logits)[0]


def agreement(given: Problem, epsilon: float) -> float:
    """Relative difference |finite differences - exact| / |exact|."""
    _, found = unrolled_gradient(
        given.train, given.valid, given.weights, given.logits, given.move,
        rate=RATE, epsilon=epsilon,
    )  # fmt: skip
    true = exact(given)
    return float((found - true).norm() / true.norm())


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "smooth net": smooth_problem,
    "nasbench201, softplus": lambda: supernet_problem(NASBench201(), smooth=True),
    "nasbench201": lambda: supernet_problem(NASBench201(), smooth=False),
    "darts-cnn": lambda: supernet_problem(DARTSCNN(), smooth=False),
}


@dataclass(frozen=True)
class Config:
    """DARTS's second-order gradient against the exact derivative."""

    out: Path = Path("runs/second_order")
    """Folder for result.json."""
    smoke: bool = False
    """The smooth net alone."""


def main(config: Config) -> None:
    names = list(PROBLEMS)[: 1 if config.smoke else None]
    records = [
        {"problem": name, "epsilon": epsilon, "relative_difference": agreement(given, epsilon)}
        for name in names
        for given in [PROBLEMS[name]()]
        for epsilon in (100 * EPSILON, 10 * EPSILON, EPSILON, EPSILON / 10, EPSILON / 100)
    ]
    write_result(config.out, records)
    print(table(records, ("problem", "epsilon", "relative_difference")))


if __name__ == "__main__":
    sys.exit(run_command(Config, main, None))
