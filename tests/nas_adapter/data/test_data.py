"""Data sets by name: built in, torchvision's own formats, folders; and what is refused."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nas_adapter.data import images as data_sets
from nas_adapter.data.images import Images, Split, load, shuffled
from nas_adapter.errors import UserError
from nas_adapter.randomness import Stream, stream


def test_digits_are_split_once_and_for_all() -> None:
    first, again = load("digits", Path(), 32), load("digits", Path(), 32)
    assert len(first.train) + len(first.test) == 1797
    assert first.train.images.shape[1:] == (1, 8, 8)
    assert torch.equal(first.test.images, again.test.images)
    assert torch.bincount(first.test.labels).min() >= 34
    images = first.normalised(first.train.images)
    assert abs(images.mean().item()) < 1e-4
    assert images.std().item() == pytest.approx(1, abs=1e-4)


def test_halves_depend_on_the_seed_and_share_nothing() -> None:
    digits = load("digits", Path(), 32)
    numbered = Images(Split(torch.arange(101), torch.arange(101)), digits.test, ("0",))
    one, two = numbered.halves(0)
    assert sorted(one.labels.tolist() + two.labels.tolist()) == list(range(101))
    assert numbered.halves(1)[0].labels.tolist() != one.labels.tolist()


def test_batches_cover_the_data_once() -> None:
    split = Split(torch.arange(10), torch.arange(10))
    batches = list(shuffled(split, 3, stream(0, Stream.BATCHES)))
    assert [len(batch) for batch in batches] == [3, 3, 3]
    assert len({int(label) for batch in batches for label in batch.labels}) == 9
    assert [len(batch) for batch in shuffled(split, 64, stream(0, Stream.BATCHES))] == [10]


def test_augmentation_moves_and_mirrors() -> None:
    image = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4)
    whole = Split(image, torch.zeros(1, dtype=torch.long))
    padded = np.pad(image[0, 0].numpy(), 1)
    allowed = {padded[r : r + 4, c : c + 4].tobytes() for r in range(3) for c in range(3)}
    allowed |= {np.frombuffer(a, np.uint8).reshape(4, 4)[:, ::-1].tobytes() for a in set(allowed)}
    moved = Images(whole, whole, ("0",), crop=1, flip=True).augment(
        image.expand(400, 1, 4, 4), stream(0, Stream.AUGMENTATION)
    )
    assert {picture.numpy().tobytes() for picture in moved[:, 0].contiguous()} == allowed
    still = Images(whole, whole, ("0",)).augment(image, stream(0, Stream.AUGMENTATION))
    assert torch.equal(still, image)


def test_streams_are_independent_of_each_other() -> None:
    draws = {
        tuple(torch.rand(3, generator=stream(seed, purpose, index)).tolist())
        for seed in range(3)
        for purpose in Stream
        for index in range(3)
    }
    assert len(draws) == 9 * len(Stream)


def make_folder(path: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 6) -> None:
    for label, name in enumerate(classes):
        (path / name).mkdir(parents=True)
        for index in range(count):
            picture = np.full((10, 12, 3), 40 * label + index, dtype=np.uint8)
            Image.fromarray(picture).save(path / name / f"{index}.png")


def test_folder_with_and_without_a_test_part(tmp_path: Path) -> None:
    make_folder(tmp_path / "whole")
    images = load(f"folder:{tmp_path / 'whole'}", Path(), 8)
    assert images.classes == ("cat", "dog")
    assert images.train.images.shape == (10, 3, 8, 8)
    assert sorted(images.test.labels.tolist()) == [0, 1]
    make_folder(tmp_path / "parts" / "train")
    make_folder(tmp_path / "parts" / "test", count=2)
    images = load(f"folder:{tmp_path / 'parts'}", Path(), 8)
    assert (len(images.train), len(images.test)) == (12, 4)
    assert set(images.test.images[0].flatten().tolist()) == {0}


def test_folder_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--data: there is no .*missing$"):
        load(f"folder:{tmp_path / 'missing'}", Path(), 8)
    (tmp_path / "photos" / "flowers").mkdir(parents=True)
    with pytest.raises(UserError, match=r"there is no .*; did you mean .*/photos/flowers\?"):
        load(f"folder:{tmp_path / 'photo' / 'flower'}", Path(), 8)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="file is not a folder"):
        load(f"folder:{tmp_path / 'file'}", Path(), 8)
    (tmp_path / "file").unlink()
    with pytest.raises(UserError, match="not a folder of class folders"):
        load(f"folder:{tmp_path}", Path(), 8)
    make_folder(tmp_path / "half" / "Testing")
    make_folder(tmp_path / "half" / "val")
    with pytest.raises(UserError, match="half has val, Testing, but no folder train"):
        load(f"folder:{tmp_path / 'half'}", Path(), 8)
    make_folder(tmp_path / "railway", ("train", "tram"))
    assert load(f"folder:{tmp_path / 'railway'}", Path(), 8).classes == ("train", "tram")
    make_folder(tmp_path / "single", ("cat",))
    with pytest.raises(UserError, match="has one class only, cat: there must be two or more"):
        load(f"folder:{tmp_path / 'single'}", Path(), 8)
    make_folder(tmp_path / "hole")
    (tmp_path / "hole" / "eel").mkdir()
    with pytest.raises(UserError, match="eel"):
        load(f"folder:{tmp_path / 'hole'}", Path(), 8)
    make_folder(tmp_path / "broken")
    (tmp_path / "broken" / "cat" / "0.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"0\.png cannot be decoded"):
        load(f"folder:{tmp_path / 'broken'}", Path(), 8)
    whole = (tmp_path / "hole" / "cat" / "1.png").read_bytes()
    (tmp_path / "broken" / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"0\.png cannot be decoded"):
        load(f"folder:{tmp_path / 'broken'}", Path(), 8)
    make_folder(tmp_path / "lonely", count=1)
    with pytest.raises(UserError, match="class cat has 1 image: it needs one to train on and one"):
        load(f"folder:{tmp_path / 'lonely'}", Path(), 8)
    make_folder(tmp_path / "odd" / "train")
    make_folder(tmp_path / "odd" / "test", classes=("cat", "eel"))
    with pytest.raises(UserError, match="do not have the same classes: dog, eel"):
        load(f"folder:{tmp_path / 'odd'}", Path(), 8)


@pytest.mark.parametrize("name", ["mnist", "folder", "folder:", ""])
def test_unknown_names_list_the_choices(name: str) -> None:
    with pytest.raises(UserError, match=r"digits, cifar10, .*folder:PATH"):
        load(name, Path(), 8)


def test_cifar10_is_read_in_its_own_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets  # noqa: PLC0415

    base = tmp_path / datasets.CIFAR10.base_folder
    base.mkdir()
    rng = np.random.default_rng(0)
    pixels = {}
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        pixels[name] = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
        content = {"data": pixels[name], "labels": [0, 1, 2, 3]}
        (base / name).write_bytes(pickle.dumps(content))
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    images = data_sets.load("cifar10", tmp_path, 32)
    assert images.classes == tuple("abcdefghij")
    assert (len(images.train), len(images.test), images.flip) == (20, 4, True)
    np.testing.assert_array_equal(images.test.images.numpy().reshape(4, 3072), pixels["test_batch"])


def test_a_failed_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets  # noqa: PLC0415

    def offline(self: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(datasets.CIFAR10, "download", offline)
    with pytest.raises(UserError, match=r"cifar10 is not in .* no route to host"):
        load("cifar10", tmp_path, 32)


def test_a_data_set_is_downloaded_by_one_process_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file's lock is of whoever opened it, so threads stand for processes."""
    inside, most, waiting = 0, 0, threading.Barrier(2)

    def make(*_: Any, **__: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.05)
        inside -= 1
        raise OSError("no route to host")

    def download() -> None:
        waiting.wait()
        with pytest.raises(UserError, match="no route"):
            data_sets.load("cifar10", tmp_path / "data", 32)

    monkeypatch.setattr("torchvision.datasets.CIFAR10", make)
    threads = [threading.Thread(target=download) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, inside) == (1, 0)
