"""Cells that papers published, by name, in their authors' notation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from nas_adapter.errors import UserError, meant, nearest
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces.base import Architecture, Space, random_architecture


class Published(NamedTuple):
    """A cell as its authors wrote it."""

    name: str
    space: str
    """a key of `SPACES`"""
    genotype: str
    source: str


PUBLISHED = (
    Published(
        "DARTS_V1",
        "darts-cnn",
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), "
        "('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
        "('skip_connect', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], "
        "reduce_concat=[2, 3, 4, 5])",
        "Liu et al. 2019, first order, on CIFAR-10; github.com/quark0/darts, cnn/genotypes.py",
    ),
    Published(
        "DARTS_V2",
        "darts-cnn",
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
        "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
        "reduce_concat=[2, 3, 4, 5])",
        "Liu et al. 2019, second order, on CIFAR-10; github.com/quark0/darts, cnn/genotypes.py",
    ),
    Published(
        "PC_DARTS",
        "darts-cnn",
        "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), "
        "('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), "
        "('dil_conv_3x3', 1)], normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), "
        "('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), "
        "('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], "
        "reduce_concat=range(2, 6))",
        "Xu et al. 2020, on CIFAR-10; github.com/yuhuixu1993/PC-DARTS, genotypes.py, "
        "PC_DARTS_cifar",
    ),
    Published(
        "GDAS",
        "darts-cnn",
        "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), "
        "('sep_conv_5x5', 2), ('sep_conv_3x3', 3), ('skip_connect', 0), ('sep_conv_5x5', 4), "
        "('sep_conv_3x3', 3)], normal_concat=[2, 3, 4, 5], reduce=[('sep_conv_5x5', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_5x5', 2), ('sep_conv_5x5', 1), ('dil_conv_5x5', 2), "
        "('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_5x5', 1)], "
        "reduce_concat=[2, 3, 4, 5])",
        "Dong & Yang 2019, on CIFAR-10; github.com/D-X-Y/AutoDL-Projects, "
        "xautodl/nas_infer_model/DXYs/genotypes.py, GDAS_V1",
    ),
    Published(
        "XNAS",
        "darts-cnn",
        "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), "
        "('sep_conv_3x3', 2), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('dil_conv_5x5', 4), "
        "('sep_conv_3x3', 0)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
        "('avg_pool_3x3', 1), ('avg_pool_3x3', 0), ('skip_connect', 2), ('dil_conv_3x3', 3), "
        "('max_pool_3x3', 0), ('dil_conv_5x5', 4), ('avg_pool_3x3', 0)], "
        "reduce_concat=range(2, 6))",
        "Nayman et al. 2019, on CIFAR-10; github.com/NivNayman/XNAS, genotypes.py",
    ),
    Published(
        "DARTS_V1",
        "darts-rnn",
        "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), "
        "('identity', 1), ('relu', 5), ('relu', 1)], concat=range(1, 9))",
        "Liu et al. 2019, first order, on Penn Treebank; github.com/quark0/darts, rnn/genotypes.py",
    ),
    Published(
        "DARTS_V2",
        "darts-rnn",
        "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), "
        "('tanh', 2), ('sigmoid', 5), ('tanh', 3), ('relu', 5)], concat=range(1, 9))",
        "Liu et al. 2019, second order, on Penn Treebank; github.com/quark0/darts, "
        "rnn/genotypes.py",
    ),
)


def read_cell(space: Space, text: str, what: str) -> Architecture:
    """The architecture of a genotype in the space's notation, or of a published cell, by its name.

    `what`: the argument that it was given as, for the message.

    Raises
    ------
    UserError
        `text` is neither; or it is malformed.

    Examples
    --------
    >>> from nas_adapter.spaces import DARTSRNN
    >>> read_cell(DARTSRNN(), "DARTS_V1", "cell")[:3]
    (2, 0, 2)
    """
    try:
        return _complete(space, text)
    except ValueError as error:
        reason = error
    known = []
    for cell in PUBLISHED:
        try:
            found = _complete(space, cell.genotype)
        except ValueError:
            continue
        if cell.name == text:
            return found
        known.append(cell.name)
    names = f"; published cells of this space: {', '.join(known)}" if known else ""
    raise UserError(f"{what}: {reason}{names}{_meant(space, text, known)}") from reason


def _meant(space: Space, text: str, names: Sequence[str]) -> str:
    """What would do in place of `text`: a published name, or the genotype with its words right."""
    if near := meant(text, names):
        return near
    if others := [cell.space for cell in PUBLISHED if cell.name == text]:
        return f"; {text} is a cell of {' and '.join(others)}"
    right = re.sub(
        r"[A-Za-z_]\w*", lambda word: nearest(word[0], space.operations) or word[0], text
    )
    try:
        return f"; did you mean {space.genotype(_complete(space, right))!r}?"
    except ValueError:
        example = random_architecture(space, stream(0, Stream.BASELINE))
        return f"; a genotype of this space is {space.genotype(example)!r}"


def _complete(space: Space, genotype: str) -> Architecture:
    """The architecture; ValueError unless it gives each edge one of the space's operations."""
    found = tuple(space.parse(genotype))
    known = range(len(space.operations))
    if len(found) != len(space.edges) or not all(operation in known for operation in found):
        raise ValueError(
            f"{genotype!r} does not give each of the space's {len(space.edges)} edges an operation"
        )
    return found
