"""Export of a trained discrete network to files that run without this code."""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

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


class ImageNetwork(nn.Module):
    """A network of images (batch, channels, height, width), with pixels as its data set has them.

    So 0 to 255 for the data sets that have names.
    """

    def __init__(
        self, net: Supernet, architecture: Architecture, mean: Tensor, std: Tensor
    ) -> None:
        super().__init__()
        self.net, self.architecture = net, architecture
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (batch, outputs), of classes the logits; images are normalised as in training."""
        return self.net((images - self.mean) / self.std, self.architecture)  # type: ignore[no-any-return, operator]


class Reader(nn.Module):
    """A language model, one token at a time."""

    def __init__(self, net: Supernet, architecture: Architecture) -> None:
        super().__init__()
        self.net, self.architecture = net, architecture

    def forward(self, tokens: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch, words) of the token after each of `tokens` (batch,), and the new state.

        `hidden` (batch, H) is the state after the tokens before; zeros at the start of a text.
        """
        logits, state = self.net(tokens[None], hidden, self.architecture)
        return logits[0], state


class Fixed(nn.Module):
    """A network of any other task, called with the task's own inputs."""

    def __init__(self, net: Supernet, architecture: Architecture) -> None:
        super().__init__()
        self.net, self.architecture = net, architecture

    def forward(self, *inputs: Any) -> Any:
        """What the network gives for the inputs."""
        return self.net(*inputs, self.architecture)


def standalone(task: Task, net: Supernet, architecture: Architecture) -> nn.Module:
    """The trained network as a module of its own, on the CPU, in evaluation mode."""
    if isinstance(task, ImageClassification):
        return ImageNetwork(net, architecture, *task.moments).eval().cpu()
    wrapper = Reader if isinstance(task, LanguageModel) else Fixed
    return wrapper(net, architecture).eval().cpu()


class Examples(NamedTuple):
    """Inputs of the module to export, the first axis of each the batch; names of its outputs."""

    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]


def check_export(task: Task, module: nn.Module) -> None:
    """Raise `UserError` where the task or a `standalone` network of it cannot be exported.

    Or where a package is missing. That network.onnx takes the network's operations is not tried.
    """
    if not isinstance(task, ImageClassification | LanguageModel):
        raise UserError("--export is for networks of images and of text")
    missing = [name for name in ONNX if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--export needs {', '.join(missing)}: pip install 'experts-xnas[onnx]', or leave it "
            "out: --resume --export on the finished run writes the files later"
        )
    try:
        _program(module, _examples(task, module).inputs)
    except Exception as error:  # the network may be the user's own
        reason = str(error).partition("\n")[0]
        raise UserError(f"--export: networks of this space cannot be exported: {reason}") from error


def export(task: Task, module: nn.Module, out: Path) -> dict[str, float]:
    """Write network.pt2 and network.onnx, read them back, run them, and compare.

    Class names go into the files, in the order of the logits: a JSON list called "classes" among
    the extra files of network.pt2 and in the metadata of network.onnx. For text there is
    vocabulary.json, the spelling of each token.

    Parameters
    ----------
    module
        The `standalone` network of the task.

    Returns
    -------
    For each file the largest difference from the network's own outputs on test data, relative to
    the largest output.

    Raises
    ------
    UserError
        A file's outputs differ by more than `TOLERANCE`.
    """
    inputs, outputs = _examples(task, module)
    examples = tuple(inputs.values())
    with torch.no_grad():
        expected = _flat(module(*examples))
    program, few = _program(module, inputs)
    classes = json.dumps(task.facts.get("classes"))
    out.mkdir(exist_ok=True)
    replace(out / "network.pt2", partial(_save, program, classes))
    loaded = torch.export.load(out / "network.pt2").module()
    found = {"network.pt2": _flat(loaded(*examples)).detach()}
    if isinstance(task, LanguageModel):
        text = json.dumps(task.vocabulary)
        replace(out / "vocabulary.json", lambda path: path.write_text(text))
    _save_onnx(program, few, classes, list(inputs), outputs, out / "network.onnx")
    found["network.onnx"] = _run_onnx(out / "network.onnx", inputs)
    return _differences(found, expected, out)


def _program(
    module: nn.Module, inputs: dict[str, Tensor]
) -> tuple[ExportedProgram, tuple[Tensor, ...]]:
    """The module for batches of any size, and the few examples that it was traced with."""
    few = tuple(example[:2] for example in inputs.values())
    batch = {name: {0: Dim("batch")} for name in inputs}
    return torch.export.export(module, few, dynamic_shapes=batch), few


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
def _examples(task: Task, module: nn.Module) -> Examples:
    if isinstance(task, ImageClassification):
        return Examples({"images": task.pixels()}, ("logits",))
    assert isinstance(task, LanguageModel)
    passage = next(task.test())
    _, hidden = module.net(passage.inputs.cpu(), None, module.architecture)  # type: ignore[operator]
    return Examples({"tokens": passage.targets[-1].cpu(), "hidden": hidden}, ("logits", "next"))


def _flat(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """All outputs, flattened into one vector."""
    parts = (outputs,) if isinstance(outputs, Tensor) else outputs
    return torch.cat([part.flatten() for part in parts])


def _save(program: ExportedProgram, classes: str, path: Path) -> None:
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files={"classes": classes})


def _save_onnx(
    program: ExportedProgram,
    examples: tuple[Tensor, ...],
    classes: str,
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
    made.model.metadata_props["classes"] = classes
    replace(path, lambda fresh: made.save(str(fresh)))


def _run_onnx(path: Path, inputs: dict[str, Tensor]) -> Tensor:
    import onnxruntime  # noqa: PLC0415 (slow to import)

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {name: value.numpy() for name, value in inputs.items()}
    return _flat(tuple(torch.from_numpy(value) for value in session.run(None, given)))
