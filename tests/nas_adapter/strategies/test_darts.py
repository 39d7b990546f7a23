"""DARTS against its paper: the second-order gradient, the unrolled step, the steps of a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from second_order import Problem, agreement, smooth_problem, supernet_problem

from nas_adapter.data import images as data_sets
from nas_adapter.spaces import NASBench201, uniform_over_choices
from nas_adapter.strategies import Context
from nas_adapter.strategies.darts import (
    DARTS,
    EPSILON,
    DARTSSettings,
    FirstOrder,
    SecondOrder,
    next_weights,
    unrolled_gradient,
)
from nas_adapter.tasks import ImageClassification, ImageSettings

SPACE = NASBench201()


@pytest.mark.parametrize(
    "problem", [smooth_problem(), supernet_problem(SPACE, smooth=True)], ids=["net", "supernet"]
)
def test_second_order_is_the_exact_derivative(problem: Problem) -> None:
    """Within 1e-3 of double backward at the published epsilon, and falling with its square."""
    published, finer = agreement(problem, EPSILON), agreement(problem, EPSILON / 10)
    assert published < 1e-3
    assert published / finer == pytest.approx(100, rel=0.05)


@pytest.fixture(scope="module")
def task() -> ImageClassification:
    images = data_sets.load("digits", Path("unused"), 32)
    return ImageClassification(images, ImageSettings(), seed=0)


def make(task: ImageClassification, space: NASBench201 = SPACE) -> Context:
    torch.manual_seed(0)
    net = space.network(task.size(2, search=True), space.choices, search=True)
    optimizer = space.search_tuning.optimizer(net)
    prior = uniform_over_choices(space, task.device)
    return Context(space, task, net, optimizer, steps=4, seed=0, rule="auto", prior=prior)


def test_the_unrolled_step_is_the_optimizer_s(task: ImageClassification) -> None:
    context = make(task)
    play = torch.full((6, 5), 0.2)
    for train, _ in list(task.search_batches(0))[:3]:  # the second and third have momentum
        weights = dict(context.net.named_parameters())
        context.optimizer.zero_grad()
        context.loss(train, play).backward()  # type: ignore[no-untyped-call]
        gradient = {name: w.grad for name, w in weights.items() if w.grad is not None}
        expected = next_weights(context.optimizer, weights, gradient)
        context.optimizer.step()
        for name, weight in weights.items():
            torch.testing.assert_close(weight.detach(), expected[name])


def test_clipping_in_the_unrolled_step_scales_it() -> None:
    """Clipped to norm c, g counts as k g and v as k' v: k, k' = c / norm, held constant."""
    start = torch.tensor([2.0, -3.0, 5.0], dtype=torch.float64, requires_grad=True)
    alpha = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64, requires_grad=True)
    aim, rate, clip = torch.arange(3.0, dtype=torch.float64), 0.1, 0.25

    def train(w: Any, a: torch.Tensor) -> torch.Tensor:
        return torch.sum(a * w["w"] ** 2)

    def valid(w: Any, a: torch.Tensor) -> torch.Tensor:
        return torch.sum((w["w"] - aim) ** 2) + a.sum()

    gradient = (2 * alpha * start).detach()
    k = clip / gradient.norm()
    moved = start.detach() - rate * k * gradient
    v = 2 * (moved - aim)
    k_v = clip / v.norm()
    assert max(k, k_v) < 1
    expected = 1 - rate * k * k_v * (2 * start.detach() * v)
    loss, found = unrolled_gradient(
        train, valid, {"w": start}, alpha,
        lambda w, g: {"w": w["w"] - rate * g["w"]}, rate=rate, clip=clip,
    )  # fmt: skip
    torch.testing.assert_close(loss, ((moved - aim) ** 2).sum() + alpha.detach().sum())
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("settings", [FirstOrder(), SecondOrder()])
def test_a_step_moves_the_logits_by_adam_then_the_weights(
    task: ImageClassification, settings: DARTSSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make(task)
    method = DARTS(settings, context)
    before = {name: w.detach().clone() for name, w in context.net.named_parameters()}
    logits = method.state_dict()["logits"].clone()
    seen: list[Any] = []

    def recording(context: Context, batch: Any, weights: torch.Tensor) -> float:
        for name, weight in context.net.named_parameters():
            assert torch.equal(weight, before[name]), "the architecture's move changed the weights"
        seen.append(weights)
        return 0.0

    monkeypatch.setattr(Context, "descend", recording)
    train, valid = next(iter(task.search_batches(0)))
    method.step(train, valid)
    moved = method.state_dict()["logits"]
    # Adam's first step is rate * sign(gradient), here with decay in the gradient.
    assert (moved - logits).abs().max() == pytest.approx(SPACE.architecture_rate, rel=1e-3)
    torch.testing.assert_close(seen[0], moved.softmax(-1))


def test_first_order_is_the_gradient_of_the_validation_loss(task: ImageClassification) -> None:
    context = make(task)
    method = DARTS(FirstOrder(), context)
    train, valid = next(iter(task.search_batches(0)))
    logits = method.state_dict()["logits"].clone().requires_grad_()
    loss = context.loss(valid, logits.softmax(-1))
    (expected,) = torch.autograd.grad(loss, logits)
    found, gradient = method.gradient(train, valid)
    assert found == pytest.approx(loss.item())
    torch.testing.assert_close(gradient, expected)


def test_operations_that_an_edge_does_not_offer_are_never_played(task: ImageClassification) -> None:
    class Narrow(NASBench201):
        choices = ((0, 1), *NASBench201.choices[1:])

    method = DARTS(FirstOrder(), make(task, Narrow()))
    step = method.step(*next(iter(task.search_batches(0))))
    assert step.details["probabilities"][0][2:] == [0, 0, 0]
    found, _ = method.finish()
    assert found[0] in {0, 1}
    assert set(method.report()["edge_probabilities"]["1<-0"]) == {"none", "skip_connect"}
