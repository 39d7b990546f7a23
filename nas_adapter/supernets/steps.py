"""Steps of an optimizer, and their capture in CUDA graphs.

A supernet's step is thousands of small kernels, and a GPU waits for each of them to be launched. A
graph launches all at once. It repeats what was captured, on the same memory: what changes from step
to step is copied there before.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nas_adapter import ranks

Results = tuple[Tensor, ...]
Captured = tuple[Callable[[], None], Results]
"""What repeats a step, and where its results are then."""
WARM_UP = 3
"""Steps that run as they are before one is captured; so many follow a change of the structure."""


def descend(
    optimizer: torch.optim.Optimizer, clip: float | None, loss: Callable[[], Tensor]
) -> Tensor:
    """One step of the optimizer on `loss()`, gradients clipped to norm `clip`; the loss before.

    Both are means over the processes, each of which has a part of the batch.
    """
    optimizer.zero_grad()
    value = loss()
    value.backward()  # type: ignore[no-untyped-call]
    own = [parameter.grad for parameter in parameters(optimizer) if parameter.grad is not None]
    for gradient, mean in zip(own, ranks.mean(own), strict=True):
        gradient.copy_(mean)
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters(optimizer), clip)
    optimizer.step()
    return ranks.averaged(value.detach())


def cosine(optimizer: torch.optim.Optimizer, progress: float, high: float, low: float) -> None:
    """Set the learning rate to the cosine schedule's value at `progress` in [0, 1]."""
    rate = low + (high - low) * (1 + math.cos(math.pi * progress)) / 2
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):  # where a CUDA graph reads it
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """What the optimizer changes: a network's parameters, without a walk through its modules."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


@contextmanager
def frozen(parameters: Iterable[Tensor]) -> Iterator[None]:
    """Context in which no gradients in these parameters are computed."""
    thawed = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in thawed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in thawed:
            parameter.requires_grad_()


class Graphs:
    """Runs steps; on CUDA each is captured in a graph and then repeated.

    A step that cannot be captured runs as it is, after one line on standard error. On the CPU, and
    where processes share the batch, all steps run as they are.

    Parameters
    ----------
    capture
        Runs a function in a way that can be repeated. Default: a CUDA graph, for tensors on CUDA.
    """

    def __init__(self, capture: Callable[[Callable[[], Results]], Captured] | None = None) -> None:
        self._capture = capture
        self._kept: dict[str, _Kept] = {}
        self._failed: set[str] = set()

    def reset(self) -> None:
        """Forget all graphs: the network's structure has changed, or a number in its steps."""
        self._kept.clear()

    def run(self, name: str, step: Callable[..., Results], *arguments: Any) -> Results:
        """`step(*arguments)`; the same name always means the same step.

        Parameters
        ----------
        arguments
            Tensors, and named tuples and dataclasses with tensors; with others the step runs as it
            is. In a dataclass the step may store tensors where there was None.
        """
        on_cuda = _on_cuda(arguments)
        capture = self._capture or (_cuda_graph if on_cuda else None)
        if (
            capture is None
            or ranks.count() > 1
            or name in self._failed
            or not all(map(_known, arguments))
        ):
            return step(*arguments)
        kept = self._kept.setdefault(name, _Kept(_shapes(arguments)))
        if kept.shapes != _shapes(arguments):
            return step(*arguments)  # a text's first window has no state before it
        if kept.steps < WARM_UP:
            kept.steps += 1
            return _aside(lambda: step(*arguments)) if on_cuda else step(*arguments)
        try:
            return kept.repeat(capture, step, arguments)
        except RuntimeError as error:
            self._failed.add(name)
            reason = str(error).partition("\n")[0]
            print(f"{name} is not captured in a CUDA graph: {reason}", file=sys.stderr)
            return step(*arguments)


@dataclasses.dataclass
class _Kept:
    """A step, before and after it is captured."""

    shapes: list[Any]
    steps: int = 0
    replay: Callable[[], None] | None = None
    arguments: tuple[Any, ...] = ()
    results: Results = ()

    def repeat(
        self,
        capture: Callable[[Callable[[], Results]], Captured],
        step: Callable[..., Results],
        arguments: tuple[Any, ...],
    ) -> Results:
        """Do the step once; capture it first if it is not."""
        if self.replay is None:
            self.arguments = tuple(_copied(argument) for argument in arguments)
            self.replay, self.results = capture(lambda: step(*self.arguments))
        pairs = list(zip(arguments, self.arguments, strict=True))
        for given, kept in pairs:
            for name, part in _tensors(given).items():
                _tensors(kept)[name].copy_(part)
        self.replay()
        for given, kept in pairs:
            for name in _tensors(kept).keys() - _tensors(given).keys():
                setattr(given, name, _tensors(kept)[name].clone())
        return tuple(result.clone() for result in self.results)


def _known(argument: Any) -> bool:
    """Whether `_tensors` finds all that changes from step to step."""
    return (
        isinstance(argument, Tensor)
        or hasattr(argument, "_fields")
        or dataclasses.is_dataclass(argument)
    )


def _on_cuda(arguments: tuple[Any, ...]) -> bool:
    known = (argument for argument in arguments if _known(argument))
    return any(part.is_cuda for argument in known for part in _tensors(argument).values())


def _tensors(argument: Any) -> dict[str, Tensor]:
    """The tensors of an argument of a step, by their names."""
    if isinstance(argument, Tensor):
        return {"": argument}
    names = getattr(argument, "_fields", None) or [f.name for f in dataclasses.fields(argument)]
    parts = {name: getattr(argument, name) for name in names}
    return {name: part for name, part in parts.items() if isinstance(part, Tensor)}


def _copied(argument: Any) -> Any:
    copies = {name: part.clone() for name, part in _tensors(argument).items()}
    if isinstance(argument, Tensor):
        return copies[""]
    if hasattr(argument, "_replace"):
        return argument._replace(**copies)
    return dataclasses.replace(argument, **copies)


def _shapes(arguments: tuple[Any, ...]) -> list[Any]:
    """What must be the same for a graph to be used."""
    return [
        {name: (part.shape, part.dtype) for name, part in _tensors(argument).items()}
        for argument in arguments
    ]


def _aside(function: Callable[[], Results]) -> Results:
    """Run on the stream that graphs are captured on, so that what a first run sets up is there."""
    stream = _stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        results = function()
    torch.cuda.current_stream().wait_stream(stream)
    return results


@functools.cache
def _stream() -> torch.cuda.Stream:
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


def _cuda_graph(function: Callable[[], Results]) -> Captured:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=_stream()):
        results = function()
    return graph.replay, results
