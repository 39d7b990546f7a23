"""Unequal classes: what is reported beside accuracy; and images that show nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import nas_adapter
from nas_adapter import Goal, UserError, make_settings
from nas_adapter.data.images import Images, Split
from nas_adapter.front.retrain import summarised
from nas_adapter.output.verdict import beside
from nas_adapter.tasks import ImageClassification, ImageSettings
from tests.nas_adapter.front.small_data import CHANNELS, TINY

NAMES = ("often", "rare")


def images(often: int, rare: int) -> Images:
    labels = torch.tensor([0] * often + [1] * rare)
    noise = torch.rand(len(labels), CHANNELS, 8, 8, generator=torch.Generator().manual_seed(0))
    part = Split(noise + labels[:, None, None, None], labels)
    return Images(part, part, NAMES)


def task(data: Images) -> ImageClassification:
    return ImageClassification(data, ImageSettings(batch_size=4), seed=0)


def always(label: int) -> Any:
    return lambda x, _weights: torch.eye(2)[label].expand(len(x), 2)


def test_balanced_accuracy_is_the_mean_over_the_classes() -> None:
    unequal = task(images(often=30, rare=10))
    assert unequal.facts["largest_class"] == "often"
    assert unequal.facts["largest_class_accuracy"] == 0.75
    assert unequal.measure(always(0), unequal.test(), ()) == 0.75
    assert unequal.further(always(0), unequal.test(), ()) == {"balanced_accuracy": 0.5}

    def bright(x: Tensor, _weights: object) -> Tensor:
        right = unequal._images.normalised(unequal._images.test.images)
        middle = right.mean()
        guess = (x.mean((1, 2, 3)) > middle).long()
        return torch.eye(2)[guess]

    assert unequal.further(bright, unequal.test(), ()) == {"balanced_accuracy": 1.0}


def test_equal_classes_need_no_second_number() -> None:
    equal = task(images(often=30, rare=20))
    assert "largest_class" not in equal.facts
    assert equal.further(always(0), equal.test(), ()) == {}
    assert beside(equal.facts) == ""


def test_a_search_reports_it_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = TINY["images"] | {"baselines": 1}
    settings = make_settings("nasbench201", preset="published", **tiny)
    found = nas_adapter.search("nasbench201", images(60, 24), settings, out=tmp_path)
    assert capsys.readouterr().out == (
        "data       84 training and 84 test images, 2 classes (often 60, rare 24), 8x8 pixels\n"
    )
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["largest_class_accuracy"] == 60 / 84
    rows = [result, *result["random_architectures"]]
    assert all(0 <= row["test_balanced_accuracy"] <= 1 for row in rows)
    assert 0 <= result["valid_balanced_accuracy"] <= 1
    said = beside(found.report)
    assert said.endswith("always guessing often gives accuracy 71.43%.")
    assert said.strip() in (tmp_path / "report.html").read_text()


def test_a_retraining_reports_it(tmp_path: Path) -> None:
    settings = make_settings("nasbench201", preset="published", **TINY["images"])
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+" + "|".join(
        ["", *(f"nor_conv_3x3~{node}" for node in range(3)), ""]
    )
    trained = nas_adapter.retrain(
        cell, "nasbench201", images(60, 24), settings, seeds=(0, 1), out=tmp_path
    )
    [summary] = summarised(trained)
    rows = [one.report["test_balanced_accuracy"] for one in trained]
    assert summary["test_balanced_accuracy"] == pytest.approx(sum(rows) / 2)
    assert "always guessing often" in (tmp_path / "report.html").read_text()


def test_images_that_show_nothing_are_refused() -> None:
    blank = Split(torch.full((40, 3, 8, 8), 255, dtype=torch.uint8), torch.arange(40) % 2)
    with pytest.raises(UserError, match="all pixels of the training images are 255"):
        task(Images(blank, blank, NAMES))


def test_a_goal_has_no_classes_to_balance() -> None:
    data = images(30, 10)
    goal = Goal(1, torch.nn.functional.mse_loss, "error", lambda y, t: (y - t).abs()[:, 0], False)
    own = ImageClassification(data, ImageSettings(batch_size=4), seed=0, goal=goal)
    assert "largest_class" not in own.facts
