"""Image data sets by name, kept whole in the device's memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nas_adapter.data.folders import listed
from nas_adapter.data.pictures import read
from nas_adapter.data.split import fifth, halves
from nas_adapter.errors import UserError, choose
from nas_adapter.files import alone_in
from nas_adapter.randomness import Stream, stream

TORCHVISION = {
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "fashion-mnist": "FashionMNIST",
    "svhn": "SVHN",
}
NAMES = ("digits", *TORCHVISION, "folder:PATH")
NAMED = 8
"""Classes whose sizes are said one by one."""
BLOCK = 2**22
"""Numbers of which there is a copy in float64 at a time."""


@dataclass(frozen=True, slots=True)
class Split:
    """Images (n, channels, height, width), uint8 or float, and labels (n,) or other targets."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> Split:
        if isinstance(index, Tensor):
            index = index.to(self.labels.device)
        return Split(self.images[index], self.labels[index])

    def to(self, device: torch.device) -> Split:
        """A copy on another device."""
        return Split(self.images.to(device), self.labels.to(device))


class Batch(NamedTuple):
    """A batch: normalised images float (batch, channels, height, width), labels (batch,)."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Images:
    """An image data set: training and test images, and what may be done to them."""

    train: Split
    test: Split
    classes: tuple[str, ...]
    """names of the labels 0, 1, ..., in the order of the logits; empty: targets are no labels"""
    crop: int = 0
    """pixels of padding for random crops; 0: no crops"""
    flip: bool = False
    """whether images may be mirrored"""
    normalise: bool = True
    """whether networks are given images with zero mean and unit variance, else as they are"""
    notes: str = ""
    """how they were read, for the user"""

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return self.train.images.shape[1]

    def to(self, device: torch.device) -> Images:
        """A copy on another device."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))

    @property
    def understood(self) -> str:
        """What the data is, and how it was read, in a line."""
        height, width = self.train.images.shape[2:]
        said = f"{len(self.train):,} training and {len(self.test):,} test images"
        if self.classes:
            shares = self.train.labels.bincount(minlength=len(self.classes)).tolist()
            few = zip(self.classes, shares, strict=True)
            each = ", ".join(f"{name} {count:,}" for name, count in few)
            if len(shares) > NAMED:
                each = f"{min(shares):,} to {max(shares):,} training images each"
            said += f", {len(shares)} classes ({each})"
        return said + (f"; {self.notes}" if self.notes else f", {width}x{height} pixels")

    def halves(self, seed: int) -> tuple[Split, Split]:
        """The training images in two random halves: for the weights, and for the architecture.

        Each has half of every class.
        """
        order = torch.randperm(len(self.train), generator=stream(seed, Stream.SPLIT))
        one, two = halves(order, self.train.labels.cpu() if self.classes else None)
        return self.train[one], self.train[two]

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation that images are normalised with, (1, channels, 1, 1)."""
        if not self.normalise:
            zeros = torch.zeros(1, self.channels, 1, 1, device=self.train.images.device)
            return zeros, zeros + 1
        blocks = torch.split(self.train.images, max(1, BLOCK // self.train.images[0].numel()))
        count = self.train.images[:, 0].numel()
        mean = _sum(block.double() for block in blocks) / count
        variance = _sum((block.double() - mean).square() for block in blocks) / (count - 1)
        dtype = torch.get_default_dtype()
        return mean.to(dtype), variance.sqrt().to(dtype).clamp(min=1e-6)

    def normalised(self, images: Tensor) -> Tensor:
        """Images as networks are given them, normalised by the training images."""
        mean, std = self.moments
        return (images.to(mean.dtype) - mean) / std

    def augment(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images, each randomly cropped and mirrored as this data set allows."""
        count, _, height, width = images.shape
        if self.crop:
            padded = functional.pad(images, [self.crop] * 4)
            shift = torch.randint(2 * self.crop + 1, (2, count, 1), generator=generator)
            shift = shift.to(images.device)
            rows = (shift[0] + torch.arange(height, device=images.device))[:, None, :, None]
            columns = (shift[1] + torch.arange(width, device=images.device))[:, None, None, :]
            each = torch.arange(count, device=images.device)[:, None, None, None]
            channel = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
            images = padded[each, channel, rows, columns]
        if self.flip:
            mirrored = torch.rand(count, generator=generator) < 0.5
            mirrored = mirrored.to(images.device)[:, None, None, None]
            images = torch.where(mirrored, images.flip(-1), images)
        return images


def _sum(blocks: Iterable[Tensor]) -> Tensor:
    """Sums over all images and pixels of blocks (n, channels, height, width)."""
    return sum((block.sum((0, 2, 3), keepdim=True) for block in blocks), torch.zeros(()))


def cut_out(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Images (n, channels, height, width), each with a square set to 0, the mean if normalised.

    The square's centre is uniform over the image, so part of it may be outside.
    """
    if side == 0:
        return images
    count, _, *shape = images.shape
    inside = []
    for axis, length in enumerate(shape):
        middle = torch.randint(length, (count, 1), generator=generator)
        offset = torch.arange(length) - (middle - side // 2)
        covered = (offset >= 0) & (offset < side)
        inside.append(covered[:, :, None] if axis == 0 else covered[:, None, :])
    square = (inside[0] & inside[1]).to(images.device)[:, None]
    return images.masked_fill(square, 0.0)


def shuffled(split: Split, size: int, generator: torch.Generator) -> Iterator[Split]:
    """Batches of `size` in random order, without a last smaller one unless it is the only one."""
    order = torch.randperm(len(split), generator=generator)
    for start in range(0, max(len(split) - size, 0) + 1, size):
        yield split[order[start : start + size]]


def in_order(split: Split, size: int) -> Iterator[Split]:
    """All images in their order, in batches of at most `size`."""
    for start in range(0, len(split), size):
        yield Split(split.images[start : start + size], split.labels[start : start + size])


def load(name: str, root: Path, image_size: int) -> Images:
    """The data set called `name`.

    Parameters
    ----------
    name
        One of `NAMES`. ``folder:PATH`` holds class folders of images, or parts (train/, test/,
        val/, by any of the names in `folders.PARTS`) with class folders in each. A validation part
        joins the training part, of which a search makes its own halves; where there is no test
        part, it is that. With neither a fifth of every class is the test part.
    root
        Where torchvision's data sets are kept, and downloaded to.
    image_size
        Side that the images of a folder are resized to.

    Raises
    ------
    UserError
        Unknown name, missing path, empty class, undecodable image, failed download; see `folders`
        and `pictures`.
    """
    kind, _, path = name.partition(":")
    if kind == "folder" and path:
        return _folder(Path(path).expanduser(), image_size)
    choose("--data", name, NAMES)
    if name == "digits":
        return _digits()
    if name in TORCHVISION:
        return _torchvision(name, root)
    raise UserError("folder:PATH needs a path, for example folder:photos/flowers")


def _digits() -> Images:
    """Scikit-learn's 1,797 handwritten digits, 8x8; a fixed fifth of each class is the test."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 (slow to import)

    data = load_digits()
    images = torch.from_numpy(data.images[:, None] * 15).to(torch.uint8)  # 0..16 to 0..240
    everything = Split(images, torch.from_numpy(data.target).long())
    return replace(held_out(everything, tuple("0123456789")), crop=1)


def held_out(everything: Split, classes: tuple[str, ...]) -> Images:
    """The data set with a fifth of every class as its test set, the same for every seed.

    Without classes a fifth of all. UserError for a class of one image.
    """
    order = torch.randperm(len(everything), generator=stream(0, Stream.SPLIT))
    for label, name in enumerate(classes):
        if (count := int((everything.labels == label).sum())) < 2:
            raise UserError(
                f"class {name} has {count} image: it needs one to train on and one to test on, or "
                "folders train/ and test/"
            )
    test = fifth(order, everything.labels if classes else None, least=1)
    parts = [everything[part.nonzero()[:, 0]] for part in (~test, test)]
    return Images(parts[0], parts[1], classes)


def _torchvision(name: str, root: Path) -> Images:
    from torchvision import datasets  # noqa: PLC0415 (slow to import)

    make = getattr(datasets, TORCHVISION[name])
    parts = {}
    for part in ("train", "test"):
        which = {"split": part} if name == "svhn" else {"train": part == "train"}
        try:
            with alone_in(root):  # of the processes of torchrun
                parts[part] = make(root, download=True, **which)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"data set {name} is not in {root} and could not be downloaded: {error}"
            ) from error
    train, test = _as_split(parts["train"]), _as_split(parts["test"])
    classes = getattr(parts["train"], "classes", [str(digit) for digit in range(10)])
    return Images(train, test, tuple(classes), crop=4, flip=name != "svhn")


def _as_split(dataset: object) -> Split:
    """The images of a torchvision data set, which has (n, h, w), (n, h, w, 3) or (n, 3, h, w)."""
    images = torch.as_tensor(np.asarray(dataset.data))  # type: ignore[attr-defined]
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2).contiguous()
    labels = getattr(dataset, "targets", None)
    labels = dataset.labels if labels is None else labels  # type: ignore[attr-defined]
    return Split(images, torch.as_tensor(np.asarray(labels)).long())


def _folder(path: Path, size: int) -> Images:
    """The images of a folder; a validation part is trained on, or tested on if it is alone."""
    found = listed(path)
    pairs = [pair for part in found.parts.values() for pair in part]
    images, notes = read([file for file, _ in pairs], size, f"reading {path.name}")
    everything = Split(images, torch.tensor([label for _, label in pairs]))
    if found.unread:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.unread.items()))
        notes.append(f"not read: {kinds}")
    last = list(found.parts)[-1]  # test, else valid, of what there is
    if last in ("", "train"):
        data = held_out(everything, found.classes)
        notes.append("a fifth of every class is the test data")
    else:
        cut = len(pairs) - len(found.parts[last])
        data = Images(everything[:cut], everything[cut:], found.classes)
        trained = " and ".join(found.folders[part] for part in found.parts if part != last)
        notes.append(f"training data: {trained}; test data: {found.folders[last]}")
    return replace(data, crop=size // 8, flip=True, notes="; ".join(notes))
