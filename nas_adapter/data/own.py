"""Data of one's own: PyTorch's data sets, read once into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from nas_adapter.data.images import Images, Split, held_out
from nas_adapter.errors import UserError
from nas_adapter.progress import progress


def as_images(
    train: Any,
    test: Any = None,
    *,
    classes: Sequence[str] | None = None,
    labelled: bool = True,
    crop: int = 0,
    flip: bool = False,
    normalise: bool = False,
) -> Images:
    """A data set of pairs (image, target), as searches take it.

    Parameters
    ----------
    train
        A `torch.utils.data.Dataset`, or any iterable of pairs: image a tensor (channels, height,
        width), all of one shape with any number of channels; target a label 0, 1, ..., or, with
        `labelled` False, a number or a tensor. It is read once: what a transform draws at random
        is drawn once. `crop` and `flip` are drawn anew for every batch.
    test
        Likewise. None: a fifth of `train`, of every class, the same for every seed.
    classes
        Names of the labels. Default: the data set's `classes`, or "0", "1", ...
    labelled
        Whether targets are labels; else they are for a `Goal`.
    crop
        Pixels of zero padding for random crops; 0: none.
    flip
        Whether images may be mirrored.
    normalise
        Whether networks are given images with zero mean and unit variance in every channel, by the
        training images; else as they are.

    Raises
    ------
    UserError
        Examples that are not such pairs, differ in shape, or are not finite; labels without a name.
    """
    read = _read(train, "train")
    labels = _names(read, train, classes) if labelled else ()
    images = held_out(read, labels) if test is None else Images(read, _read(test, "test"), labels)
    _agree(images)
    return replace(images, crop=crop, flip=flip, normalise=normalise)


def _read(examples: Any, part: str) -> Split:
    """The data set in memory."""
    if isinstance(examples, TensorDataset) and len(examples.tensors) == 2:
        images, targets = examples.tensors
    else:
        pairs = [_pair(pair, part) for pair in _each(examples, part)]
        if not pairs:
            raise UserError(f"the {part} data has no examples")
        columns = list(zip(*pairs, strict=True))
        for what, column in zip(("images", "targets"), columns, strict=True):
            shapes = {tuple(entry.shape) for entry in column}
            if len(shapes) > 1:
                raise UserError(f"{part} {what} must have one shape, got {sorted(shapes)[:3]}")
        images, targets = (torch.stack(column) for column in columns)
    if images.ndim != 4:
        raise UserError(
            f"{part} images must be (channels, height, width), got {tuple(images.shape[1:])}; give "
            "signals (channels, length) as (channels, 1, length)"
        )
    if not bool(images.isfinite().all() and targets.isfinite().all()):
        raise UserError(f"the {part} data has values that are not finite")
    return Split(images, targets.float() if targets.is_floating_point() else targets.long())


def _each(examples: Any, part: str) -> Iterator[Any]:
    """The examples, in their order."""
    if isinstance(examples, DataLoader):
        raise UserError(f"the {part} data must be a data set, not a DataLoader of batches")
    if not (hasattr(examples, "__iter__") or hasattr(examples, "__getitem__")):
        raise UserError(f"the {part} data must be a data set, got {type(examples).__name__}")
    if hasattr(examples, "__len__"):  # by index: a data set need not end when it is iterated over
        for index in progress(range(len(examples)), f"reading {part}", unit="example"):
            yield examples[index]
    else:
        yield from progress(examples, f"reading {part}", unit="example")


def _pair(pair: Any, part: str) -> tuple[Tensor, Tensor]:
    try:
        image, target = pair
        if isinstance(image, Tensor):
            return image, torch.as_tensor(target)
        found = f"an image of type {type(image).__name__}"
    except (TypeError, ValueError, RuntimeError):
        found = f"{type(pair).__name__}"
    raise UserError(
        f"{part} examples must be pairs (image tensor, target), got {found}; "
        "torchvision.transforms.ToTensor() makes tensors of pictures"
    )


def _names(read: Split, examples: Any, classes: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the classes, two or more."""
    if read.labels.ndim != 1 or read.labels.is_floating_point():
        raise UserError(
            f"targets must be labels 0, 1, ..., got {read.labels.dtype} of shape "
            f"{tuple(read.labels.shape[1:])}; for other targets say by a Goal what is learnt"
        )
    given = classes or getattr(examples, "classes", None)
    count = int(read.labels.max()) + 1
    names = tuple(map(str, range(count) if given is None else given))
    if len(names) < 2:
        raise UserError(f"there must be two classes or more, got {len(names)}")
    return names


def _agree(images: Images) -> None:
    """Raise `UserError` unless both parts have images of one shape, and labels with names."""
    shapes = [tuple(part.images.shape[1:]) for part in (images.train, images.test)]
    if shapes[0] != shapes[1]:
        raise UserError(f"images of train are {shapes[0]}, of test {shapes[1]}")
    count = len(images.classes)
    for name, part in (("train", images.train), ("test", images.test)):
        least, most = part.labels.min().item(), part.labels.max().item()
        if count and not 0 <= least <= most < count:
            raise UserError(
                f"labels of the {name} data must be 0 to {count - 1}, as there are {count} "
                f"classes; got {least} to {most}"
            )
