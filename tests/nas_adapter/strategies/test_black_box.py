"""Black-box search: what a cell's training is, what is told of it, and what it ends with."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch

from nas_adapter.errors import UserError
from nas_adapter.spaces import uniform_over_choices
from nas_adapter.strategies import Context
from nas_adapter.strategies.black_box import BlackBox, BlackBoxSettings
from nas_adapter.supernets.steps import cosine, descend
from nas_adapter.tasks import ImageSettings
from tests.nas_adapter.small import SPACE

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def task() -> Any:
    return ImageSettings(data="digits", batch_size=240).load(0, CPU)


def context(task: Any, epochs: int) -> Context:
    torch.manual_seed(0)
    net = SPACE.network(task.size(2, search=True), SPACE.choices, search=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025)
    prior = uniform_over_choices(SPACE, CPU)
    return Context(SPACE, task, net, optimizer, epochs * task.search_steps, 0, "auto", prior)


def run(strategy: BlackBox, task: Any, epochs: int) -> list[dict[str, Any]]:
    """Search; the details of the steps that ended a cell."""
    steps = [strategy.step(*b) for epoch in range(epochs) for b in task.search_batches(epoch)]
    return [step.details for step in steps if step.details]


def test_what_is_told_is_the_loss_of_the_cell_trained_alone(task: Any) -> None:
    made = context(task, 4)
    ended = run(BlackBox(BlackBoxSettings(cell_epochs=2), made), task, 4)
    assert len(ended) == 2
    cell = SPACE.parse(ended[1]["cell"])
    torch.manual_seed(0)
    alone = SPACE.network(task.size(2, search=True), SPACE.choices, search=True)
    for edge, operation in itertools.product(range(6), range(5)):
        if operation != cell[edge]:
            alone.remove(edge, operation)
    tuning = SPACE.search_tuning
    optimizer = tuning.optimizer(alone)
    batches = [train for epoch in (2, 3) for train, _ in task.search_batches(epoch)]
    for index, batch in enumerate(batches):
        cosine(optimizer, index / len(batches), tuning.rate, tuning.lowest_rate)
        descend(optimizer, tuning.clip, partial(task.loss, alone, batch, cell))
    loss = task.losses(alone, task.held_out(), cell).mean()
    assert ended[1]["valid_loss"] == pytest.approx(float(loss), rel=1e-6)


def test_it_ends_with_its_best_cell_and_that_cells_weights(task: Any) -> None:
    made = context(task, 4)
    strategy = BlackBox(BlackBoxSettings(), made)
    run(strategy, task, 4)
    trained = strategy.report()["cells_trained"]
    best = min(trained, key=lambda row: row["held_out_loss"])
    found, weights = strategy.finish()
    assert SPACE.genotype(found) == best["architecture"]
    loss = task.losses(made.net, task.held_out(), weights).mean()
    assert float(loss) == best["held_out_loss"]


def test_a_search_that_ends_early_ends_with_the_cell_under_way(task: Any) -> None:
    strategy = BlackBox(BlackBoxSettings(cell_epochs=2), context(task, 2))
    assert not run(strategy, task, 1)
    found, _ = strategy.finish()
    [trained] = strategy.report()["cells_trained"]
    assert SPACE.genotype(found) == trained["architecture"]
    assert trained["held_out_loss"] is not None


def test_a_cell_that_diverges_has_failed_and_is_not_found(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = context(task, 3)
    strategy = BlackBox(BlackBoxSettings(), made)
    descended, calls = strategy._step, itertools.count()

    def first_fails(batch: Any) -> Any:
        return descended(batch) if next(calls) else (torch.tensor(math.nan),)

    monkeypatch.setattr(strategy, "_step", first_fails)
    run(strategy, task, 3)
    trained = strategy.report()["cells_trained"]
    assert [row["held_out_loss"] is None for row in trained] == [True, False, False]
    assert next(calls) == 1 + 2 * task.search_steps  # a failed cell is not trained on
    assert SPACE.genotype(strategy.finish()[0]) != trained[0]["architecture"]


def test_where_every_cell_diverges_it_says_so(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = BlackBox(BlackBoxSettings(), context(task, 2))
    monkeypatch.setattr(strategy, "_step", lambda batch: (torch.tensor(math.inf),))
    run(strategy, task, 2)
    with pytest.raises(UserError, match="every cell"):
        strategy.finish()


def test_once_all_cells_are_trained_nothing_more_happens(task: Any) -> None:
    made = context(task, 4)
    prior = torch.zeros(6, 5, dtype=torch.float64)
    prior[:, 3] = 1.0
    prior[0, :2] = 0.5
    strategy = BlackBox(BlackBoxSettings(), replace(made, prior=prior))
    assert len(run(strategy, task, 4)) == 3
    assert len({row["architecture"] for row in strategy.report()["cells_trained"]}) == 3


def test_epochs_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UserError, match="multiple of --cell-epochs, got 5 and 2"):
        BlackBoxSettings(cell_epochs=2).check(5)
