"""The decision of a run by each of its rules, and what it may not look at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nas_adapter.advice.prior import Prior, uniform
from nas_adapter.data import images as data_sets
from nas_adapter.data.images import Batch, Images, Split
from nas_adapter.errors import UserError
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.decide import Decision, decide
from nas_adapter.runs.retrain import Retraining, RetrainSettings, Trained
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import Found
from nas_adapter.spaces import Architecture, NASBench201, Size
from nas_adapter.tasks import ImageClassification, ImageSettings

SPACE = NASBench201()
SEARCHED: Architecture = (1,) * 6
ADVISED: Architecture = (2,) * 6
LARGEST: Architecture = (3,) * 6
DRAWN = ((4,) * 6, (0, 1, 2, 3, 4, 0))
CPU = torch.device("cpu")


@dataclass
class Told:
    """Stands for a `Retraining`: every cell's held-out loss, test loss, and whether it learns."""

    held_out: dict[Architecture, float] = field(default_factory=dict)
    test: dict[Architecture, float] = field(default_factory=dict)
    broken: set[Architecture] = field(default_factory=set)
    trained: list[str] = field(default_factory=list)
    space: NASBench201 = SPACE
    size: Size = field(default_factory=lambda: Size(1, 10, 2, 1))

    class task:  # noqa: N801 (an attribute of the real one)
        metric, independent, guess, device = "accuracy", True, math.log(10), CPU

        @staticmethod
        def held_out() -> Iterator[torch.Tensor]:
            yield torch.zeros(2, 1, 8, 8)

        @staticmethod
        def losses(net: Any, batches: Iterator[torch.Tensor], cell: Architecture) -> torch.Tensor:
            return torch.cat([net(images, cell).mean(1) for images in batches])

    def train(self, architecture: Architecture, phase: str) -> Trained:
        self.trained.append(phase)
        losses = torch.full((5,), self.held_out.get(architecture, 1.0), dtype=torch.float64)
        return Trained(0.5, self.test.get(architecture, 1.0), losses, 1.0)

    def learns(self, architecture: Architecture) -> bool:
        return architecture not in self.broken


def decided(
    told: Told, rule: str, prior: Architecture | None = ADVISED, random: Any = DRAWN
) -> Decision:
    retraining: Any = told
    favoured = Prior(uniform(SPACE).weights, "scores", prior)
    searched = Found(SEARCHED, {}, [])
    return decide(retraining, ChoiceSettings(decide=rule), searched, favoured, random)


@pytest.mark.parametrize("best", [SEARCHED, ADVISED, LARGEST, *DRAWN])
def test_trained_takes_the_smallest_held_out_loss_whoever_advised_it(best: Architecture) -> None:
    told = Told({best: 0.9}, test={best: 5.0})  # the worst by the test data
    decision = decided(told, "trained")
    assert decision.architecture == best
    assert decision.facts["test_loss"] == 5.0
    assert len(told.trained) == 5
    assert decision.phase in told.trained
    rows = {row["architecture"]: row for row in decision.facts["candidates"]}
    assert rows[SPACE.genotype(best)]["held_out_loss"] == pytest.approx(0.9)
    assert rows[SPACE.genotype(best)]["held_out_loss_error"] == 0
    assert decision.facts["decision"]["rule"] == "trained"
    assert decision.facts["search_architecture"] == SPACE.genotype(SEARCHED)


def test_ties_go_to_the_first_advisor() -> None:
    assert decided(Told(), "trained").architecture == SEARCHED
    assert decided(Told({ADVISED: 0.5, DRAWN[0]: 0.5}), "trained").architecture == ADVISED


def test_losses_beyond_guessing_count_as_guessing() -> None:
    """ln 10 is what guessing loses: two cells that lose more are tied, whatever they lose."""
    told = Told(dict.fromkeys((ADVISED, LARGEST, *DRAWN), 50.0) | {SEARCHED: 90.0})
    assert decided(told, "trained").architecture == SEARCHED


def test_a_cell_with_several_advisors_is_trained_once() -> None:
    told = Told({SEARCHED: 0.1})
    decision = decided(told, "trained", prior=SEARCHED, random=[LARGEST, SEARCHED])
    assert decision.facts["decision"]["advisors"] == ["search", "prior", "random 2"]
    assert told.trained == ["retrain search", "retrain largest"]
    assert len(decision.facts["random_architectures"]) == 2


def test_search_takes_the_search_s_cell_and_trains_no_advisor_s() -> None:
    told = Told({LARGEST: 0.0}, broken={SEARCHED, ADVISED})
    decision = decided(told, "search")
    assert decision.architecture == SEARCHED
    assert told.trained == ["retrain search", "retrain random 1", "retrain random 2"]
    untrained = [row for row in decision.facts["candidates"] if row["test_loss"] is None]
    assert {row["architecture"] for row in untrained} == {
        SPACE.genotype(cell) for cell in (ADVISED, LARGEST)
    }


@pytest.mark.parametrize(
    ("broken", "prior", "found", "vetoed"),
    [
        (set(), ADVISED, ADVISED, []),
        ({ADVISED}, ADVISED, SEARCHED, ["prior"]),
        (set(), None, SEARCHED, []),
        ({LARGEST, *DRAWN}, ADVISED, ADVISED, []),
        (set(), SEARCHED, SEARCHED, []),
    ],
)
def test_advice_takes_the_prior_s_cell_unless_it_is_broken(
    broken: set[Architecture],
    prior: Architecture | None,
    found: Architecture,
    vetoed: list[str],
) -> None:
    decision = decided(Told({LARGEST: 0.0}, broken=broken), "advice", prior)
    assert decision.architecture == found
    assert decision.facts["decision"]["vetoed"] == vetoed


def test_where_both_are_broken_nothing_is_reported() -> None:
    with pytest.raises(UserError, match="the cells of prior and search do not learn"):
        decided(Told(broken={ADVISED, SEARCHED}), "advice")


def test_how_far_the_found_cell_is_from_the_random_ones() -> None:
    told = Told(test={SEARCHED: 1.0, DRAWN[0]: 2.0, DRAWN[1]: 4.0})
    against = decided(told, "search").facts["against_random"]
    assert against == {
        "mean_test_loss": 3.0, "found_less_by": 2.0, "standard_error": pytest.approx(1.0),
        "cells": 2,
    }  # fmt: skip
    assert decided(told, "search", random=[]).facts["against_random"] is None
    one = decided(told, "search", random=DRAWN[:1]).facts["against_random"]
    assert one["standard_error"] is None


def images(count: int = 400, classes: int = 4) -> Images:
    """Every training image is known by its pixels, its number in base 256."""
    number = torch.arange(count)
    pixels = torch.stack([number // 256, number % 256], 1).to(torch.uint8)
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(classes, (count,), generator=generator)
    split = Split(pixels[:, None, None].expand(count, 1, 6, 2).contiguous(), labels)
    return Images(split, split, tuple("abcd"))


def numbers(split: Split) -> list[int]:
    return (split.images[:, 0, 0, 0].long() * 256 + split.images[:, 0, 0, 1].long()).tolist()


def normalised(task: ImageClassification, batch: Batch | None) -> list[int]:
    """The numbers of a batch's images."""
    assert batch is not None
    mean, std = task.moments
    pixels = (batch.images * std + mean).round().long()
    found: list[int] = (pixels[:, 0, 0, 0] * 256 + pixels[:, 0, 0, 1]).tolist()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_judges_are_seen_by_nobody_else(seed: int) -> None:
    """Neither by retraining, nor by the halves of the search, nor by a look."""
    data = images()
    whole = ImageClassification(data, ImageSettings(batch_size=16), seed=seed)
    task = whole.with_judges()
    judges = {n for batch in task.judges() for n in normalised(task, batch)}
    labels = torch.cat([batch.labels for batch in task.judges()])
    for label in range(4):
        members = int((data.train.labels == label).sum())
        assert int((labels == label).sum()) == members // 5
    retrained: set[int] = set()
    searched: set[int] = set()
    for epoch in range(8):
        retrained |= {n for batch in task.retrain_batches(epoch) for n in normalised(task, batch)}
        for pair in task.search_batches(epoch):
            searched |= {n for batch in pair for n in normalised(task, batch)}
    searched |= {n for batch in task.held_out() for n in normalised(task, batch)}
    looked_at = {n for index in range(8) for n in normalised(task, task.probe(index))}
    assert not judges & (retrained | searched | looked_at)
    assert judges | retrained == set(range(400)), "nothing is lost"
    assert looked_at <= searched
    assert {n for batch in task.test() for n in normalised(task, batch)} == set(range(400))
    again = {n for batch in whole.with_judges().judges() for n in normalised(task, batch)}
    assert again == judges, "the same seed"
    assert task.facts["judging_images"] == len(judges)


def test_probes_come_from_the_half_for_the_weights() -> None:
    task = ImageClassification(images(), ImageSettings(batch_size=16), seed=0)
    weights_half = {
        n for e in range(8) for train, _ in task.search_batches(e) for n in normalised(task, train)
    }
    held_out = {n for batch in task.held_out() for n in normalised(task, batch)}
    for index in range(5):
        probe = normalised(task, task.probe(index))
        assert len(set(probe)) == 32
        assert set(probe) <= weights_half - held_out
    assert normalised(task, task.probe(0)) != normalised(task, task.probe(1))


def test_nothing_to_set_aside() -> None:
    with pytest.raises(UserError, match="no class has 3 training images"):
        ImageClassification(images(4), ImageSettings(batch_size=2), seed=0).with_judges()
    task = ImageClassification(images(), ImageSettings(batch_size=2), seed=0)
    with pytest.raises(ValueError, match="no images were set aside"):
        task.judges()


@pytest.fixture(scope="module")
def digits() -> Images:
    return data_sets.load("digits", Path("unused"), 32)


def really_decided(data: Images, rule: str, out: Path) -> tuple[Architecture, dict[str, Any]]:
    task = ImageClassification(data, ImageSettings(batch_size=240), seed=0)
    judged = ChoiceSettings(decide=rule).judged
    run = Run(out, {}, resume=False, device=CPU)
    retraining = Retraining(
        RetrainSettings(epochs=1), Size(1, 10, 2, 1), SPACE,
        task.with_judges() if judged else task, run, 0, judged=judged,
    )  # fmt: skip
    searched = Found((1, 3, 1, 2, 1, 1), {}, [])
    favoured = Prior(uniform(SPACE).weights, "scores", ADVISED)
    found = decide(retraining, ChoiceSettings(decide=rule), searched, favoured, [DRAWN[1]])
    run.close()
    return found.architecture, found.facts


@pytest.mark.parametrize("rule", ["trained", "advice"])
def test_the_test_data_decides_nothing(rule: str, digits: Images, tmp_path: Path) -> None:
    """With other test images and labels the decision is the same, to the last digit."""
    found, facts = really_decided(digits, rule, tmp_path / "one")
    order = torch.randperm(len(digits.test), generator=stream(9, Stream.READ))
    test = Split(digits.test.images.flip(-1), digits.test.labels[order])
    other, others = really_decided(replace(digits, test=test), rule, tmp_path / "other")
    assert other == found
    assert others["decision"] == facts["decision"]
    assert others["test_loss"] != facts["test_loss"]
    if rule == "trained":
        rows = facts["candidates"]
        assert [row["held_out_loss"] for row in others["candidates"]] == [
            row["held_out_loss"] for row in rows
        ]


@pytest.mark.parametrize("batch_size", [64, 240])
def test_a_sound_cell_learns_however_few_steps_an_epoch_has(
    batch_size: int, digits: Images, tmp_path: Path
) -> None:
    task = ImageClassification(digits, ImageSettings(batch_size=batch_size), seed=0)
    run = Run(tmp_path, {}, resume=False, device=CPU)
    plan = Retraining(RetrainSettings(epochs=20), Size(1, 10, 2, 1), SPACE, task, run, 0)
    assert plan.learns((2,) * 6)
    run.close()
    assert not (tmp_path / "checkpoint.pt").exists(), "a veto keeps nothing"


def test_a_cell_that_passes_nothing_on_does_not_learn(digits: Images, tmp_path: Path) -> None:
    task = ImageClassification(digits, ImageSettings(batch_size=64), seed=0)
    run = Run(tmp_path, {}, resume=False, device=CPU)
    plan = Retraining(RetrainSettings(epochs=20), Size(1, 10, 4, 1), SPACE, task, run, 0)
    assert not plan.learns((0,) * 6)
    run.close()
