"""Captured steps do what the steps do. Without a GPU, a stand-in takes the place of its graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from nas_adapter.data.images import Batch
from nas_adapter.spaces import DARTSRNN, NASBench201, Space
from nas_adapter.supernets.steps import (
    WARM_UP,
    Captured,
    Graphs,
    Results,
    cosine,
    descend,
    frozen,
)
from nas_adapter.supernets.supernet import forget
from tests.nas_adapter.small import make_batch, make_net


class Recorder:
    """Like a CUDA graph it repeats a function on the tensors that it was captured with."""

    def __init__(self) -> None:
        self.captured = self.replayed = 0

    def __call__(self, function: Callable[[], Results]) -> Captured:
        self.captured += 1
        results: list[Tensor] = []

        def replay() -> None:
            self.replayed += 1
            results[:] = function()

        return replay, results  # type: ignore[return-value]


def train(graphs: Graphs, steps: int) -> tuple[list[float], dict[str, Tensor]]:
    """Losses and parameters of a supernet in training, of which an operation goes on the way."""
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(batch: Batch, weights: Tensor) -> Results:
        loss = lambda: nn.functional.cross_entropy(net(batch.images, weights), batch.labels)  # noqa: E731
        return (descend(optimizer, 5.0, loss),)

    losses = []
    for index in range(steps):
        weights = torch.full((6, 5), 0.2 + 0.01 * index)
        (loss,) = graphs.run("a step", step, make_batch(index), weights)
        losses.append(loss)
        if index == steps // 2:
            net.remove(2, 3)
            forget(optimizer, net)
            graphs.reset()
    return [loss.item() for loss in losses], net.state_dict()


def test_captured_steps_are_the_steps() -> None:
    recorder, count = Recorder(), 4 * WARM_UP
    losses, state = train(Graphs(recorder), count)
    expected, expected_state = train(Graphs(), count)
    assert losses == expected
    assert all(torch.equal(state[name], part) for name, part in expected_state.items())
    assert recorder.captured == 2, "once before the removal, once after"
    assert recorder.replayed == count - 2 * WARM_UP


def test_other_shapes_run_as_they_are() -> None:
    recorder = Recorder()
    graphs = Graphs(recorder)
    seen: list[int] = []

    def step(x: Tensor) -> Results:
        seen.append(len(x))
        return (x.sum(),)

    lengths = [4] * (WARM_UP + 1) + [3, 4]
    found = [graphs.run("sum", step, torch.ones(length))[0].item() for length in lengths]
    assert found == lengths == seen
    assert (recorder.captured, recorder.replayed) == (1, 2)


def test_what_a_step_stores_in_its_batch_is_stored() -> None:
    @dataclass
    class Window:
        inputs: Tensor
        after: Tensor | None = None

    def step(window: Window) -> Results:
        window.after = 2 * window.inputs
        return (window.inputs.sum(),)

    recorder = Recorder()
    graphs = Graphs(recorder)
    for index in range(WARM_UP + 2):
        window = Window(torch.full((3,), float(index)))
        graphs.run("double", step, window)
        assert window.after is not None
        assert window.after.tolist() == [2.0 * index] * 3
    assert recorder.replayed == 2


def test_a_step_that_cannot_be_captured_runs_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(function: Callable[[], Results]) -> Captured:
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    count = 2 * WARM_UP
    assert train(Graphs(refuse), count)[0] == train(Graphs(), count)[0]
    assert capsys.readouterr().err == (
        "a step is not captured in a CUDA graph: operation not permitted\n"
    )


@pytest.mark.parametrize("space", [NASBench201(), DARTSRNN()], ids=["momentum", "none"])
def test_an_optimizer_for_graphs_takes_the_same_steps(space: Space) -> None:
    """Also where each step has gradients in some parameters only, and the rate changes."""
    tuning, found = replace(space.search_tuning, rate=0.1), []
    for captured in (False, True):
        torch.manual_seed(0)
        parameters = [nn.Parameter(torch.randn(3, dtype=torch.float64)) for _ in range(4)]
        optimizer = tuning.sgd(parameters, captured=captured)
        for index in range(8):
            cosine(optimizer, index / 8, tuning.rate, 0.01)
            optimizer.zero_grad()
            used = [part for place, part in enumerate(parameters) if (index + place) % 3]
            torch.autograd.backward([part.square().sum() for part in used])
            optimizer.step()
        found.append(torch.stack([part.detach() for part in parameters]))
    torch.testing.assert_close(found[1], found[0], atol=1e-7, rtol=1e-7)  # the rate is float32


def test_frozen_parameters_get_no_gradient_and_are_thawed() -> None:
    net, weights = make_net(), torch.full((6, 5), 0.2, requires_grad=True)
    next(net.parameters()).requires_grad_(False)
    with frozen(net.parameters()):
        assert not any(parameter.requires_grad for parameter in net.parameters())
        net(make_batch(0).images, weights).sum().backward()
    assert weights.grad is not None
    assert all(parameter.grad is None for parameter in net.parameters())
    assert [p.requires_grad for p in net.parameters()] == [False] + [True] * (
        len(list(net.parameters())) - 1
    )
