"""Picture files of every kind: read right, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from nas_adapter.data.pictures import read
from nas_adapter.errors import UserError

SIDE = 8
GREY = np.arange(64, dtype=np.uint8).reshape(SIDE, SIDE) * 4
COLOUR = np.stack([GREY, GREY[::-1], GREY.T], axis=-1)
HALF = np.where(np.arange(64).reshape(SIDE, SIDE) % 8 < 4, 255, 0).astype(np.uint8)


def opened(*files: Path) -> Tensor:
    return read(files, SIDE, "reading").images


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def shape_in_alpha(ink: int) -> Image.Image:
    ground = np.full((SIDE, SIDE), ink, dtype=np.uint8)
    return Image.fromarray(np.stack([ground, ground, ground, HALF], axis=-1))


def palette(name: str) -> Image.Image:
    return Image.fromarray(COLOUR // 64 * 64).quantize(256).convert(name)


SIGHTS: dict[str, tuple[Callable[[Path], Path], np.ndarray]] = {
    "grey": (lambda p: saved(Image.fromarray(GREY), p / "a.png"), GREY),
    "16 bits": (lambda p: saved(Image.fromarray(GREY.astype("u2") * 257), p / "a.png"), GREY),
    "16 bits, pgm": (lambda p: saved(Image.fromarray(GREY.astype("u2") * 257), p / "a.pgm"), GREY),
    "8 bits in 16": (lambda p: saved(Image.fromarray(GREY.astype("u2")), p / "a.png"), GREY),
    "12 bits": (lambda p: saved(Image.fromarray(GREY.astype("u2") * 16), p / "a.png"), GREY),
    "32 bits": (lambda p: saved(Image.fromarray(GREY.astype("i4")), p / "a.tif"), GREY),
    "floats to 1": (
        lambda p: saved(Image.fromarray((GREY / 255).astype("f4")), p / "a.tif"),
        GREY,
    ),
    "floats to 255": (lambda p: saved(Image.fromarray(GREY.astype("f4")), p / "a.tif"), GREY),
    "1 bit": (lambda p: saved(Image.fromarray(HALF).convert("1"), p / "a.png"), HALF),
    "palette": (lambda p: saved(palette("P"), p / "a.png"), COLOUR // 64 * 64),
    "CMYK": (lambda p: saved(Image.fromarray(COLOUR).convert("CMYK"), p / "a.tif"), COLOUR),
    "alpha, black ink": (lambda p: saved(shape_in_alpha(0), p / "a.png"), 255 - HALF),
    "alpha, white ink": (lambda p: saved(shape_in_alpha(255), p / "a.png"), HALF),
    "grey and alpha": (lambda p: saved(shape_in_alpha(0).convert("LA"), p / "a.png"), 255 - HALF),
    "a clear colour": (
        lambda p: saved(Image.fromarray(HALF).convert("P"), p / "a.png", transparency=0),
        HALF,  # white ink on clear black
    ),
    "turned": (
        lambda p: saved(Image.fromarray(COLOUR), p / "a.png", exif=_orientation(6)),
        np.rot90(COLOUR, -1),
    ),
    "animated": (
        lambda p: saved(
            Image.fromarray(COLOUR),
            p / "a.png",
            save_all=True,
            append_images=[Image.fromarray(COLOUR[::-1])],
        ),
        COLOUR,
    ),
}


def _orientation(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


@pytest.mark.parametrize("name", SIGHTS)
def test_every_kind_of_picture_shows_what_is_in_it(name: str, tmp_path: Path) -> None:
    write, sight = SIGHTS[name]
    expected = sight if sight.ndim == 3 else np.repeat(sight[..., None], 3, axis=-1)
    found = opened(write(tmp_path))[0].permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def test_deep_pictures_share_one_scale(tmp_path: Path) -> None:
    files = [
        saved(Image.fromarray(GREY.astype("u2") * factor), tmp_path / f"{factor}.png")
        for factor in (1, 16)
    ]
    found = read(files, SIDE, "reading")
    dark, light = found.images[:, 0].double().mean((1, 2)).tolist()
    assert light == pytest.approx(16 * dark, rel=0.1)
    assert found.notes == ["8x8 pixels", "in 2 files values 0 to 4095 became 0 to 255"]


def test_what_was_seen_is_said(tmp_path: Path) -> None:
    files = [
        saved(shape_in_alpha(0), tmp_path / "a.png"),
        saved(Image.fromarray(COLOUR).resize((9, 5)).convert("RGBA"), tmp_path / "b.png"),
        SIGHTS["animated"][0](tmp_path / ".."),
    ]
    assert read(files, SIDE, "reading").notes == [
        "8x5 to 9x8 pixels, resized to 8x8",
        "1 files are transparent, set on white",
        "1 files have several frames, of which the first is taken",
    ]


@pytest.mark.parametrize(
    "values", [[-1.0, 5.0], [0.0, np.nan], [0.0, 70_000.0], [0.0, np.inf]], ids=str
)
def test_values_that_have_no_place_are_refused_by_name(values: list[float], tmp_path: Path) -> None:
    file = saved(Image.fromarray(np.asarray([values], dtype="f4")), tmp_path / "odd.tif")
    with pytest.raises(UserError, match=r"odd\.tif has values from .*; 0 to 65535 are read"):
        opened(file)


def test_damaged_files_are_named_the_first_one_first(tmp_path: Path) -> None:
    files = [saved(Image.fromarray(COLOUR), tmp_path / f"{i}.png") for i in range(9)]
    files[4].write_bytes(files[4].read_bytes()[:60])
    files[7].write_bytes(b"")
    with pytest.raises(UserError, match=r"4\.png cannot be decoded as an image: \S"):
        opened(*files)


def test_order_is_that_of_the_files(tmp_path: Path) -> None:
    files = [
        saved(Image.new("RGB", (SIDE, SIDE), (i, i, i)), tmp_path / f"{i}.png") for i in range(50)
    ]
    assert opened(*files)[:, 0, 0, 0].tolist() == list(range(50))
