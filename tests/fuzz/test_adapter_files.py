"""Damaged files of `nas_adapter` and of the programs: text, pictures, genotypes, priors, tables."""

from __future__ import annotations

import gzip
import io
import json
from codecs import BOM_UTF8
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from studies.nasbench201.table import read as read_table

from nas_adapter.advice.prior import from_file
from nas_adapter.data import text
from nas_adapter.data.pictures import read
from nas_adapter.errors import UserError
from nas_adapter.spaces import DARTSCNN, DARTSRNN, NASBench201, Space
from nas_adapter.spaces.published import PUBLISHED, read_cell
from tests.fuzz.mutate import Read, check

VERSES = "the cat sat.\nthe dög, unlike it,\r\nran!!\n\n".encode() * 8
SIDE = 6


def read_text(path: Path) -> None:
    """Read a text; its characters are those of the file."""
    found = text.load(f"text:{path}", tokens="char", vocabulary=100, min_count=1)
    parts = torch.cat([found.train, found.valid, found.test])
    known = dict(enumerate(found.vocabulary))
    written = path.read_bytes().removeprefix(BOM_UTF8).decode().replace("\r\n", "\n")
    assert len(parts) == len(written)
    assert all(known[n] in (c, "<unk>") for n, c in zip(parts.tolist(), written, strict=True))
    text.load(f"text:{path}", tokens="word", vocabulary=100, min_count=1)


def read_genotype(path: Path) -> None:
    """Read a genotype; written again it is the same cell."""
    text = path.read_bytes().decode("utf-8", "replace")
    name = (
        "darts-rnn" if "recurrent" in text else "darts-cnn" if "normal" in text else "nasbench201"
    )
    space = SPACES[name]
    cell = read_cell(space, text, "--compare")
    assert tuple(space.parse(space.genotype(cell))) == cell


def read_prior(space: Space, path: Path) -> None:
    """Read a prior; it has a distribution on every edge."""
    weights = from_file(space, path).weights
    assert bool((weights >= 0).all())
    torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights), dtype=torch.float64))


def prior(space: Space) -> bytes:
    rows = {edge: dict.fromkeys(space.operations, 0.5) for edge in space.edges[:2]}
    return json.dumps(rows).encode()


def read_picture(path: Path) -> None:
    """Read a picture; the array has the shape and the type that it always has."""
    found = read([path], SIDE, "reading").images
    assert found.shape == (1, 3, SIDE, SIDE)
    assert found.dtype == torch.uint8


def picture(suffix: str, kind: str = "u1", **options: Any) -> bytes:
    pixels = (np.arange(60).reshape(6, 10) * 4).astype(kind)
    image, file = Image.fromarray(pixels), io.BytesIO()
    image = image.convert("RGB") if kind == "u1" else image
    image.save(file, Image.registered_extensions()[suffix], **options)
    return file.getvalue()


def read_accuracies(path: Path) -> None:
    """Read a few rows of NAS-Bench-201's table; where these are good it lacks the others."""
    try:
        read_table(str(path), "cifar10")
    except UserError as error:
        if "architectures are missing" not in str(error):
            raise


SPACES: dict[str, Space] = {
    "nasbench201": NASBench201(),
    "darts-cnn": DARTSCNN(),
    "darts-rnn": DARTSRNN(),
}
PAIRS = (b"('none', 0)", b"('max_pool_3x3', 1)", b"('tanh', 0)", b"|none~0|", b"+")
PICTURES = [
    *(picture(suffix) for suffix in (".png", ".jpg", ".bmp", ".ppm", ".webp")),
    picture(".png", "u2"), picture(".tif", "f4"), picture(".tif", compression="tiff_lzw"),
]  # fmt: skip
GENOTYPE = b"|none~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"
ACCURACIES = "arch,cifar10_val_12ep,cifar10_test_200ep\n" + "".join(
    f"{SPACES['nasbench201'].genotype((o, 0, 1, 2, 3, 4))},{80 + o},{90 + o}\n" for o in range(5)
)
KINDS = {
    "text": Read([VERSES, BOM_UTF8 + VERSES], read_text, UserError, "t.txt"),
    "genotype": Read(
        [cell.genotype.encode() for cell in PUBLISHED] + [GENOTYPE],
        read_genotype,
        UserError,
        tokens=PAIRS,
    ),
    "picture": Read(PICTURES, read_picture, UserError),
    "table of accuracies": Read(
        [ACCURACIES.encode()], read_accuracies, UserError, "t.csv", tokens=PAIRS
    ),
    "zipped table of accuracies": Read(
        [gzip.compress(ACCURACIES.encode(), mtime=0)], read_accuracies, UserError, "t.csv.gz"
    ),
    "prior": Read(
        [prior(SPACES["nasbench201"])],
        partial(read_prior, SPACES["nasbench201"]),
        UserError,
        "t.json",
        json=True,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_adapter(kind: str, folder: Path) -> None:
    check(KINDS[kind], folder)
