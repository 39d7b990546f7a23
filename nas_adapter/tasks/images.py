"""Image classification: cross-entropy in nats, measured by accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from nas_adapter.data.images import Batch, Images, Split, cut_out, in_order, shuffled
from nas_adapter.errors import UserError
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Size
from nas_adapter.supernets.supernet import Weights
from nas_adapter.tasks.base import Forward

EVALUATION_BATCH = 512
PROBE = 32
"""Images by which an untrained network is looked at."""
AUXILIARY_WEIGHT = 0.4
"""Of the auxiliary head's loss. Source: Liu et al. 2019, Appendix A.2."""


class ImageClassification:
    """Half of the training images trains the weights, the other half drives the architecture.

    Parameters
    ----------
    images
        On the device where everything is to happen.
    seed, batch_size
        Of every random choice; images in a batch.
    cutout
        Side, in pixels, of a square at a random place that is blanked out of every image in
        retraining; 0: none. Source: DeVries & Taylor 2017.

    Raises
    ------
    UserError
        A batch is more than half the training images.
    """

    metric = "accuracy"
    higher_is_better = True

    def __init__(self, images: Images, *, seed: int, batch_size: int, cutout: int = 0) -> None:
        self._images, self._seed, self._batch_size = images, seed, batch_size
        self._cutout = cutout
        self._halves = images.halves(seed)
        self.facts = {"train_images": len(images.train), "test_images": len(images.test)}
        self.device = images.train.labels.device
        self.search_steps = len(self._halves[0]) // batch_size
        self.retrain_steps = max(1, len(images.train) // batch_size)
        if self.search_steps == 0:
            raise UserError(
                f"--batch-size {batch_size} is more than the {len(self._halves[0])} images "
                "of half the training set"
            )

    def size(self, channels: int, cells: int) -> Size:
        """See `Task.size`."""
        images = self._images
        return Size(images.channels, len(images.classes), channels, cells)

    def search_batches(self, epoch: int) -> Iterator[tuple[Batch, Batch]]:
        """See `Task.search_batches`. Only the first of a pair is augmented."""
        pairs = zip(
            self._shuffled(self._halves[0], Stream.BATCHES, epoch),
            self._shuffled(self._halves[1], Stream.VALIDATION, epoch),
            strict=False,
        )
        for index, (train, valid) in enumerate(pairs):
            step = epoch * self.search_steps + index
            yield self._augmented(train, step), self._plain(valid)

    def retrain_batches(self, epoch: int) -> Iterator[Batch]:
        """See `Task.retrain_batches`."""
        for index, part in enumerate(self._shuffled(self._images.train, Stream.BATCHES, epoch)):
            yield self._augmented(part, epoch * self.retrain_steps + index, self._cutout)

    def probe(self, index: int) -> Batch:
        """See `Task.probe`: images of the half for the weights, not augmented."""
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
        """Mean cross-entropy; of an auxiliary head's logits too, where there are any."""
        logits = network(batch.images, weights)
        if not isinstance(logits, tuple):
            return nn.functional.cross_entropy(logits, batch.labels)
        main, auxiliary = (nn.functional.cross_entropy(part, batch.labels) for part in logits)
        return main + AUXILIARY_WEIGHT * auxiliary

    @torch.no_grad()
    def measure(self, network: Forward, batches: Iterable[Batch], weights: Weights) -> float:
        """Share of the images that are classified rightly, in [0, 1]."""
        right = total = 0
        for batch in batches:
            guess = network(batch.images, weights).argmax(-1)
            right += int((guess == batch.labels).sum())
            total += len(batch.labels)
        return right / total

    def show(self, value: float) -> str:
        """See `Task.show`."""
        return f"{value:.2%}"

    def _shuffled(self, split: Split, purpose: Stream, epoch: int) -> Iterator[Split]:
        return shuffled(split, self._batch_size, stream(self._seed, purpose, epoch))

    def pixels(self) -> Tensor:
        """Some test images as they are, float in 0 to 255, on the CPU."""
        return self._images.test.images[:64].float().cpu()

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation that images are normalised with."""
        return self._images.moments

    def _augmented(self, split: Split, step: int, cutout: int = 0) -> Batch:
        generator = stream(self._seed, Stream.AUGMENTATION, step)
        images = self._images.normalise(self._images.augment(split.images, generator))
        return Batch(cut_out(images, cutout, generator), split.labels)

    def _plain(self, split: Split) -> Batch:
        return Batch(self._images.normalise(split.images), split.labels)

    def _all(self, split: Split) -> Iterator[Batch]:
        return (self._plain(part) for part in in_order(split, EVALUATION_BATCH))
