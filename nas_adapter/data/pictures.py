"""Image files as arrays of bytes: every kind of picture that Pillow reads, brought to 0 to 255."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import joblib
import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from nas_adapter.errors import UserError
from nas_adapter.progress import progress

Found = TypeVar("Found")
DEEPEST = 2**16 - 1
"""Largest value of a pixel that is read."""
OPAQUE = 255
"""Alpha of a pixel that nothing shines through."""


class Pictures(NamedTuple):
    """Images that were read."""

    images: Tensor
    """uint8 (n, 3, size, size)"""
    notes: list[str]
    """what a reader should know of them"""


class _Seen(NamedTuple):
    """What was seen of a file when it was opened."""

    size: tuple[int, int]
    deep: tuple[str, float, float] | None
    """mode, least and largest value where a value is not a byte: such a file is read again"""
    frames: bool
    """whether it has several"""
    clear: bool
    """whether it has transparent pixels"""


def read(files: Sequence[Path], size: int, label: str) -> Pictures:
    """The images of `files`, resized to `size`.

    All are RGB, turned as their EXIF data says; of several frames the first one is taken.
    Transparent pixels are white, or black where nothing could be seen on white. Pixels of 16 or 32
    bits, or floats, are scaled: 0 stays 0, and the least of 255, 511, 1023, ..., 65535 (floats: 1,
    255, ...) that no pixel of such `files` exceeds becomes 255.

    Raises
    ------
    UserError
        A file cannot be decoded, is larger than Pillow thinks safe, or has values below 0, above
        65535 or that are none; it is named.
    """
    images = torch.empty(len(files), 3, size, size, dtype=torch.uint8)
    pixels = images.numpy()

    def keep(index: int, picture: Image.Image) -> None:
        pixels[index] = np.asarray(picture.resize((size, size))).transpose(2, 0, 1)

    def look(index: int) -> _Seen:
        with Image.open(files[index]) as picture:
            seen = _look(picture)
            if seen.deep is None:
                keep(index, _on_ground(picture) if seen.clear else picture.convert("RGB"))
            return seen

    seen = _everywhere(look, range(len(files)), files, label)
    tops = _tops(files, seen)
    deep = [index for index, one in enumerate(seen) if one.deep is not None]

    def scale(index: int) -> None:
        with Image.open(files[index]) as picture:
            _turn(picture)
            small = Image.fromarray(np.asarray(picture, dtype=np.float32)).resize((size, size))
            scaled = np.asarray(small) * (255 / tops[picture.mode[0]])
            keep(
                index, Image.fromarray(scaled.clip(0, 255).round().astype(np.uint8)).convert("RGB")
            )

    _everywhere(scale, deep, files, label)
    return Pictures(images, _notes(seen, tops, size))


def _everywhere(
    work: Callable[[int], Found], indices: Sequence[int], files: Sequence[Path], label: str
) -> list[Found]:
    """The results of `work` on files, by all cores: Pillow decodes without Python's lock."""

    def named(index: int) -> Found:
        try:
            return work(index)
        except Exception as error:  # a damaged file makes Pillow raise almost anything
            reason = str(error) or type(error).__name__
            raise UserError(f"{files[index]} cannot be decoded as an image: {reason}") from error

    pool = ThreadPoolExecutor(joblib.cpu_count())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            waiting = [pool.submit(named, index) for index in indices]
            return [future.result() for future in progress(waiting, label, unit="image")]
        finally:
            pool.shutdown(cancel_futures=True)


def _look(picture: Image.Image) -> _Seen:
    frames = getattr(picture, "is_animated", False)
    _turn(picture)
    deep = None
    if picture.mode[0] in "IF":
        values = np.asarray(picture)
        deep = (picture.mode[0], float(values.min()), float(values.max()))
    clear = deep is None and picture.has_transparency_data and _least_alpha(picture) < OPAQUE
    return _Seen(picture.size, deep, frames, clear)


def _least_alpha(picture: Image.Image) -> int:
    least, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return int(least)  # type: ignore[arg-type]


def _turn(picture: Image.Image) -> None:
    """Turn it as its EXIF data says; damaged data says nothing."""
    picture.load()
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(picture, in_place=True)


def _on_ground(picture: Image.Image) -> Image.Image:
    """A transparent picture on white; on black where white shows nothing."""
    clear = picture.convert("RGBA")
    white, black = (
        Image.alpha_composite(Image.new("RGBA", clear.size, ground), clear).convert("RGB")
        for ground in ("white", "black")
    )
    return black if _varies(black) and not _varies(white) else white


def _varies(picture: Image.Image) -> bool:
    pixels = np.asarray(picture)
    return bool((pixels != pixels[0, 0]).any())


def _tops(files: Sequence[Path], seen: Sequence[_Seen]) -> dict[str, float]:
    """For the modes of deep pictures ("I": whole numbers, "F": floats) what becomes 255."""
    largest: dict[str, float] = {}
    for file, one in zip(files, seen, strict=True):
        if one.deep is None:
            continue
        mode, low, high = one.deep
        if not 0 <= low <= high <= DEEPEST:
            raise UserError(f"{file} has values from {low} to {high}; 0 to {DEEPEST} are read")
        largest[mode] = max(high, largest.get(mode, 0))
    return {
        mode: 1 if mode == "F" and high <= 1 else 2 ** max(8, int(np.ceil(high)).bit_length()) - 1
        for mode, high in largest.items()
    }


def _notes(seen: Sequence[_Seen], tops: dict[str, float], size: int) -> list[str]:
    widths, heights = zip(*(one.size for one in seen), strict=True)
    least, most = (f"{pick(widths)}x{pick(heights)}" for pick in (min, max))
    sizes = least if least == most else f"{least} to {most}"
    notes = [
        f"{sizes} pixels" + ("" if sizes == f"{size}x{size}" else f", resized to {size}x{size}")
    ]
    for mode, top in tops.items():
        count = sum(one.deep is not None and one.deep[0] == mode for one in seen)
        notes.append(f"in {count:,} files values 0 to {top:g} became 0 to 255")
    for name, what in (
        ("clear", "are transparent, set on white"),
        ("frames", "have several frames, of which the first is taken"),
    ):
        if count := sum(getattr(one, name) for one in seen):
            notes.append(f"{count:,} files {what}")
    return notes
