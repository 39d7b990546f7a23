"""Image data sets by name, kept whole in the device's memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from nas_adapter.errors import UserError, choose
from nas_adapter.progress import progress
from nas_adapter.randomness import Stream, stream

TORCHVISION = {
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "fashion-mnist": "FashionMNIST",
    "svhn": "SVHN",
}
NAMES = ("digits", *TORCHVISION, "folder:PATH")


@dataclass(frozen=True, slots=True)
class Split:
    """Images (n, channels, height, width), uint8 or float, and labels (n,) or other targets."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> Split:
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

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return self.train.images.shape[1]

    def to(self, device: torch.device) -> Images:
        """A copy on another device."""
        return replace(self, train=self.train.to(device), test=self.test.to(device))

    def halves(self, seed: int) -> tuple[Split, Split]:
        """The training images in two random halves: for the weights, and for the architecture."""
        order = torch.randperm(len(self.train), generator=stream(seed, Stream.SPLIT))
        middle = len(order) // 2
        return self.train[order[:middle]], self.train[order[middle:]]

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation that images are normalised with, (1, channels, 1, 1)."""
        if not self.normalise:
            zeros = torch.zeros(1, self.channels, 1, 1, device=self.train.images.device)
            return zeros, zeros + 1
        reference = self.train.images.float()
        mean = reference.mean((0, 2, 3), keepdim=True)
        return mean, reference.std((0, 2, 3), keepdim=True).clamp(min=1e-6)

    def normalised(self, images: Tensor) -> Tensor:
        """Images as networks are given them, normalised by the training images."""
        mean, std = self.moments
        return (images.float() - mean) / std

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
        One of `NAMES`. ``folder:PATH`` holds class folders of images, or train/ and test/ with
        class folders in each.
    root
        Where torchvision's data sets are kept, and downloaded to.
    image_size
        Side that the images of a folder are resized to.

    Raises
    ------
    UserError
        Unknown name, missing path, empty class, undecodable image, failed download.
    """
    kind, _, path = name.partition(":")
    if kind == "folder" and path:
        return _folder(Path(path).expanduser(), image_size)
    choose("data set", name, NAMES)
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
    test = torch.zeros(len(everything), dtype=torch.bool)
    if not classes:
        test[order[: max(1, len(order) // 5)]] = True
    for label in range(len(classes)):
        members = order[everything.labels[order] == label]
        if len(members) < 2:
            raise UserError(
                f"class {classes[label]} has {len(members)} image: it needs one to train on and "
                "one to test on, or folders train/ and test/"
            )
        test[members[: max(1, len(members) // 5)]] = True
    parts = [everything[part.nonzero()[:, 0]] for part in (~test, test)]
    return Images(parts[0], parts[1], classes)


def _torchvision(name: str, root: Path) -> Images:
    from torchvision import datasets  # noqa: PLC0415 (slow to import)

    make = getattr(datasets, TORCHVISION[name])
    parts = {}
    for part in ("train", "test"):
        which = {"split": part} if name == "svhn" else {"train": part == "train"}
        try:
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
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise UserError(f"data folder {path} {what}")
    # A folder "train" is a part if it holds folders; if it holds images it is a class.
    inner = {folder.parent.name for folder in path.glob("*/*/")}
    parts = [part for part in ("train", "test") if part in inner]
    if len(parts) == 1:
        raise UserError(f"{path} has a folder {parts[0]}; it must have both train and test")
    if not parts:
        return replace(held_out(*_read_folder(path, size)), crop=size // 8, flip=True)
    train, classes = _read_folder(path / "train", size)
    test, test_classes = _read_folder(path / "test", size)
    if classes != test_classes:
        odd = ", ".join(sorted(set(classes) ^ set(test_classes)))
        raise UserError(f"{path}: train and test do not have the same classes: {odd}")
    return Images(train, test, classes, crop=size // 8, flip=True)


def _read_folder(path: Path, size: int) -> tuple[Split, tuple[str, ...]]:
    from torchvision import datasets  # noqa: PLC0415 (slow to import)

    try:
        found = datasets.ImageFolder(str(path))
    except FileNotFoundError as error:  # no class folder, or an empty one; the message says which
        raise UserError(f"{path} is not a folder of class folders with images: {error}") from error
    if len(found.classes) < 2:
        raise UserError(f"{path} has one class only, {found.classes[0]}: there must be two or more")
    images = torch.empty(len(found.samples), 3, size, size, dtype=torch.uint8)
    labels = torch.empty(len(found.samples), dtype=torch.long)
    samples = progress(found.samples, f"reading {path.name}", unit="image")
    for index, (file, label) in enumerate(samples):
        try:
            picture = found.loader(file).resize((size, size))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise UserError(f"{file} cannot be decoded as an image: {error}") from error
        images[index] = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)
        labels[index] = label
    return Split(images, labels), tuple(found.classes)
