"""Settings of a decision, what it costs, the guarantee of a trained one, and fidelity."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nas_adapter.errors import UserError
from nas_adapter.runs.choose import (
    AFFORDABLE,
    Candidate,
    ChoiceSettings,
    best_trained,
    capped,
    fidelity_cells,
    guarantee_sentence,
    measured_fidelity,
    training_flops,
)
from nas_adapter.runs.retrain import Retraining, RetrainSettings, Trained
from nas_adapter.spaces import NASBench201, Size
from nas_adapter.tasks import ImageSettings

SPACE = NASBench201()
EPOCHS, STEPS, BATCH = 3, 7, 11


class TinyTask:
    """Batches of zeros."""

    device, retrain_steps = torch.device("cpu"), STEPS

    def retrain_batches(self, epoch: int) -> Any:
        return itertools.repeat((torch.zeros(BATCH, 2, 6, 6), torch.zeros(BATCH, dtype=torch.long)))

    def loss(self, network: Any, batch: Any, weights: Any) -> torch.Tensor:
        return nn.functional.cross_entropy(network(batch[0]), batch[1])


class TinySpace(NASBench201):
    """Every architecture is one convolution and one linear layer."""

    def network(self, size: Any, choices: Any, *, search: bool) -> Any:
        return nn.Sequential(
            nn.Conv2d(2, 5, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 4)
        )


def retraining(epochs: int = EPOCHS) -> Retraining:
    task: Any = TinyTask()
    run: Any = None
    settings = RetrainSettings(epochs=epochs)
    return Retraining(settings, Size(2, 4, 5, 1), TinySpace(), task, run, 0)


def test_training_flops_against_a_count_by_hand() -> None:
    """2 a multiply-add: 5 x 2 filters of 3x3 on 4x4 places, then 80 x 4; forward and twice that."""
    forward = BATCH * (2 * 5 * 2 * 9 * 16 + 2 * 80 * 4)
    assert training_flops(retraining()) == 3 * forward * STEPS * EPOCHS


def test_what_settles_an_auto() -> None:
    one = training_flops(retraining(100))
    few, many = int(AFFORDABLE / one), int(AFFORDABLE / one) + 1
    settings = ChoiceSettings(decide="auto")
    cheap = settings.settled(retraining(100), few)
    assert (cheap.decide, cheap.fidelity_cells, cheap.fidelity_epochs) == ("trained", 12, 25)
    assert cheap.judged
    dear = settings.settled(retraining(100), many)
    assert (dear.decide, dear.fidelity_cells, dear.judged) == ("advice", 0, False)


@pytest.mark.parametrize("decide", ["trained", "advice", "search"])
def test_what_is_asked_for_is_kept(decide: str) -> None:
    settings = ChoiceSettings(decide=decide, fidelity_cells=13, fidelity_epochs=2)
    assert settings.settled(retraining(), 10**9) == settings
    assert settings.judged
    none = replace(settings, fidelity_cells=0).settled(retraining(1), 5)
    assert none.fidelity_cells == 0
    assert none.judged == (decide == "trained")
    assert ChoiceSettings(decide=decide).settled(retraining(1), 5).fidelity_epochs == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"decide": "guess"}, "unknown --decide 'guess': choose one of auto, trained, advice, sea"),
        ({"fidelity_cells": 11}, "--fidelity-cells must be 0 or at least 12"),
        ({"fidelity_cells": 1}, "--fidelity-cells must be 0 or at least 12"),
        ({"fidelity_cells": -1}, "--fidelity-cells must be 0 or more, got -1"),
        ({"fidelity_epochs": 0}, "--fidelity-epochs must be at least 1, got 0"),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ChoiceSettings(**wrong)


def candidate(*losses: float) -> Candidate:
    judged = torch.tensor(losses, dtype=torch.float64)
    return Candidate(["somebody"], (0,) * 6, Trained(0.5, 1.0, judged, 1.0))


def test_losses_are_capped_at_guessing() -> None:
    losses = torch.tensor([0.0, math.log(10) / 2, math.log(10), 1e9, math.inf, math.nan])
    assert capped(losses, math.log(10)).tolist() == pytest.approx([0, 0.5, 1, 1, 1, 1])


def test_the_smallest_capped_loss_wins_and_its_guarantee_is_hoeffding_s() -> None:
    ln = math.log(10)
    found = [
        candidate(0.5 * ln, 0.5 * ln, 0.5 * ln, 0.5 * ln),
        candidate(0.0, 0.0, 0.0, 1000.0),  # the smallest, but for one bad example
        candidate(0.3 * ln, 0.3 * ln, 0.3 * ln, 0.3 * ln),
    ]
    best, facts = best_trained(found, math.log(10))
    assert best is found[1]
    assert facts["capped_loss"] == pytest.approx(0.25)
    assert facts["spread"] == pytest.approx(0.25)
    assert facts["judging_examples"] == 4
    expected = 2 * math.sqrt(math.log(2 * 3 / 0.05) / (2 * 4))
    assert facts["guarantee"] == pytest.approx(expected)
    assert facts["guarantee_is_vacuous"]
    said = guarantee_sentence(facts, independent=True)
    assert said.startswith("with probability 95% the chosen cell's expected held-out loss")
    assert f"within {expected:.3f} of the best candidate's" in said
    assert "vacuous" in said
    assert "no guarantee" in guarantee_sentence(facts, independent=False)


def test_a_guarantee_that_is_narrower_than_the_spread_is_not_vacuous() -> None:
    _, facts = best_trained([candidate(*[0.0] * 400), candidate(*[9.0] * 400)], math.log(10))
    assert facts["guarantee"] == pytest.approx(2 * math.sqrt(math.log(80) / 800))
    assert not facts["guarantee_is_vacuous"]
    assert "vacuous" not in guarantee_sentence(facts, independent=True)


def test_ties_and_networks_that_are_broken() -> None:
    tied = [candidate(1.0, 2.0), candidate(2.0, 1.0), candidate(1.0, 2.0)]
    assert best_trained(tied, math.log(10))[0] is tied[0]
    broken = [candidate(math.nan, math.nan), candidate(2.0, 2.0)]
    assert best_trained(broken, math.log(10))[0] is broken[1]


@pytest.mark.parametrize(("count", "examples"), [(2, 50), (6, 100)])
def test_the_guarantee_holds(count: int, examples: int) -> None:
    """Over 300 choices among coins of known means: it fails in no more than one in 20."""
    generator = np.random.default_rng(0)
    failed = 0
    for _ in range(300):
        means = generator.random(count)
        losses = (generator.random((examples, count)) < means) * math.log(10)
        found = [candidate(*losses[:, index].tolist()) for index in range(count)]
        best, facts = best_trained(found, math.log(10))
        index = next(i for i, one in enumerate(found) if one is best)
        failed += means[index] > means.min() + facts["guarantee"]
    assert failed <= 15


class Counted(Retraining):
    """Trains nothing; the loss of a cell is its number of convolutions, negated."""

    def train(self, architecture: Any, phase: str) -> Trained:
        assert self.settings.epochs == 2, "fidelity's own length"
        assert phase.startswith("fidelity ")
        loss = -float(sum(architecture))
        return Trained(0.0, 99.0, torch.full((3,), loss, dtype=torch.float64), 0.0)


def test_fidelity_is_of_held_out_losses_of_the_cells_that_were_asked_about() -> None:
    cells = fidelity_cells(SPACE, 0, 12)
    assert len(cells) == 12
    assert cells == fidelity_cells(SPACE, 0, 14)[:12], "the same however many"
    assert cells != fidelity_cells(SPACE, 1, 12)
    task: Any = TinyTask()
    run: Any = None
    plan = Counted(RetrainSettings(epochs=9), Size(2, 4, 5, 1), SPACE, task, run, 0, judged=True)
    beliefs = {
        "right": [float(sum(cell)) for cell in cells],
        "wrong": [-float(sum(cell)) for cell in cells],
    }
    settings = ChoiceSettings(fidelity_cells=12, fidelity_epochs=2)
    found = measured_fidelity(plan, settings, cells, beliefs)
    assert found is not None
    assert found["epochs"] == 2
    assert found["held_out_losses"] == [-float(sum(cell)) for cell in cells]
    assert found["right"]["spearman"] == pytest.approx(1)
    assert found["wrong"]["spearman"] == pytest.approx(-1)
    assert measured_fidelity(plan, settings, [], {}) is None


def test_an_image_costs_what_the_real_network_says() -> None:
    """Training costs grow with the epochs and the steps alone."""
    task = ImageSettings(data="digits", batch_size=64).load(0, torch.device("cpu"))
    run: Any = None
    size = task.size(4, search=False)
    one, two = (
        training_flops(Retraining(RetrainSettings(epochs=e), size, SPACE, task, run, 0))
        for e in (1, 2)
    )
    assert two == 2 * one > 0
