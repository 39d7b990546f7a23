"""An operation of one's own, in all three spaces: every method, retraining, export, mistakes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import nas_adapter
from nas_adapter.errors import UserError
from nas_adapter.front.fingerprints import fingerprints
from nas_adapter.spaces import Size, Space
from nas_adapter.strategies import METHODS
from nas_adapter.supernets.supernet import Supernet
from nas_adapter.tasks import ImageSettings
from tests.nas_adapter.front.small_data import TINY, data_for


class Mixer(nn.Module):
    """A 1x1 convolution and a gate."""

    def __init__(self, width: int, stride: int = 1) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, 2 * width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.glu(self.mix(x), dim=1)


MAKE: dict[str, Callable[[], Space]] = {
    "nasbench201": lambda: nas_adapter.NASBench201(own={"mixer": lambda width, norm: Mixer(width)}),
    "darts-cnn": lambda: nas_adapter.DARTSCNN(
        own={"mixer": lambda width, stride, norm: Mixer(width, stride)}
    ),
    "darts-rnn": lambda: nas_adapter.DARTSRNN(own={"mixer": nn.functional.silu}),
}


def settings(space: Space, method: str) -> Any:
    values = dict(TINY[space.task])
    if method == "random":
        values["candidates"] = 2
    return nas_adapter.make_settings(space, method=method, preset="published", **values)


@pytest.mark.parametrize(("name", "method"), list(itertools.product(MAKE, METHODS)))
def test_every_method_searches_with_it(name: str, method: str) -> None:
    space = MAKE[name]()
    found = nas_adapter.search(space, data_for(space.task), settings(space, method))
    assert space.parse(found.genotype) == found.architecture
    if method == "black-box":
        assert any("mixer" in row["options"].values() for row in found.report["effects"])
    elif method != "random":
        for row in found.report["edge_probabilities"].values():
            assert row.keys() == set(space.operations)
            assert "mixer" in row


def all_mixers(space: Space) -> str:
    """A cell of mixers alone."""
    generator = torch.Generator().manual_seed(0)
    cell = nas_adapter.spaces.random_architecture(space, generator)
    mixer = len(space.operations) - 1
    return space.genotype(
        tuple(mixer if space.inputs is None or operation else 0 for operation in cell)
    )


@pytest.mark.parametrize("name", MAKE)
def test_it_is_retrained_and_exported(name: str, tmp_path: Path) -> None:
    space = MAKE[name]()
    genotype = all_mixers(space)
    assert "mixer" in genotype
    (trained,) = nas_adapter.retrain(
        genotype, space, data_for(space.task), settings(space, "xnas"), out=tmp_path, export=True
    )
    assert trained.genotype == genotype
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["exported"]["cell 1"].keys() == {"network.pt2", "network.onnx"}
    if space.task == "images":
        assert any(isinstance(module, Mixer) for module in trained.network.modules())


def test_published_operations_stay_in_their_places() -> None:
    plain, own = nas_adapter.DARTSCNN(), MAKE["darts-cnn"]()
    assert own.operations == (*plain.operations, "mixer")
    size = Size(3, 10, channels=4, cells=1)
    cell = plain.parse(nas_adapter.spaces.published.PUBLISHED[0].genotype)
    chosen = [[operation] for operation in cell]
    torch.manual_seed(0)
    one = plain.network(size, chosen, search=False)
    torch.manual_seed(0)
    other = own.network(size, chosen, search=False)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"none": lambda width, norm: None}, "there is an operation 'none' already"),
        ({"a~b": lambda width, norm: None}, "'a~b' must be made of letters, digits and _"),
        ({"wide": lambda width, norm: nn.Conv2d(width, 8, 1)}, r"'wide' must give \(2, 4, 6, 6\)"),
        ({"bad": lambda width, norm: nn.Linear(3, 3)}, "operation 'bad' fails: mat1"),
        ({"bad": lambda width: None}, r"operation 'bad' fails: .*takes 1 positional argument"),
    ],
)
def test_mistakes(own: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        nas_adapter.NASBench201(own=own)


def test_mistakes_of_the_other_spaces() -> None:
    with pytest.raises(UserError, match=r"'still' must give \(2, 4, 3, 3\) here, got \(2, 4, 6, 6"):
        nas_adapter.DARTSCNN(own={"still": lambda width, stride, norm: nn.Identity()})
    with pytest.raises(UserError, match="has parameters, which nobody would train"):
        nas_adapter.DARTSRNN(own={"prelu": nn.PReLU()})


class Wide(nas_adapter.NASBench201):
    """A space whose networks are of few widths, as with convolutions of eight groups."""

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        assert size.channels % 8 == 0
        return super().network(size, choices, search=search)


def test_a_space_of_few_widths_has_a_fingerprint() -> None:
    task = ImageSettings(batch_size=240).load(0, torch.device("cpu"))
    found = fingerprints(Wide(), task, 8)["space_fingerprint"]
    assert found == fingerprints(Wide(), task, 8)["space_fingerprint"]
    assert found != fingerprints(Wide(), task, 16)["space_fingerprint"]
