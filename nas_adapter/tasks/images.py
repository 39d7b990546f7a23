"""Learning from images: their classes, or whatever a `Goal` says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas_adapter import ranks
from nas_adapter.data.images import Batch, Images, Split, cut_out, in_order, load, shuffled
from nas_adapter.data.split import fifth
from nas_adapter.errors import UserError, not_negative, positive, rates
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Size
from nas_adapter.supernets.supernet import Weights
from nas_adapter.tasks.base import Forward, TaskSettings
from nas_adapter.tasks.goals import Goal, classes

EVALUATION_BATCH = 512
JUDGED = 3
"""Training images of a class of which one or more are set aside to judge by: two are left."""
UNEQUAL = 1.5
"""Classes are unequal if the largest has more than so many times the images of the smallest."""
PROBE = 32
"""Images by which an untrained network is looked at."""
AUXILIARY_WEIGHT = 0.4
"""Weight of the auxiliary head's loss. Source: Liu et al. 2019, Appendix A.2."""


@dataclass(frozen=True, kw_only=True)
class ImageSettings(TaskSettings):
    """Settings of learning from images: the data, and what only networks of images have.

    Sources: DeVries & Taylor 2017 (cutout); Larsson et al. 2017 (drop path).
    """

    data: str = "digits"
    """Images: digits, cifar10, cifar100, fashion-mnist, svhn, or folder:PATH."""
    batch_size: int = 64
    """Images in a batch."""
    cells: int = 1
    """N, cells in each of the three stages."""
    retrain_cells: int | None = None
    """N of the retrained networks. Default: as in the search."""
    auxiliary: bool = False
    """Retrain by an auxiliary head as well (darts-cnn)."""
    drop_path: float = 0.0
    """Chance, at the end of retraining, with which an operation is left out; 0.2 in DARTS."""
    cutout: int = 0
    """Side in pixels of a square blanked out of every image in retraining; 16 in DARTS."""
    image_size: int = 32
    """Side that the images of folder:PATH are resized to."""
    data_root: Path = Path("data")
    """Folder where downloaded data sets are kept."""

    def __post_init__(self) -> None:
        positive(batch_size=self.batch_size, cells=self.cells, retrain_cells=self.retrain_cells)
        positive(image_size=self.image_size)
        rates(drop_path=self.drop_path)
        not_negative(cutout=self.cutout)

    def idle(self) -> dict[str, str]:
        """See `TaskSettings.idle`."""
        folder = self.data.startswith("folder:")
        return {} if folder else {"image_size": f"--data {self.data}, whose images have one size"}

    def load(self, seed: int, device: torch.device) -> ImageClassification:
        """See `TaskSettings.load`."""
        images = load(self.data, self.data_root, self.image_size)
        return ImageClassification(images.to(device), self, seed=seed)


class ImageClassification:
    """Learning from images (batch, channels, height, width); implements `Task`.

    Half of the training images trains the weights, the other half drives the architecture.

    Parameters
    ----------
    images
        The data set, on the device where networks are trained.
    settings
        Batch size, network depth and augmentation.
    seed
        Seed of every random choice.
    judges
        Images for `judges`, see `with_judges`.
    goal
        What is learnt. None: the classes, by cross-entropy in nats, measured by accuracy.

    Raises
    ------
    UserError
        A batch is more than half the training images; a goal that does not fit the targets; images
        of which all pixels are equal.
    """

    independent = True

    def __init__(
        self,
        images: Images,
        settings: ImageSettings,
        *,
        seed: int,
        judges: Split | None = None,
        goal: Goal | None = None,
    ) -> None:
        self._images, self._settings, self._seed = images, settings, seed
        self._judges, self._own = judges, goal
        self._goal = goal or classes(len(images.classes))
        self._goal.check(images.train.labels)
        least, most = images.train.images.aminmax()
        if least == most:
            raise UserError(f"all pixels of the training images are {least}: they show nothing")
        self.metric, self.higher_is_better = self._goal.metric, self._goal.higher_is_better
        self.guess = self._goal.guess(images.train.labels) if goal else math.log(self._goal.outputs)
        batch_size = settings.batch_size
        self._halves = images.halves(seed)
        if not self.guess > 0:
            raise UserError(f"goal: its loss must be positive at outputs of 0, got {self.guess}")
        self.facts: dict[str, Any] = {
            "train_images": len(images.train),
            "test_images": len(images.test),
            "classes": list(images.classes) or None,
            "understood": images.understood,
            **({} if goal else _unequal(images)),
        }
        if judges is not None:
            self.facts["judging_images"] = len(judges)
        self.device = images.train.labels.device
        self.drop_path = settings.drop_path
        self.search_steps = len(self._halves[0]) // batch_size
        self.retrain_steps = max(1, len(images.train) // batch_size)
        ranks.check_parts(min(batch_size, len(images.train)))
        if self.search_steps == 0:
            raise UserError(
                f"--batch-size {batch_size} is more than the {len(self._halves[0])} images "
                "of half the training set"
            )

    @property
    def data(self) -> Images:
        """The data set."""
        return self._images

    def size(self, channels: int, *, search: bool) -> Size:
        """See `Task.size`."""
        images, settings = self._images, self._settings
        cells = settings.cells if search else settings.retrain_cells or settings.cells
        auxiliary = settings.auxiliary and not search
        return Size(images.channels, self._goal.outputs, channels, cells, auxiliary)

    def search_batches(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """See `Task.search_batches`. Only the first of a pair is augmented."""
        pairs = zip(
            self._shuffled(self._halves[0], Stream.BATCHES, epoch),
            self._shuffled(self._halves[1], Stream.VALIDATION, epoch),
            strict=False,
        )
        for index, (train, valid) in enumerate(pairs):
            step = epoch * self.search_steps + index
            yield _part(self._augmented(train, step)), _part(self._plain(valid))

    def retrain_batches(self, epoch: int) -> Iterator[Batch]:
        """See `Task.retrain_batches`."""
        for index, part in enumerate(self._shuffled(self._images.train, Stream.BATCHES, epoch)):
            step = epoch * self.retrain_steps + index
            yield _part(self._augmented(part, step, self._settings.cutout))

    def with_judges(self) -> ImageClassification:
        """See `Task.with_judges`: a fifth of the training images (of every class), at random."""
        train = self._images.train
        order = torch.randperm(len(train), generator=stream(self._seed, Stream.JUDGES))
        aside = fifth(order, train.labels.cpu() if self._images.classes else None, JUDGED)
        kept, judges = (train[part.nonzero()[:, 0]] for part in (~aside, aside))
        if len(judges) == 0:
            raise UserError(
                f"no class has {JUDGED} training images, so none can be set aside to judge by: "
                "--decide search"
            )
        images = replace(self._images, train=kept)
        return ImageClassification(
            images, self._settings, seed=self._seed, judges=judges, goal=self._own
        )

    def judges(self) -> Iterator[Batch]:
        """See `Task.judges`."""
        if self._judges is None:
            raise ValueError("no images were set aside: see with_judges")
        return self._all(self._judges)

    def probe(self, index: int) -> Batch | None:
        """See `Task.probe`: images of the half for the weights, not augmented."""
        if self._own is not None:  # the scores are made for classes
            return None
        generator = stream(self._seed, Stream.PROBE, index)
        order = torch.randperm(len(self._halves[0]), generator=generator)
        return self._plain(self._halves[0][order[:PROBE]])

    def held_out(self) -> Iterator[Batch]:
        """See `Task.held_out`."""
        return self._all(self._halves[1])

    def test(self) -> Iterator[Batch]:
        """See `Task.test`."""
        return self._all(self._images.test)

    def loss(self, network: Forward, batch: Batch, weights: Weights) -> Tensor:
        """The goal's mean loss; of an auxiliary head's outputs too, where there are any."""
        outputs = network(batch.images, weights)
        if not isinstance(outputs, tuple):
            return self._goal.mean_loss(outputs, batch.labels)
        main, auxiliary = (self._goal.mean_loss(part, batch.labels) for part in outputs)
        return main + AUXILIARY_WEIGHT * auxiliary

    @torch.no_grad()
    def measure(self, network: Forward, batches: Iterable[Batch], weights: Weights) -> float:
        """The goal's metric; accuracy is the share of the images that are classified right."""
        total, count = 0.0, 0
        for batch in batches:
            scores = self._goal.scores(network(batch.images, weights), batch.labels)
            total += float(scores.double().sum())
            count += len(batch.labels)
        return total / count

    @torch.no_grad()
    def further(
        self, network: Forward, batches: Iterable[Batch], weights: Weights
    ) -> dict[str, float]:
        """See `Task.further`: of unequal classes the mean over the classes of their accuracies."""
        if "largest_class" not in self.facts:
            return {}
        right = [
            (batch.labels, self._goal.scores(network(batch.images, weights), batch.labels))
            for batch in batches
        ]
        labels, scores = (torch.cat(column).cpu() for column in zip(*right, strict=True))
        each = [scores[labels == label].double().mean() for label in torch.unique(labels)]
        return {"balanced_accuracy": float(torch.stack(each).mean())}

    @torch.no_grad()
    def losses(self, network: Forward, batches: Iterable[Batch], weights: Weights) -> Tensor:
        """See `Task.losses`."""
        found = [
            self._goal.losses(network(batch.images, weights), batch.labels) for batch in batches
        ]
        return torch.cat(found).double().cpu()

    def _shuffled(self, split: Split, purpose: Stream, epoch: int) -> Iterator[Split]:
        return shuffled(split, self._settings.batch_size, stream(self._seed, purpose, epoch))

    def pixels(self) -> Tensor:
        """Some test images (n, channels, height, width) before normalisation, on the CPU."""
        return self._images.test.images[:64].float().cpu()

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation that images are normalised with."""
        return self._images.moments

    def _augmented(self, split: Split, step: int, cutout: int = 0) -> Batch:
        generator = stream(self._seed, Stream.AUGMENTATION, step)
        images = self._images.normalised(self._images.augment(split.images, generator))
        return Batch(cut_out(images, cutout, generator), split.labels)

    def _plain(self, split: Split) -> Batch:
        return Batch(self._images.normalised(split.images), split.labels)

    def _all(self, split: Split) -> Iterator[Batch]:
        return (self._plain(part) for part in in_order(split, EVALUATION_BATCH))


def _part(batch: Batch) -> Batch:
    """The part of a batch that is this process's."""
    return Batch(*map(ranks.part, batch))


def _unequal(images: Images) -> dict[str, Any]:
    """Facts about classes that are unequal: what always guessing the largest one gives."""
    count = len(images.classes)
    parts = [part.labels.bincount(minlength=count) for part in (images.train, images.test)]
    if not count or all(part.max() <= UNEQUAL * part.min() for part in parts):
        return {}
    largest = int(parts[0].argmax())
    return {
        "largest_class": images.classes[largest],
        "largest_class_accuracy": float((images.test.labels == largest).double().mean()),
    }
