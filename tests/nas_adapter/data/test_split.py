"""Splits: random, disjoint, complete, and with every class's share."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from nas_adapter.data.images import Images, Split
from nas_adapter.data.split import fifth, halves
from nas_adapter.tasks import ImageClassification, ImageSettings

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(torch.tensor)


def permutation(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


@given(labels=LABELS, seed=st.integers(0, 99))
def test_halves_have_equally_many_of_every_class(labels: torch.Tensor, seed: int) -> None:
    one, two = halves(permutation(len(labels), seed), labels)
    assert sorted(one.tolist() + two.tolist()) == list(range(len(labels)))
    counts = [labels[half].bincount(minlength=5) for half in (one, two)]
    assert (counts[0] - counts[1]).abs().max() <= 1
    assert len(one) == len(labels) // 2


def test_which_half_has_a_lone_image_is_random() -> None:
    first = [halves(permutation(9, seed), torch.arange(9))[0] for seed in range(200)]
    assert 60 < sum(4 in half for half in first) < 120


def test_halves_are_in_random_order_not_by_class() -> None:
    labels = torch.arange(100) // 50
    one, _ = halves(permutation(100), labels)
    assert 10 < (labels[one].diff() != 0).sum() < 40


@given(labels=LABELS, seed=st.integers(0, 99), least=st.integers(1, 4))
def test_a_fifth_has_a_fifth_of_every_class(labels: torch.Tensor, seed: int, least: int) -> None:
    aside = fifth(permutation(len(labels), seed), labels, least)
    for label in set(labels.tolist()):
        count = int((labels == label).sum())
        chosen = int(aside[labels == label].sum())
        assert chosen == (max(1, count // 5) if count >= least else 0)


def test_a_rare_class_is_in_both_halves_for_every_seed() -> None:
    labels = torch.tensor([0] * 150 + [1] * 4)
    images = torch.randint(256, (154, 3, 4, 4), dtype=torch.uint8)
    part = Split(images, labels)
    for seed in range(20):
        task = ImageClassification(
            Images(part, part, ("often", "rare")), ImageSettings(batch_size=2), seed=seed
        ).with_judges()
        halves_of = [*zip(*task.search_batches(0), strict=True), tuple(task.judges())]
        found = [torch.cat([batch.labels for batch in half]).bincount() for half in halves_of]
        assert [counts.tolist() for counts in found[2:]] == [[30, 1]]
        # The last, smaller batch is left out of an epoch.
        assert all(int(counts.sum()) >= 60 for counts in found[:2])
        assert sorted(int(half.labels.sum()) for half in task._halves) == [1, 2]


def test_images_without_classes_are_halved_too() -> None:
    part = Split(torch.randint(256, (11, 1, 4, 4)), torch.rand(11))
    one, two = Images(part, part, ()).halves(0)
    assert (len(one), len(two)) == (5, 6)
    assert sorted([*one.labels.tolist(), *two.labels.tolist()]) == sorted(part.labels.tolist())
