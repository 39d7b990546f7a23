"""Data and goals of one's own, given from Python: what comes back, what is written, mistakes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import nas_adapter
from nas_adapter import Goal, UserError, as_images, make_settings
from nas_adapter.data.images import Images
from nas_adapter.strategies import METHODS
from nas_adapter.strategies.xnas import XNAS
from nas_adapter.tasks import ImageClassification, ImageSettings
from tests.nas_adapter.front.small_data import CHANNELS, TINY, dataset, labelled, text


class Listed(Dataset[Any]):
    """A data set by index, whose labels are plain numbers and have names."""

    classes = ("dark", "grey", "bright")

    def __init__(self, images: Tensor, targets: Any) -> None:
        self.images, self.targets = images, targets

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        if index >= len(self):
            raise ValueError("PyTorch's data sets need not raise IndexError")
        return self.images[index], self.targets[index]


class Streamed(IterableDataset[Any]):
    def __init__(self, images: Tensor, targets: Tensor) -> None:
        self.images, self.targets = images, targets

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.images, self.targets, strict=True)


def settings(space: Any = "nasbench201", **values: Any) -> nas_adapter.front.settings.Settings:
    task = "text" if space == "darts-rnn" else "images"
    return make_settings(space, preset="published", **TINY[task] | values)


SQUARES = Goal(1, functional.mse_loss, "error", lambda y, t: (y - t).abs()[:, 0], False)
TAGS = Goal(
    2,
    functional.binary_cross_entropy_with_logits,
    "labels_right",
    lambda y, t: ((y > 0) == (t > 0.5)).float().mean(1),
)


def test_data_sets_of_every_kind_are_read_alike() -> None:
    images, labels = labelled(30)
    read = [as_images(made(images, labels)) for made in (TensorDataset, Listed, Streamed)] + [
        as_images(Listed(images, labels.tolist())),
        as_images(list(zip(images, labels, strict=True))),
    ]
    for one in read:
        assert torch.equal(one.train.images, read[0].train.images)
        assert torch.equal(one.test.labels, read[0].test.labels)
    assert [len(read[0].train), len(read[0].test)] == [24, 6]
    assert read[0].test.labels.bincount().tolist() == [2, 2, 2]
    assert [one.classes for one in read[:2]] == [("0", "1", "2"), ("dark", "grey", "bright")]
    pair = as_images(dataset(30), dataset(9, seed=1), classes=["a", "b", "c"], crop=1, flip=True)
    assert torch.equal(pair.test.images, labelled(9, seed=1)[0])
    assert (pair.classes, pair.crop, pair.flip) == (("a", "b", "c"), 1, True)


@pytest.mark.parametrize("normalise", [False, True])
def test_nothing_is_normalised_unless_asked_for(normalise: bool) -> None:
    data = as_images(dataset(30), normalise=normalise)
    task = ImageClassification(data, ImageSettings(batch_size=12), seed=0)
    given = torch.cat([batch.images for batch in task.retrain_batches(0)])
    if normalise:
        assert float(given.mean((0, 2, 3)).abs().max()) < 1e-5
        assert given.std((0, 2, 3)).tolist() == pytest.approx([1] * CHANNELS, rel=1e-3)
    else:
        images = {image.numpy().tobytes() for image in data.train.images}
        assert {image.numpy().tobytes() for image in given} == images


def test_a_search_of_one_s_own_data_writes_nothing_unless_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = Listed(*labelled(60))
    found = nas_adapter.search("nasbench201", data, settings(retrain_epochs=8), seed=3)
    assert list(tmp_path.iterdir()) == []
    out = tmp_path / "out"
    written = nas_adapter.search(
        "nasbench201", data, settings(retrain_epochs=8), seed=3, out=out, export=True
    )
    assert (found.genotype, found.test_loss) == (written.genotype, written.test_loss)
    result = json.loads((out / "result.json").read_text())
    assert result["test_accuracy"] == found.test_metric
    assert result["valid_accuracy"] == found.valid_metric
    assert result["classes"] == ["dark", "grey", "bright"]
    assert "dark, grey, bright" in (out / "report.html").read_text()
    files = {"classes": ""}
    loaded = torch.export.load(out / "network.pt2", extra_files=files).module()
    assert json.loads(files["classes"]) == result["classes"]
    images, _ = labelled(7, seed=9)
    with torch.no_grad():
        torch.testing.assert_close(loaded(images), found.network(images))
    again = nas_adapter.search(
        "nasbench201", data, settings(retrain_epochs=8), seed=3, out=out, export=True, resume=True
    )
    assert again.test_loss == written.test_loss
    with pytest.raises(UserError, match="another configuration: data is 'own images, 72"):
        nas_adapter.search(
            "nasbench201", dataset(90), settings(retrain_epochs=8), seed=3, out=out, export=True,
            resume=True,
        )  # fmt: skip


def test_the_reported_accuracy_is_the_network_s() -> None:
    train, test = dataset(60), dataset(31, seed=1)
    (one,) = nas_adapter.retrain(
        "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|", "nasbench201",
        (train, test), settings(retrain_epochs=20), held_out=False,
    )  # fmt: skip
    images, labels = labelled(31, seed=1)
    with torch.no_grad():
        logits = one.network(images)
    assert one.test_metric == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert one.test_loss == pytest.approx(float(functional.cross_entropy(logits, labels)), rel=1e-4)
    assert one.test_metric > 0.9, "the data can be learnt"
    assert one.held_out_loss is None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["regression", "tags"])
def test_goals(kind: str, method: str, tmp_path: Path) -> None:
    images, labels = labelled(60)
    if kind == "regression":
        goal, targets = SQUARES, images.mean((1, 2, 3))
    else:
        goal, targets = TAGS, torch.stack([labels > 0, labels > 1], 1).float()
    test = torch.arange(60) % 4 == 0
    data = tuple(TensorDataset(images[part], targets[part]) for part in (~test, test))
    few: dict[str, Any] = {"candidates": 2} if method == "random" else {}
    found = nas_adapter.search(
        "nasbench201", data, settings(method=method, decide="trained", fidelity_cells=0, **few),
        goal=goal, out=tmp_path, export=method == "xnas",
    )  # fmt: skip
    with torch.no_grad():
        outputs = found.network(images[test])
    assert outputs.shape == (15, goal.outputs)
    due = targets[test].reshape(outputs.shape)
    assert found.test_loss == pytest.approx(float(goal.loss(outputs, due)), rel=1e-4)
    assert found.test_metric == pytest.approx(float(goal.score(outputs, due).mean()), rel=1e-4)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result[f"test_{goal.metric}"] == found.test_metric
    assert result["classes"] is None
    assert 0 <= result["decision"]["capped_loss"] <= 1


def test_a_goal_is_what_it_says() -> None:
    """The losses of images, and what is lost by outputs of 0, by hand."""
    targets = torch.tensor([1.0, -2.0, 3.0])
    assert SQUARES.losses(torch.zeros(3, 1), targets).tolist() == [1, 4, 9]
    assert float(SQUARES.mean_loss(torch.zeros(3, 1), targets)) == pytest.approx(14 / 3)
    assert SQUARES.guess(targets) == pytest.approx(14 / 3)
    many = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    assert TAGS.guess(many) == pytest.approx(0.6931472)
    assert TAGS.scores(torch.tensor([[2.0, 2.0], [2.0, 2.0]]), many).tolist() == [0.5, 1]
    assert nas_adapter.tasks.classes(7).guess(torch.arange(7)) == pytest.approx(1.9459101)


def test_an_interrupted_search_goes_on_with_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C is a KeyboardInterrupt, and says nothing; a space of one's own must stay as it is."""

    def made(kernel: int) -> nas_adapter.NASBench201:
        def conv(width: int, norm: Any) -> nn.Module:
            return nn.Conv2d(width, width, kernel, padding=kernel // 2)

        return nas_adapter.NASBench201(own={"conv": conv})

    def step(strategy: XNAS, *batches: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return taken(strategy, *batches)

    data, given, out, taken = dataset(60), settings(), tmp_path / "out", XNAS.step
    whole = nas_adapter.search(made(1), data, given, seed=3)
    capsys.readouterr()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(XNAS, "step", step)
        nas_adapter.search(made(1), data, given, seed=3, out=out)
    shown = capsys.readouterr()
    assert shown.out.startswith("data "), "more than what the data is"
    assert (shown.out.count("\n"), shown.err.count("\n")) == (1, 1), "more than the bar"
    with pytest.raises(UserError, match="configuration: space_fingerprint is 'sha256"):
        nas_adapter.search(made(3), data, seed=3, out=out, resume=True)
    found = nas_adapter.search(made(1), data, seed=3, out=out, resume=True)
    assert (found.genotype, found.test_loss) == (whole.genotype, whole.test_loss)


@pytest.mark.parametrize("space", ["nasbench201", "darts-rnn"])
def test_what_pays_is_the_default(space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settings a search has those of `make_settings`; with a goal a uniform prior."""
    seen = []

    def stop(settings: Any, *_: Any) -> None:
        seen.append(settings)
        raise UserError("seen")

    monkeypatch.setattr("nas_adapter.front.search._settle", stop)
    data = text(7000) if space == "darts-rnn" else dataset(200)
    with pytest.raises(UserError, match="seen"):
        nas_adapter.search(space, data)
    if space == "nasbench201":
        with pytest.raises(UserError, match="seen"):
            nas_adapter.search(space, TensorDataset(*labelled(200)), goal=SQUARES)
        assert seen.pop() == make_settings(space, prior="uniform")
    assert seen == [make_settings(space)]


IMAGES, LABELS = labelled(30)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TensorDataset(IMAGES[:, 0], LABELS), r"must be \(channels, height, width\), got \(6, 6\)"),
        (TensorDataset(IMAGES, LABELS.float()), "targets must be labels 0, 1, .*by a Goal"),
        (TensorDataset(IMAGES / 0, LABELS), "the train data has values that are not finite"),
        (TensorDataset(IMAGES, LABELS - 1), "train data must be 0 to 1, .*2 classes; got -1 to 1"),
        (TensorDataset(IMAGES, 0 * LABELS), "two classes or more, got 1"),
        ((dataset(30), TensorDataset(IMAGES[:, :2], LABELS)), r"train are \(5, 6, 6\), of test"),
        ((dataset(30), TensorDataset(IMAGES, LABELS + 1)), "test data must be 0 to 2.*got 1 to 3"),
        (DataLoader(dataset(30)), "must be a data set, not a DataLoader"),
        ([], "the train data has no examples"),
        ([(IMAGES[0], 0), (IMAGES[1, :2], 1)], "train images must have one shape"),
        ([(IMAGES[0].numpy(), 0)], "got an image of type ndarray"),
        ([3], "got int"),
        (3, "the train data must be a data set, got int"),
        (text(), "this space is for images, but the data is text"),
        ("digit", "unknown --data 'digit'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_data_that_cannot_be(data: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        nas_adapter.search("nasbench201", data, settings())


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        (Goal(4, functional.binary_cross_entropy, "x", TAGS.score), "goal: its loss or score fail"),
        (Goal(1, functional.mse_loss, "loss", SQUARES.score), "metric cannot be called loss"),
        (Goal(1, functional.mse_loss, "error", lambda y, t: y - t), r"score must give \(2,\)"),
    ],
    ids=["loss", "name", "score"],
)
def test_goals_that_cannot_be(goal: Goal, message: str) -> None:
    data = TensorDataset(IMAGES, IMAGES.mean((1, 2, 3)))
    with pytest.raises(UserError, match=message):
        nas_adapter.search("nasbench201", data, settings(), goal=goal)


def test_mistakes_in_the_other_arguments() -> None:
    with pytest.raises(UserError, match="export needs out"):
        nas_adapter.search("nasbench201", dataset(), settings(), export=True)
    with pytest.raises(UserError, match="resume needs out"):
        nas_adapter.retrain("XNAS", "darts-cnn", dataset(), settings(), resume=True)
    with pytest.raises(UserError, match="goal: it is for images of your own"):
        nas_adapter.search("nasbench201", "digits", settings(), goal=SQUARES)
    with pytest.raises(UserError, match="--prior scores is for classes of images"):
        data = TensorDataset(*labelled(60))
        nas_adapter.search("nasbench201", data, settings(prior="scores"), goal=SQUARES)
    with pytest.raises(UserError, match="unknown setting 'epoch': choose one of preset, smoke, w"):
        make_settings("nasbench201", epoch=3)
    with pytest.raises(UserError, match=r"--dropout 0\.1 is for text, but darts-cnn is for images"):
        make_settings("darts-cnn", dropout=0.1)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"seed": None}, "--seed must be a whole number, got None"),
        ({"seed": -1}, "--seed must be 0 or more, got -1"),
        ({"settings": {"epochs": 1}}, "settings must be of make_settings, got dict"),
        ({"settings": settings("darts-rnn")}, "settings are not for images"),
        ({"space": nas_adapter.NASBench201}, r"got a class; write NASBench201\(\)"),
        ({"space": None}, "space must be a name or a space, got NoneType"),
        ({"goal": "error"}, "goal must be a Goal, got str"),
    ],
    ids=str,
)
def test_arguments_of_another_kind(argument: dict[str, Any], message: str) -> None:
    given = {"space": "nasbench201", "data": dataset(), "settings": settings(), **argument}
    with pytest.raises(UserError, match=message):
        nas_adapter.search(**given)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (3, r"--seeds must be a list.* got 3"),
        ("12", r"--seeds must be a list.* got '12'"),
        ([None], "--seeds must be a whole number, got None"),
        ([0, -1], "--seeds must be 0 or more, got -1"),
        ([1, 1], "--seeds must be one or more different numbers, got 1 1"),
        (range(0), "--seeds must be one or more different numbers, got none"),
    ],
)
def test_seeds_that_cannot_be(seeds: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        nas_adapter.retrain("x", "nasbench201", dataset(), settings(), seeds=seeds)


def test_a_cell_is_text() -> None:
    with pytest.raises(UserError, match="a cell must be a genotype or a name, got 3"):
        nas_adapter.retrain([3], "nasbench201", dataset(), settings())  # type: ignore[list-item]


def test_a_network_is_a_module_of_its_own() -> None:
    part = as_images(dataset(60)).train
    images = Images(part, part, classes=("a", "b", "c"))
    (one,) = nas_adapter.retrain("XNAS", "darts-cnn", images, settings("darts-cnn"))
    assert isinstance(one.network, nn.Module)
    assert not one.network.training
    assert one.report["parameters"] == sum(p.numel() for p in one.network.parameters())
