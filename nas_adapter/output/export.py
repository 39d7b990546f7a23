"""Export of a trained discrete network to files that run without this code."""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from experts.numerics.files import replace
from nas_adapter.errors import UserError
from nas_adapter.spaces import Architecture
from nas_adapter.supernets.supernet import Supernet
from nas_adapter.tasks import ImageClassification, LanguageModel, Task

ONNX = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-3
"""Largest difference in an output, relative to the largest output, that passes the check."""


class Classifier(nn.Module):
    """Exported classifier of images (batch, channels, height, width) with pixels 0 to 255."""

    def __init__(
        self, net: Supernet, architecture: Architecture, mean: Tensor, std: Tensor
    ) -> None:
        super().__init__()
        self.net, self.architecture = net, architecture
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes); images are normalised as in training."""
        return self.net((images - self.mean) / self.std, self.architecture)  # type: ignore[no-any-return, operator]


class Reader(nn.Module):
    """Exported language model, one token at a time."""

    def __init__(self, net: Supernet, architecture: Architecture) -> None:
        super().__init__()
        self.net, self.architecture = net, architecture

    def forward(self, tokens: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch, words) of the token after each of `tokens` (batch,), and the new state.

        `hidden` (batch, H) is the state after the tokens before; zeros at the start of a text.
        """
        logits, state = self.net(tokens[None], hidden, self.architecture)
        return logits[0], state


class Subject(NamedTuple):
    """The module to export, with example inputs: the first axis of each is the batch."""

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]


def export(task: Task, net: Supernet, architecture: Architecture, out: Path) -> dict[str, float]:
    """Write network.pt2 and network.onnx, read them back, run them, and compare.

    For images a `Classifier`; for text a `Reader`, and vocabulary.json, the spelling of each token.
    Without the packages of the extra `onnx` only network.pt2 is written, with a message.

    Returns
    -------
    For each file the largest difference from the network's own outputs on test data, relative to
    the largest output.

    Raises
    ------
    UserError
        An unknown kind of task, or a file's outputs differ by more than `TOLERANCE`.
    """
    module, inputs, outputs = _subject(task, net, architecture)
    examples = tuple(inputs.values())
    with torch.no_grad():
        expected = _flat(module(*examples))
    few = tuple(example[:2] for example in examples)
    batch = {name: {0: Dim("batch")} for name in inputs}
    program = torch.export.export(module, few, dynamic_shapes=batch)
    out.mkdir(exist_ok=True)
    replace(out / "network.pt2", partial(_save, program))
    loaded = torch.export.load(out / "network.pt2").module()
    found = {"network.pt2": _flat(loaded(*examples)).detach()}
    if isinstance(task, LanguageModel):
        text = json.dumps(task.vocabulary)
        replace(out / "vocabulary.json", lambda path: path.write_text(text))
    missing = [name for name in ONNX if importlib.util.find_spec(name) is None]
    if missing:
        print(f"network.onnx was not written: {', '.join(missing)} not installed")
    else:
        _save_onnx(program, few, list(inputs), outputs, out / "network.onnx")
        found["network.onnx"] = _run_onnx(out / "network.onnx", inputs)
    return _differences(found, expected, out)


def _differences(found: dict[str, Tensor], expected: Tensor, out: Path) -> dict[str, float]:
    """Each file's largest difference; UserError if one is above `TOLERANCE`."""
    largest = float(expected.abs().max())
    differences = {
        name: float((values - expected).abs().max()) / largest for name, values in found.items()
    }
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise UserError(f"{out / name} gives other outputs than the network: {difference:.2g}")
    return differences


@torch.no_grad()
def _subject(task: Task, net: Supernet, architecture: Architecture) -> Subject:
    if isinstance(task, ImageClassification):
        classifier = Classifier(net, architecture, *task.moments).eval().cpu()
        return Subject(classifier, {"images": task.pixels()}, ("logits",))
    if isinstance(task, LanguageModel):
        reader = Reader(net, architecture).eval().cpu()
        passage = next(task.test())
        _, hidden = net(passage.inputs.cpu(), None, architecture)
        return Subject(
            reader, {"tokens": passage.targets[-1].cpu(), "hidden": hidden}, ("logits", "next")
        )
    raise UserError("--export is for networks of images and of text")


def _flat(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """All outputs, flattened into one vector."""
    parts = (outputs,) if isinstance(outputs, Tensor) else outputs
    return torch.cat([part.flatten() for part in parts])


def _save(program: ExportedProgram, path: Path) -> None:
    with path.open("wb") as file:
        torch.export.save(program, file)


def _save_onnx(
    program: ExportedProgram,
    examples: tuple[Tensor, ...],
    inputs: list[str],
    outputs: tuple[str, ...],
    path: Path,
) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the exporter
        made = torch.onnx.export(
            program,
            examples,
            input_names=inputs,
            output_names=list(outputs),
            dynamo=True,
            verbose=False,
        )
    assert made is not None
    replace(path, lambda fresh: made.save(str(fresh)))


def _run_onnx(path: Path, inputs: dict[str, Tensor]) -> Tensor:
    import onnxruntime  # noqa: PLC0415 (slow to import)

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {name: value.numpy() for name, value in inputs.items()}
    return _flat(tuple(torch.from_numpy(value) for value in session.run(None, given)))
