"""Folders of images that are changed at random: what is listed is right, or refused in one line."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from nas_adapter.data.folders import PARTS, READ, listed
from nas_adapter.errors import UserError
from tests.fuzz.mutate import INPUTS, told

NAMES = [
    *(name for names in PARTS.values() for name in names), "Train", "TESTING", "cat", "dog", ".git",
    "__MACOSX", ".ipynb_checkpoints", "Thumbs.db", "1.png", "2.JPG", "3.gif", "notes", "ä\n",
]  # fmt: skip


def plain(root: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def parted(root: Path) -> None:
    for part in ("train", "test"):
        plain(root / part)


def change(root: Path, rng: random.Random) -> None:
    """One entry of the folder lost, renamed, doubled, or something else."""
    entries = [root, *sorted(path for path in root.rglob("*") if not path.is_symlink())]
    one = rng.choice(entries)
    beside = (one if one.is_dir() else one.parent) / rng.choice(NAMES)
    if beside.exists() or beside.is_symlink():
        return
    match rng.randrange(6):
        case 0 if one != root:
            shutil.rmtree(one) if one.is_dir() else one.unlink()
        case 1 if one != root:
            target = one.with_name(beside.name)
            if not target.exists():
                one.rename(target)
        case 2:
            beside.touch()
        case 3:
            beside.mkdir()
        case 4:
            plain(beside)
        case _:
            beside.symlink_to(rng.choice(entries))


def test_folders(folder: Path) -> None:
    rng = random.Random(0)
    make: list[Callable[[Path], None]] = [plain, parted]
    outcomes = {True: 0, False: 0}
    for number in range(INPUTS):
        root = folder / str(number)
        root.mkdir()
        rng.choice(make)(root)
        for _ in range(rng.randint(1, 4)):
            change(root, rng)
        before = sorted(root.rglob("*"))
        with told(f"input {number}: {[str(path.relative_to(root)) for path in before]}"):
            outcomes[is_right(root)] += 1
        assert sorted(root.rglob("*")) == before
        shutil.rmtree(root)
    assert min(outcomes.values()) > INPUTS // 20


def is_right(root: Path) -> bool:
    """List a folder, and check what is listed; False if it is refused."""
    try:
        found = listed(root)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
        return False
    assert set(found.parts) == {""} or {"train"} <= set(found.parts) <= set(PARTS)
    for pairs in found.parts.values():
        assert {label for _, label in pairs} == set(range(len(found.classes)))
        for file, label in pairs:
            assert file.suffix.lower() in READ
            inner = file.relative_to(root).parts
            assert found.classes[label] in inner[:2]
            assert not any(name.startswith((".", "__MACOSX")) for name in inner)
    return True
