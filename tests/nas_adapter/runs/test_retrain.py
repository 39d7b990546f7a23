"""The discrete network: what DARTS trains it with, and the files it is handed on in."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

from nas_adapter.data import images as data_sets
from nas_adapter.data.images import cut_out
from nas_adapter.errors import UserError
from nas_adapter.output import export as export_module
from nas_adapter.output.export import export, standalone
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.retrain import Retraining, RetrainSettings, build
from nas_adapter.runs.run import Run
from nas_adapter.spaces import DARTSCNN, find_space, random_architecture
from nas_adapter.tasks import ImageClassification, ImageSettings

README = Path(__file__).parents[3] / "README.md"
DIGITS = data_sets.load("digits", Path("unused"), 32)


def test_cutout_blanks_one_square_at_any_place() -> None:
    images = torch.ones(500, 2, 7, 9)
    cut = cut_out(images, 4, stream(0, Stream.AUGMENTATION))
    assert torch.equal(cut[:, 0], cut[:, 1])
    gone = cut[:, 0] == 0
    heights, widths = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(gone.sum((1, 2)), heights * widths), "a rectangle"
    assert set(heights.tolist()) == set(widths.tolist()) == {2, 3, 4}  # it may stick out
    assert gone.any(0).all()
    assert cut_out(images, 0, stream(0, Stream.AUGMENTATION)) is images


def test_darts_s_retraining_runs_and_depends_on_the_seed_alone(tmp_path: Path) -> None:
    space = DARTSCNN()
    architecture = random_architecture(space, torch.Generator().manual_seed(0))
    image_settings = ImageSettings(batch_size=512, cutout=4, auxiliary=True, drop_path=0.2)
    task = ImageClassification(DIGITS, image_settings, seed=0)
    size = task.size(2, search=False)
    nets = []
    for name in ("one", "two"):
        run = Run(tmp_path / name, {}, resume=False, device=torch.device("cpu"))
        retraining = Retraining(RetrainSettings(epochs=2), size, space, task, run, seed=0)
        value = retraining.train(architecture, "retrain")
        assert 0 <= value.metric <= 1
        nets.append((run.phase("retrain") or {})["net"])
        run.close()
        torch.manual_seed(99)  # whatever else happened in the process
    assert all(torch.equal(nets[0][part], nets[1][part]) for part in nets[0])
    moved = any("auxiliary" in part for part in nets[0])
    assert moved, "no auxiliary head was trained"


def test_exported_files_give_the_same_logits(tmp_path: Path) -> None:
    space = find_space("nasbench201")
    architecture = random_architecture(space, torch.Generator().manual_seed(3))
    task = ImageClassification(DIGITS, ImageSettings(), seed=0)
    net = build(space, architecture, task.size(4, search=False), seed=0)
    torch.manual_seed(0)
    batch = next(task.retrain_batches(0))
    net(batch.images, architecture)  # for statistics that are not the initial ones
    differences = export(task, standalone(task, net, architecture), tmp_path)
    assert differences.keys() == {"network.pt2", "network.onnx"}
    assert max(differences.values()) < export_module.TOLERANCE
    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"))
    pixels = task.pixels()[:5]  # another number of images than it was exported with
    (logits,) = session.run(None, {"images": pixels.numpy()})
    mean, std = task.moments
    with torch.no_grad():
        expected = net.eval()((pixels - mean) / std, architecture)
    torch.testing.assert_close(torch.from_numpy(logits), expected, rtol=1e-3, atol=1e-4)


def test_another_program_loads_it_as_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = find_space("nasbench201")
    task = ImageClassification(DIGITS, ImageSettings(), seed=0)
    net = build(space, (3, 1, 3, 4, 1, 3), task.size(4, search=False), seed=0)
    network = standalone(task, net, (3, 1, 3, 4, 1, 3))
    export(task, network, tmp_path)
    (block,) = re.findall(
        r"^    network = torch.*?\n\n", README.read_text(), re.DOTALL | re.MULTILINE
    )
    monkeypatch.chdir(tmp_path)
    images = task.pixels()
    names: dict[str, Any] = {
        "torch": torch,
        "onnxruntime": onnxruntime,
        "json": json,
        "images": images,
    }
    exec(textwrap.dedent(block), names)
    with torch.no_grad():
        expected = network(images)
    torch.testing.assert_close(names["logits"], expected)
    torch.testing.assert_close(torch.from_numpy(names["same"]), expected, rtol=1e-3, atol=1e-4)
    assert names["classes"] == list("0123456789")
    metadata = names["session"].get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == names["classes"]


def test_an_export_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = find_space("nasbench201")
    task = ImageClassification(DIGITS, ImageSettings(), seed=0)
    net = build(space, (3,) * 6, task.size(2, search=False), seed=0)
    monkeypatch.setattr(export_module, "_run_onnx", lambda path, inputs: torch.zeros(640))
    with pytest.raises(UserError, match=r"network\.onnx gives other outputs than the network"):
        export(task, standalone(task, net, (3,) * 6), tmp_path)
