"""Text data sets by name: tokens, parts, streams and windows."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from nas_adapter.data.folders import part_of
from nas_adapter.errors import UserError, choose
from nas_adapter.files import missing

NAMES = ("pydoc", "text:PATH")
TOKENS = ("auto", "word", "char")
PARTS = ("train", "valid", "test")
TEST_STREAMS = 10
"""Streams that the test text is read in: few, as each starts without context. As in DARTS."""
UNKNOWN, END = "<unk>", "<eos>"
SPLIT = (90, 95)
"""Percent of a single file where the training part ends, and the validation part."""


@dataclass(frozen=True, slots=True)
class Text:
    """A corpus: three parts of one text, each an int64 vector of token indices."""

    train: Tensor
    valid: Tensor
    test: Tensor
    vocabulary: tuple[str, ...]
    """every token's spelling; number 0 is <unk>, for all that are not in the vocabulary"""
    tokens: str
    """word or char"""
    notes: str = ""
    """how it was read, for the user"""

    def to(self, device: torch.device) -> Text:
        """A copy on another device."""
        return replace(self, **{part: getattr(self, part).to(device) for part in PARTS})

    @property
    def understood(self) -> str:
        """What the text is, and how it was read, in a line."""
        counts = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in PARTS)
        unit = "words" if self.tokens == "word" else "characters"
        said = f"{counts} tokens ({unit}), {len(self.vocabulary):,} different ones"
        return said + (f"; {self.notes}" if self.notes else "")

    def unknown_share(self, part: str) -> float:
        """Share of <unk> among the tokens of a part; a larger share lowers the perplexity."""
        return float((getattr(self, part) == 0).double().mean())


class Window(NamedTuple):
    """A window: tokens (length, streams), and as targets the token after each."""

    inputs: Tensor
    targets: Tensor


def as_streams(tokens: Tensor, count: int) -> Tensor:
    """A text (n,) cut into `count` contiguous streams side by side, (n // count, count).

    The last n mod count tokens are left out.
    """
    length = len(tokens) // count
    return tokens[: length * count].view(count, length).t().contiguous()


def windows(streams: Tensor, length: int, *, whole: bool) -> Iterator[Window]:
    """Consecutive windows of `length` tokens in streams (n, streams), without overlap or gap.

    `whole`: leave a last, shorter window out.
    """
    last = len(streams) - 1  # this one is only a target
    for start in range(0, last, length):
        end = min(start + length, last)
        if whole and end - start < length:
            return
        yield Window(streams[start:end], streams[start + 1 : end + 1])


def count_windows(tokens: Tensor, streams: int, length: int) -> int:
    """Number of whole windows of `length` in `streams` streams of a text."""
    return (len(tokens) // streams - 1) // length


def check_length(text: Text, streams: int, length: int) -> None:
    """Raise `UserError` if a part of the text is too short for one window."""
    window = streams * (length + 1)
    for part, needed in zip(PARTS, (window, window, 2 * TEST_STREAMS), strict=True):
        have = len(getattr(text, part))
        if have < needed:
            raise UserError(
                f"the {part} part of the text has {have} tokens, fewer than the {needed} needed "
                f"with --batch-size {streams} and --bptt {length}"
            )


def load(name: str, *, tokens: str, vocabulary: int, min_count: int) -> Text:
    """The text called `name`.

    Parameters
    ----------
    name
        ``pydoc``: the help topics that every Python ships, each paragraph once.
        ``text:PATH``: a file in UTF-8, whose lines end at newlines alone; or a folder with
        train.txt, valid.txt and test.txt (or by other names of `folders.PARTS`) in the form of the
        Penn Treebank (a sentence a line, tokens separated by blanks, rare words already
        ``<unk>``). A single file is split 90/5/5, in order.
    tokens
        ``char``: every character, line ends included, is a token. ``word``: every line is its
        tokens and ``<eos>``; in a folder, tokens are separated by blanks, elsewhere they are runs
        of letters and digits, or of one other sign. ``auto``: ``char`` for a single file, else
        ``word``.
    vocabulary, min_count
        Keep the `vocabulary` most frequent words of the training part, of those that occur at
        least `min_count` times in it. All others are ``<unk>``. Characters are all kept.

    Raises
    ------
    UserError
        Unknown name, missing path or part, a file that is empty, unreadable or not UTF-8.
    """
    choose("--tokens", tokens, TOKENS)
    kind, _, path = name.partition(":")
    if kind != "text":
        choose("--data", name, NAMES)
    elif not path:
        raise UserError("text:PATH needs a path, for example text:penn or text:novel.txt")
    source = Path(path).expanduser()
    folder = kind == "text" and source.is_dir()
    if folder:
        parts = [_read(file) for file in _part_files(source)]
    else:
        parts = [_pydoc() if kind == "pydoc" else _read(source)]
    unit = tokens if tokens != "auto" else "char" if kind == "text" and not folder else "word"
    lists = [_tokenise(part, unit, blanks=folder) for part in parts]
    if len(lists) == 1:
        lists = _split(lists[0])
    known = _vocabulary(lists[0], *((vocabulary, min_count) if unit == "word" else (None, 1)))
    text = _indexed(lists, known, unit)
    return replace(text, notes="read as UTF-8, lines end at newlines" if kind == "text" else "")


def _pydoc() -> str:
    """Python's own help topics, in alphabetical order.

    Some topics repeat whole sections of others. Every paragraph is kept once, where it first
    occurs, so that no training text is in the test. Licence: PSF; read from the running Python, so
    the text depends on its version.
    """
    from pydoc_data.topics import topics  # noqa: PLC0415 (half a megabyte, only if asked for)

    text = "\n\n".join(topics[name] for name in sorted(topics))
    kept: dict[str, str] = {}
    for paragraph in re.split(r"\n[ \t]*\n", text):
        if paragraph.strip():
            kept.setdefault(" ".join(paragraph.split()), paragraph.strip("\n"))
    return "\n".join(kept.values())


def _part_files(folder: Path) -> list[Path]:
    """The files of the parts in a folder, in the order of `PARTS`."""
    texts = [file for file in sorted(folder.iterdir()) if file.suffix.lower() == ".txt"]
    chosen = []
    for part in PARTS:
        found = [file for file in texts if part_of(file.stem) == part]
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise UserError(f"{folder} has more than one file for its {part} part: {names}")
        if not found:
            wanted = ", ".join(f"{name}.txt" for name in PARTS)
            lacking = folder / f"{part}.txt"
            raise UserError(f"{lacking} does not exist: a folder of text needs {wanted}")
        chosen += found
    return chosen


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"--data: {missing(path)}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    start = len(BOM_UTF8) if content.startswith(BOM_UTF8) else 0
    try:
        text = content[start:].decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        at = start + error.start
        line = content.count(b"\n", 0, at) + 1
        raise UserError(
            f"{path} is not UTF-8 text: byte 0x{content[at]:02x} at {at}, in line {line} "
            f"({error.reason}); save it as UTF-8"
        ) from error
    if not text.strip():
        raise UserError(f"{path} is empty")
    return text


def _tokenise(text: str, unit: str, *, blanks: bool) -> list[str]:
    if unit == "char":
        return list(text)
    pattern = re.compile(r"\S+" if blanks else r"\w+|([^\w\s])\1*")
    return [
        token
        for line in text.removesuffix("\n").split("\n")
        for token in (*(found.group() for found in pattern.finditer(line)), END)
    ]


def _split(tokens: list[str]) -> list[list[str]]:
    first, second = (len(tokens) * percent // 100 for percent in SPLIT)
    return [tokens[:first], tokens[first:second], tokens[second:]]


def _vocabulary(train: list[str], size: int | None, min_count: int) -> tuple[str, ...]:
    """The vocabulary: <unk>, then the others by falling frequency; ties: the first in the text."""
    common = Counter(token for token in train if token != UNKNOWN).most_common(size)
    return (UNKNOWN, *(token for token, count in common if count >= min_count))


def _indexed(lists: Sequence[list[str]], vocabulary: tuple[str, ...], unit: str) -> Text:
    number = {token: index for index, token in enumerate(vocabulary)}
    train, valid, test = (
        torch.tensor([number.get(token, 0) for token in part], dtype=torch.long) for part in lists
    )
    return Text(train, valid, test, vocabulary, unit)
