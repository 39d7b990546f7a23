"""Random damage to valid files, and the check of what a reader makes of it."""

from __future__ import annotations

import json
import math
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

from tests.profile import IN_CI

INPUTS = 10_000 if IN_CI else 200
SECONDS = 60
"""After so many a reader hangs."""
TOKENS = (
    b"", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r", b"\x0c", b" ", b"0", b"-1", b"nan",
    b"1e999", b"9" * 30, b"9" * 5000, b"'", b'"', b"[" * 3000, b"(" * 300, b"{", b"}", b"null",
    b"true", b",", b";", b":", b"~", b"|", b"range(0, 999999999999)", b"\xe2\x80\xa8", b"../x",
)  # fmt: skip


VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2.5,
    math.nan,
    10**400,
    "",
    "x",
    [],
    [[]],
    {},
    {"x": 1},
)
"""What a value of JSON is exchanged for."""


class Read(NamedTuple):
    """How a kind of file is read."""

    valid: Sequence[bytes]
    """contents of good files"""
    read: Callable[[Path], Any]
    """reads the file, and asserts that what comes back is right"""
    error: type[Exception]
    """for a file that cannot be read"""
    name: str = "file"
    """of the file"""
    beside: Mapping[str, bytes] = MappingProxyType({})
    """other files of the folder"""
    tokens: Sequence[bytes] = ()
    json: bool = False
    """whether values of the valid files, as JSON, are exchanged too"""
    goes_on: bool = False
    """whether the reader, where it does not refuse, writes to the folder"""


def damaged(rng: random.Random, content: bytes, tokens: Sequence[bytes]) -> bytes:
    """The content after one to three random changes."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + rng.choice((1, 1, 4, 20, 1000)))
        part = bytes(changed[start:end])
        match rng.randrange(6):
            case 0 if part:  # a bit
                changed[start] ^= 1 << rng.randrange(8)
            case 1:  # a piece lost
                del changed[start:end]
            case 2:  # a piece twice
                changed[start:start] = part
            case 3:  # something else in its place
                changed[start:end] = rng.choice((*TOKENS, *tokens))
            case 4:  # any byte
                changed[start : start + 1] = rng.randbytes(1)
            case _ if rng.random() < 0.2:  # the end lost
                del changed[start:]
    return bytes(changed)


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Let the folder hold these files alone."""
    for one in folder.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        elif one.name not in files:
            one.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def other_value(rng: random.Random, content: bytes) -> bytes:
    """The content, JSON, with one value that is something else."""
    whole = [json.loads(content)]
    places: list[tuple[Any, Any]] = [(whole, 0)]
    for holder, key in places:
        inside = holder[key]
        if isinstance(inside, dict | list):
            places += [
                (inside, k) for k in (inside if isinstance(inside, dict) else range(len(inside)))
            ]
    holder, key = rng.choice(places)
    if isinstance(holder, dict) and rng.random() < 0.2:
        holder[rng.choice(("", "x", "\n"))] = holder.pop(key)
    else:
        holder[key] = rng.choice(VALUES)
    return json.dumps(whole[0]).encode()


def check(kind: Read, folder: Path, seed: int = 0) -> None:
    """Read `INPUTS` damaged files: right, or `kind.error` in one line; the file is as before."""
    rng, path, refused = random.Random(seed), folder / kind.name, 0
    for content in kind.valid:
        _fill(folder, {**kind.beside, kind.name: content})
        kind.read(path)
    for number in range(INPUTS):
        content = rng.choice(kind.valid)
        if kind.json and rng.random() < 0.5:
            content = other_value(rng, content)
        else:
            content = damaged(rng, content, kind.tokens)
        files = {**kind.beside, kind.name: content}
        _fill(folder, files)
        with told(f"input {number}: {content[:500]!r}"), _limited():
            try:
                kind.read(path)
                if kind.goes_on:
                    continue
            except kind.error as error:
                refused += 1
                assert str(error)
                assert kind.error is ValueError or len(str(error).splitlines()) == 1
            assert {one.name: one.read_bytes() for one in folder.iterdir()} == files
    assert refused > INPUTS // 20, "hardly any damage was seen"


@contextmanager
def told(what: str) -> Iterator[None]:
    """Context that adds `what` to what is raised in it."""
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise


@contextmanager
def _limited() -> Iterator[None]:
    """Context that raises `TimeoutError` after `SECONDS`."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError("the reader hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
