"""The trained discrete network as a file that needs none of this code: torch.export and ONNX."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from experts.files import replace
from nas_adapter.errors import UserError
from nas_adapter.spaces import Architecture
from nas_adapter.supernet import Supernet
from nas_adapter.tasks import ImageClassification, Task

ONNX = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-3
"""Largest difference in a logit, relative to the largest logit, that passes the check."""


class Classifier(nn.Module):
    """Logits (batch, classes) of images (batch, channels, height, width) with pixels 0 to 255."""

    def __init__(
        self, net: Supernet, architecture: Architecture, mean: Tensor, std: Tensor
    ) -> None:
        super().__init__()
        self.net, self.architecture = net, architecture
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: Tensor) -> Tensor:
        """Normalises as in training."""
        return self.net((images - self.mean) / self.std, self.architecture)  # type: ignore[no-any-return, operator]


def export(task: Task, net: Supernet, architecture: Architecture, out: Path) -> dict[str, float]:
    """Write network.pt2 and network.onnx, read them back, run them, and compare.

    Without the packages of the extra `onnx` only the first is written, and that is said.

    Returns
    -------
    For each file the largest difference to the network's own logits on test images, relative to
    the largest logit.

    Raises
    ------
    UserError
        The task is not about images, or a file's outputs differ by more than `TOLERANCE`.
    """
    if not isinstance(task, ImageClassification):
        raise UserError("--export is for networks of images")
    images = task.pixels()
    classifier = Classifier(net, architecture, *task.moments).eval().cpu()
    with torch.no_grad():
        expected = classifier(images)
    program = torch.export.export(
        classifier, (images[:2],), dynamic_shapes={"images": {0: Dim("batch")}}
    )
    replace(out / "network.pt2", partial(_save, program))
    found = {"network.pt2": torch.export.load(out / "network.pt2").module()(images).detach()}
    missing = [name for name in ONNX if importlib.util.find_spec(name) is None]
    if missing:
        print(f"network.onnx was not written: {', '.join(missing)} not installed")
    else:
        _save_onnx(program, images[:2], out / "network.onnx")
        found["network.onnx"] = _run_onnx(out / "network.onnx", images)
    largest = float(expected.abs().max())
    differences = {
        name: float((logits - expected).abs().max()) / largest for name, logits in found.items()
    }
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise UserError(f"{out / name} gives other logits than the network: {difference:.2g}")
    return differences


def _save(program: ExportedProgram, path: Path) -> None:
    with path.open("wb") as file:
        torch.export.save(program, file)


def _save_onnx(program: ExportedProgram, example: Tensor, path: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecations inside the exporter
        made = torch.onnx.export(
            program,
            (example,),
            input_names=["images"],
            output_names=["logits"],
            dynamo=True,
            verbose=False,
        )
    assert made is not None
    replace(path, lambda fresh: made.save(str(fresh)))


def _run_onnx(path: Path, images: Tensor) -> Tensor:
    import onnxruntime  # noqa: PLC0415 (slow to import)

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images.numpy()})
    return torch.from_numpy(logits)
