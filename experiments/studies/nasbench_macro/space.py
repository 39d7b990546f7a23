"""NAS-Bench-Macro as a space of one's own: eight layers, each one of three blocks; no cells.

    python experiments/run_xnas.py --space experiments/studies/nasbench_macro/space.py:NASBenchMacro

Source: Su et al. 2021, "Prioritized Architecture Sampling with Monte-Carlo Tree Search", the
benchmark and its released network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor, nn

from nas_adapter.errors import UserError
from nas_adapter.spaces import Architecture, Size, Tuning
from nas_adapter.supernets.layers import Norm
from nas_adapter.supernets.supernet import MixedEdge, Supernet, Weights

STAGES = (2, 3, 3)
"""Layers of each stage; the first of a stage halves the image and doubles the channels."""
LAYERS = sum(STAGES)
HEAD = 40
"""Channels before the classifier, in units of C: 1,280 for the published C = 32."""


class NASBenchMacro:
    """A chain: layer j's edge goes from node j - 1 to node j and offers three blocks."""

    task = "images"
    operations = ("identity", "inverted_residual_3x3", "inverted_residual_5x5")
    edges = tuple(f"{layer}<-{layer - 1}" for layer in range(1, LAYERS + 1))
    choices = ((0, 1, 2),) * LAYERS
    inputs = None
    search_tuning = Tuning(rate=0.1, lowest_rate=0.0, momentum=0.9, weight_decay=5e-4, clip=5.0)
    retrain_tuning = Tuning(rate=0.1, lowest_rate=0.0, momentum=0.9, weight_decay=5e-4)
    """As published, but the schedule's: theirs was 50 epochs at batch 256."""
    architecture_rate = 3e-4

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """See `Space.network`."""
        if size.auxiliary:
            raise UserError("--auxiliary: networks of NAS-Bench-Macro have no auxiliary head")
        return Network(size, choices, search=search)

    def genotype(self, architecture: Architecture) -> str:
        """One digit a layer, for example ``22221010``."""
        return "".join(str(operation) for operation in architecture)

    def parse(self, genotype: str) -> Architecture:
        """See `Space.parse`."""
        if len(genotype) != LAYERS or not set(genotype) <= set("012"):
            raise ValueError(f"not {LAYERS} digits 0, 1 or 2: {genotype!r}")
        return tuple(int(digit) for digit in genotype)


class Network(Supernet):
    """Stem with C channels, eight layers with 2C, 4C and 8C, a 1x1 convolution, a classifier."""

    def __init__(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> None:
        super().__init__()
        norm = Norm(search)
        narrow = size.channels
        self.stem = nn.Sequential(
            nn.Conv2d(size.inputs, narrow, 3, padding=1, bias=False), norm(narrow), nn.ReLU()
        )
        self.layers = nn.ModuleList()
        offered = iter(choices)
        for count in STAGES:
            for index in range(count):
                wide = 2 * narrow if index == 0 else narrow
                blocks = {o: BLOCKS[o](narrow, wide, norm) for o in next(offered)}
                self.layers.append(Layer(blocks))
                narrow = wide
        head = HEAD * size.channels
        self.head = nn.Sequential(
            nn.Conv2d(narrow, head, 1, bias=False), norm(head), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(head, size.outputs),
        )  # fmt: skip

    def forward(self, x: Tensor, weights: Weights) -> Tensor:
        """Logits (batch, classes) of images (batch, channels, height, width)."""
        x = self.stem(x)
        for layer, chosen in zip(self.layers, weights, strict=True):
            x = layer(x, chosen)
        return self.head(x)  # type: ignore[no-any-return]

    def mixed_edges(self, edge: int) -> Iterator[MixedEdge]:
        """See `Supernet.mixed_edges`; a `Layer` is removed from in the same way."""
        yield self.layers[edge]  # type: ignore[misc]


class Layer(nn.Module):
    """The weighted sum of blocks, which may change the channels and the size, as no edge may."""

    def __init__(self, blocks: dict[int, nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({str(index): block for index, block in blocks.items()})

    def forward(self, x: Tensor, weights: Tensor | int) -> Tensor:
        """Mix with `weights` (K,), or apply the one block with this index."""
        if isinstance(weights, int):
            out: Tensor = self.blocks[str(weights)](x)
            return out
        parts: list[Tensor] = [
            weights[int(index)] * block(x) for index, block in self.blocks.items()
        ]
        return sum(parts[1:], parts[0])

    def remove(self, operation: int) -> None:
        """Drop a block."""
        if str(operation) in self.blocks:
            del self.blocks[str(operation)]


class InvertedResidual(nn.Module):
    """1x1 convolution to more channels, depthwise, 1x1 back; the input is added where it fits."""

    def __init__(self, narrow: int, wide: int, norm: Norm, kernel: int, expansion: int) -> None:
        super().__init__()
        hidden, stride = expansion * narrow, 1 if wide == narrow else 2
        depthwise = nn.Conv2d(
            hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False
        )
        self.main = nn.Sequential(
            nn.Conv2d(narrow, hidden, 1, bias=False), norm(hidden), nn.ReLU(),
            depthwise, norm(hidden), nn.ReLU(),
            nn.Conv2d(hidden, wide, 1, bias=False), norm(wide),
        )  # fmt: skip
        self.residual = narrow == wide

    def forward(self, x: Tensor) -> Tensor:
        """Of the same size, or with twice the channels half of it."""
        out: Tensor = self.main(x)
        return out + x if self.residual else out


def _identity(narrow: int, wide: int, norm: Norm) -> nn.Module:
    """A 1x1 convolution with stride 2 where the shape changes."""
    if narrow == wide:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(narrow, wide, 1, stride=2, bias=False), norm(wide))


BLOCKS: tuple[Callable[[int, int, Norm], nn.Module], ...] = (
    _identity,
    lambda narrow, wide, norm: InvertedResidual(narrow, wide, norm, kernel=3, expansion=3),
    lambda narrow, wide, norm: InvertedResidual(narrow, wide, norm, kernel=5, expansion=6),
)
"""In the order of `NASBenchMacro.operations`."""
