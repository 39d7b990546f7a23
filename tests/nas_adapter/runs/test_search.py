"""Whole searches of every kind: regret, certificates, bounds, warm-up, wipe-outs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nas_adapter.data import images as data_sets
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.spaces import Architecture, NASBench201
from nas_adapter.strategies import MethodSettings
from nas_adapter.strategies.random_search import RandomSearchSettings
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.strategies.xnas_sampled import SampledXNASSettings
from nas_adapter.tasks import ImageClassification, ImageSettings

SPACE = NASBench201()


@pytest.fixture(scope="module")
def digits() -> ImageClassification:
    images = data_sets.load("digits", Path("unused"), 32)
    return ImageClassification(images, ImageSettings(), seed=3)


def searched(
    method: MethodSettings, task: ImageClassification, out: Path, epochs: int = 3
) -> tuple[Architecture, dict[str, Any], list[dict[str, Any]]]:
    """The architecture found, what result.json gets, and the metrics of all steps."""
    settings = SearchSettings(method=method, epochs=epochs, channels=4)
    run = Run(out, {}, resume=False, device=torch.device("cpu"))
    found, report, _ = search(settings, SPACE, task, run, seed=3)
    steps = run.history("search")
    run.close()
    return found, report, steps


def test_regret_and_bounds_of_a_real_search(digits: ImageClassification, tmp_path: Path) -> None:
    """regret <= certificate at every step; <= bound with wipeout <= bound, at the end."""
    found, report, steps = searched(XNASSettings(reward_bound=0.01), digits, tmp_path)
    assert len(steps) == report["steps"] == 33
    for step in steps:
        assert step["regret"] <= step["regret_certificate"] + 1e-12
        np.testing.assert_allclose(np.sum(step["probabilities"], axis=-1), 1)
    assert report["regret"] <= report["regret_bound_with_wipeout"] < report["regret_bound"]
    assert report["regret_certificate"] <= report["regret_bound"]
    wiped = {(w["edge"], w["operation"]) for w in report["wiped_out"]}
    for edge, chosen in zip(SPACE.edges, found, strict=True):
        play = report["edge_probabilities"][edge]
        assert play[SPACE.operations[chosen]] == max(play.values())
        assert {o for o in SPACE.operations if (edge, o) in wiped} == {
            o for o, p in play.items() if p == 0
        }


@pytest.mark.parametrize(
    ("method", "warmup"),
    [
        (SampledXNASSettings(), 0),
        (XNASSettings(reward_bound=0.01, learner="adahedge"), 0),
        (XNASSettings(reward_bound=0.01, learner="adahedge", warmup=1), 1),
        (XNASSettings(reward_bound="auto", warmup=1), 1),
    ],
    ids=["sampled", "adahedge", "adahedge after a warm-up", "L from the warm-up"],
)
def test_every_variant_keeps_its_certificate(
    method: MethodSettings, warmup: int, digits: ImageClassification, tmp_path: Path
) -> None:
    """regret <= certificate after every step, in the losses that the learner takes in."""
    _, report, steps = searched(method, digits, tmp_path)
    rounds = [step for step in steps if "regret" in step]
    assert len(rounds) == 33 - 11 * warmup
    for step in rounds:
        assert step["regret"] <= step["regret_certificate"] + 1e-9
        if isinstance(method, XNASSettings):  # a sampled search's bound is on the expectation
            assert step["regret_certificate"] <= step["regret_bound"] + 1e-9
    assert report["regret"] == rounds[-1]["regret"]


def test_a_warm_up_leaves_the_distributions_alone_and_finds_the_bound(
    digits: ImageClassification, tmp_path: Path
) -> None:
    _, report, steps = searched(XNASSettings(reward_bound="auto", warmup=1), digits, tmp_path)
    assert all(np.ptp(step["probabilities"]) == 0 for step in steps[:11])
    assert np.ptp(steps[11]["probabilities"]) > 0
    bound = report["reward_bound"]
    assert report["eta"] == pytest.approx(math.sqrt(2 * math.log(5) / (22 * bound**2)))
    assert 0 < bound < 1
    assert report["clipped_share"] < 0.5
    assert report["wiped_out"] == [] or min(w["step"] for w in report["wiped_out"]) > 22


def test_without_wipeout_nothing_is_removed(digits: ImageClassification, tmp_path: Path) -> None:
    _, report, _ = searched(XNASSettings(reward_bound=0.01, wipeout=False), digits, tmp_path, 1)
    assert report["wiped_out"] == []
    assert report["regret"] <= report["regret_certificate"] <= report["regret_bound"]


def test_random_search_finds_its_best_candidate(
    digits: ImageClassification, tmp_path: Path
) -> None:
    found, report, _ = searched(RandomSearchSettings(candidates=4), digits, tmp_path, 1)
    assert len(found) == 6
    assert report["candidates"] == 4
    assert report["best_candidate_accuracy"] == pytest.approx(report["valid_accuracy"])
