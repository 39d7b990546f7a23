"""Folders of images: which parts, classes and files they hold, and what is not read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from nas_adapter.errors import UserError
from nas_adapter.files import missing

PARTS = {
    "train": ("train", "training"),
    "valid": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""The parts of a data set by the names that they have, in any case."""
READ = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
SYSTEM = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "lost+found", "$recycle.bin")


class Listing(NamedTuple):
    """The files of a folder."""

    parts: dict[str, list[tuple[Path, int]]]
    """train, valid, test: pairs (file, class); "" alone where there are no parts"""
    folders: dict[str, str]
    """the name of each part's folder"""
    classes: tuple[str, ...]
    unread: Counter[str]
    """how many files of which kind are not read; hidden and system files do not count"""


def part_of(name: str) -> str | None:
    """The part that a file or a folder of this name (without its ending) is, or None."""
    return next((part for part, names in PARTS.items() if name.lower() in names), None)


def listed(path: Path) -> Listing:
    """What is in the folder `path`: class folders, or parts with class folders in each.

    Raises
    ------
    UserError
        It is no such folder; parts are missing, twice there, or of different classes; a class
        without images.
    """
    if not path.is_dir():
        what = f"{path} is not a folder" if path.exists() else missing(path)
        raise UserError(f"--data: {what}")
    try:
        return _listed(path)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error


def _listed(path: Path) -> Listing:
    folders, unread = _inside(path)
    # A folder "train" is a part if it holds folders; if it holds images it is a class.
    parts = [(part_of(folder.name), folder) for folder in folders]
    by_part = {
        part: [folder for name, folder in parts if name == part and _inside(folder)[0]]
        for part in PARTS
    }
    for part, found in by_part.items():
        if len(found) > 1:
            names = ", ".join(folder.name for folder in found)
            raise UserError(f"{path} has more than one folder for its {part} part: {names}")
    chosen = {part: found[0] for part, found in by_part.items() if found}
    if not chosen:
        classes, files = _classes(path, folders, unread)
        return Listing({"": files}, {}, classes, unread)
    if "train" not in chosen:
        names = ", ".join(folder.name for folder in chosen.values())
        raise UserError(f"{path} has {names}, but no folder train")
    for other in folders:
        if other not in chosen.values():
            unread[f"folder {other.name}"] += 1
    read = {part: _classes(folder, *_inside(folder, unread)) for part, folder in chosen.items()}
    first = read["train"][0]
    for part, (classes, _) in read.items():
        if classes != first:
            odd = ", ".join(sorted(set(classes) ^ set(first)))
            raise UserError(f"{path}: train and {part} do not have the same classes: {odd}")
    pairs = {part: files for part, (_, files) in read.items()}
    return Listing(pairs, {part: folder.name for part, folder in chosen.items()}, first, unread)


def _ignored(name: str) -> bool:
    """Whether a file or folder is hidden or the system's own."""
    return name.startswith(".") or name.lower() in SYSTEM


def _inside(path: Path, unread: Counter[str] | None = None) -> tuple[list[Path], Counter[str]]:
    """The visible folders in a folder, sorted; its files are added to those not read."""
    unread = Counter() if unread is None else unread
    visible = sorted(child for child in path.iterdir() if not _ignored(child.name))
    folders = [child for child in visible if child.is_dir()]
    loose = [child.suffix.lower() or "no ending" for child in visible if child not in folders]
    unread.update(f"{kind} beside the class folders" for kind in loose)
    return folders, unread


def _classes(
    path: Path, folders: Sequence[Path], unread: Counter[str]
) -> tuple[tuple[str, ...], list[tuple[Path, int]]]:
    """The names of the classes, and the pairs (file, class)."""
    files = [_files(folder, unread) for folder in folders]
    if not any(files):
        raise UserError(f"{path} is not a folder of class folders with images ({', '.join(READ)})")
    empty = [folder.name for folder, found in zip(folders, files, strict=True) if not found]
    if empty:
        raise UserError(f"{path}: no images ({', '.join(READ)}) in {', '.join(empty)}")
    names = tuple(folder.name for folder in folders)
    if len(names) < 2:
        raise UserError(f"{path} has one class only, {names[0]}: there must be two or more")
    return names, [(file, label) for label, found in enumerate(files) for file in found]


def _files(folder: Path, unread: Counter[str]) -> list[Path]:
    """The images in a class folder and the folders in it, sorted; links are followed once."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        real = os.path.realpath(root)
        folders[:] = [name for name in folders if real not in seen and not _ignored(name)]
        found += [(root, name) for name in names if real not in seen and not _ignored(name)]
        seen.add(real)
    files = [Path(root, name) for root, name in sorted(found)]
    unread.update(_kinds(file for file in files if file.suffix.lower() not in READ))
    return [file for file in files if file.suffix.lower() in READ]


def _kinds(files: Iterable[Path]) -> Iterable[str]:
    return (file.suffix.lower() or "no ending" for file in files)


def _raise(error: OSError) -> None:
    raise error
