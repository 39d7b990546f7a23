"""Folders of images: parts, classes and files that are read, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_adapter.data.images import Images, load
from nas_adapter.errors import UserError
from tests.nas_adapter.data.test_data import make_folder


def opened(path: Path) -> Images:
    return load(f"folder:{path}", Path(), 8)


@pytest.mark.parametrize(
    ("train", "test"), [("Training", "Testing"), ("TRAIN", "test"), ("training", "Test")]
)
def test_parts_by_their_usual_names(train: str, test: str, tmp_path: Path) -> None:
    make_folder(tmp_path / train)
    make_folder(tmp_path / test, count=2)
    images = opened(tmp_path)
    assert (images.classes, len(images.train), len(images.test)) == (("cat", "dog"), 12, 4)
    assert images.notes.endswith(f"training data: {train}; test data: {test}")


@pytest.mark.parametrize("name", ["val", "Valid", "validation", "dev"])
def test_a_validation_part_is_trained_on_or_is_the_test(name: str, tmp_path: Path) -> None:
    make_folder(tmp_path / "train")
    make_folder(tmp_path / name, count=3)
    alone = opened(tmp_path)
    assert (len(alone.train), len(alone.test)) == (12, 6)
    assert f"training data: train; test data: {name}" in alone.understood
    make_folder(tmp_path / "test", count=2)
    beside = opened(tmp_path)
    assert (len(beside.train), len(beside.test)) == (18, 4)
    assert f"training data: train and {name}; test data: test" in beside.understood


def test_a_training_part_alone_gives_a_fifth_to_the_test(tmp_path: Path) -> None:
    make_folder(tmp_path / "train")
    images = opened(tmp_path)
    assert (len(images.train), len(images.test)) == (10, 2)
    assert "a fifth of every class is the test data" in images.understood


def test_hidden_and_system_files_are_ignored_others_are_counted(tmp_path: Path) -> None:
    make_folder(tmp_path)
    for folder in (".ipynb_checkpoints", "__MACOSX", ".git"):
        make_folder(tmp_path / folder)
        make_folder(tmp_path / "cat" / folder)
    for name in (".DS_Store", "Thumbs.db", "._0.png", "desktop.ini"):
        (tmp_path / name).write_bytes(b"?")
        (tmp_path / "cat" / name).write_bytes(b"?")
    assert opened(tmp_path).understood == (
        "10 training and 2 test images, 2 classes (cat 5, dog 5); 12x10 pixels, resized to 8x8; "
        "a fifth of every class is the test data"
    )
    for index in range(3):
        (tmp_path / "dog" / f"{index}.GIF").write_bytes(b"?")
    (tmp_path / "dog" / "README").write_bytes(b"?")
    (tmp_path / "labels.csv").write_bytes(b"?")
    assert (
        "not read: 1 .csv beside the class folders, 3 .gif, 1 no ending"
        in opened(tmp_path).understood
    )


def test_folders_beside_the_parts_are_said(tmp_path: Path) -> None:
    make_folder(tmp_path / "train")
    make_folder(tmp_path / "test")
    make_folder(tmp_path / "extra")
    assert "not read: 1 folder extra" in opened(tmp_path).understood


def test_a_class_is_read_through_its_folders_and_links_without_end(tmp_path: Path) -> None:
    make_folder(tmp_path / "data")
    make_folder(tmp_path / "data" / "cat", classes=("inner",), count=2)
    (tmp_path / "data" / "cat" / "loop").symlink_to(tmp_path / "data" / "cat")
    (tmp_path / "data" / "eel").symlink_to(tmp_path / "data" / "dog")
    images = opened(tmp_path / "data")
    assert images.classes == ("cat", "dog", "eel")
    assert len(images.train) + len(images.test) == 8 + 6 + 6


def test_a_part_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    for name in ("train", "Training", "test"):
        make_folder(tmp_path / name)
    message = "more than one folder for its train part: Training, train"
    with pytest.raises(UserError, match=message):
        opened(tmp_path)
