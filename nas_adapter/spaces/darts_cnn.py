"""DARTS's convolutional space: a normal and a reduction cell, 14 edges of 8 operations each.

Source: Liu, Simonyan & Yang 2019, "DARTS: Differentiable Architecture Search", Section 3.1.1 and
Appendix A; the layers' details as in the authors' released networks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from nas_adapter.spaces.base import Architecture, Size, Tuning
from nas_adapter.spaces.notation import from_pairs, read_call, to_pairs, write_call
from nas_adapter.spaces.own import WIDTH, on_images, with_own
from nas_adapter.supernets.fan import Source, nodes
from nas_adapter.supernets.layers import (
    AveragePool,
    MaxPool,
    Norm,
    Skip,
    bare,
    in_order,
    kernels,
    relu_conv_norm,
    scaled_norm,
)
from nas_adapter.supernets.separable import Separable, TwiceSeparable
from nas_adapter.supernets.supernet import MixedEdge, Supernet, Weights

Make = Callable[[int, int, Norm], nn.Module | None]
MAKE: dict[str, Make] = {
    "none": lambda width, stride, norm: None,
    "max_pool_3x3": lambda width, stride, norm: norm.after_pooling(MaxPool(stride), width),
    "avg_pool_3x3": lambda width, stride, norm: norm.after_pooling(AveragePool(stride), width),
    "skip_connect": lambda width, stride, norm: (
        Skip() if stride == 1 else FactorizedReduce(width, width, norm)
    ),
    "sep_conv_3x3": lambda width, stride, norm: TwiceSeparable(width, 3, stride, norm),
    "sep_conv_5x5": lambda width, stride, norm: TwiceSeparable(width, 5, stride, norm),
    "dil_conv_3x3": lambda width, stride, norm: Separable(width, 3, stride, norm, dilation=2),
    "dil_conv_5x5": lambda width, stride, norm: Separable(width, 5, stride, norm, dilation=2),
}
"""The operations: name -> constructor from (width, stride, norm). A new one is a new line here."""
OPERATIONS = tuple(MAKE)
INPUTS, NODES = 2, 4
ENDS = tuple((node, source) for node in range(INPUTS, INPUTS + NODES) for source in range(node))
CELLS = {"normal": "normal", "reduction": "reduce"}
"""Cells: name in the space -> name in a genotype."""
STEM = 3
"""Channels after the stem, in units of C."""


class DARTSCNN:
    """DARTS's convolutional space: two cells of 14 edges, each a choice among `OPERATIONS`.

    Nodes 0 and 1 are the outputs of the two cells before, node j = 2..5 the sum of its edges
    j<-i (i < j); the cell's output is nodes 2 to 5, concatenated. A node keeps two of its edges.

    Parameters
    ----------
    own
        Further operations: name -> constructor from (width, stride, norm), like those of `MAKE`.
    """

    task = "images"
    operations = OPERATIONS
    edges = tuple(f"{cell}/{target}<-{source}" for cell in CELLS for target, source in ENDS)
    choices = (tuple(range(len(OPERATIONS))),) * (len(CELLS) * len(ENDS))
    inputs = 2
    search_tuning = Tuning(rate=0.025, lowest_rate=0.001, momentum=0.9, weight_decay=3e-4, clip=5.0)
    retrain_tuning = Tuning(rate=0.025, lowest_rate=0.0, momentum=0.9, weight_decay=3e-4, clip=5.0)
    """Source: Liu et al. 2019, Appendix A, like the search's."""
    architecture_rate = 3e-4

    def __init__(self, own: Mapping[str, Make] | None = None) -> None:
        self._make = with_own(MAKE, own, _tried)
        if own:
            self.operations = tuple(self._make)
            self.choices = (tuple(range(len(self._make))),) * (len(CELLS) * len(ENDS))

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """See `Space.network`."""
        return Network(size, choices, tuple(self._make.values()), search=search)

    def genotype(self, architecture: Architecture) -> str:
        """``Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...)``."""
        fields: dict[str, object] = {}
        for cell, name in CELLS.items():
            fields[name] = to_pairs(self, architecture, cell)
            fields[f"{name}_concat"] = range(INPUTS, INPUTS + NODES)
        return write_call(fields)

    def parse(self, genotype: str) -> Architecture:
        """See `Space.parse`. The edges of a node may come in any order."""
        fields = read_call(genotype)
        concat = list(range(INPUTS, INPUTS + NODES))
        try:
            for name in CELLS.values():
                if not fields.keys() >= {name, f"{name}_concat"}:
                    raise ValueError(f"{name} is missing")
                if list(fields[f"{name}_concat"]) != concat:
                    raise ValueError(f"{name}_concat must be {concat}")
            return from_pairs(self, {cell: fields[name] for cell, name in CELLS.items()})
        except (TypeError, ValueError) as error:
            raise ValueError(f"not a DARTS genotype: {genotype!r}: {error}") from error


class Network(Supernet):
    """Supernet or discrete network: stem, stack of cells, classifier.

    The stack is N normal cells, a reduction cell, N normal, a reduction, N normal.
    So 3N + 2 cells, reductions at 1/3 and 2/3: N = 2 is the published network of the search,
    N = 6 the one that is retrained. Channels start at C a node and double at a reduction.
    """

    def __init__(
        self, size: Size, choices: Sequence[Sequence[int]], make: Sequence[Make], *, search: bool
    ) -> None:
        super().__init__()
        norm = Norm(search)
        wide = STEM * size.channels
        self.stem = nn.Sequential(
            nn.Conv2d(size.inputs, wide, 3, padding=1, bias=False),
            nn.BatchNorm2d(wide, track_running_stats=not search),
        )
        self.reductions = (size.cells, 2 * size.cells + 1)
        halves = {False: choices[: len(ENDS)], True: choices[len(ENDS) :]}
        cells, before, last, width = [], wide, wide, size.channels
        for index in range(3 * size.cells + 2):
            reduction = index in self.reductions
            if reduction:
                width *= 2
            after_reduction = index - 1 in self.reductions
            widths, offered = (before, last, width), halves[reduction]
            cells.append(Cell(widths, offered, make, norm, reduction, after_reduction))
            before, last = last, NODES * width
            if index == self.reductions[1] and size.auxiliary:
                self.auxiliary = _auxiliary_head(last, size.outputs)
        self.cells = nn.ModuleList(cells)
        self.auxiliary_after = self.reductions[1] if size.auxiliary else None
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(last, size.outputs)

    def forward(self, x: Tensor, weights: Weights) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (batch, classes) of images; in training with an auxiliary head also its logits."""
        before = last = in_order(self.stem(in_order(x)))
        extra = None
        halves = {False: weights[: len(ENDS)], True: weights[len(ENDS) :]}
        for index, cell in enumerate(self.cells):
            before, last = last, cell(before, last, halves[index in self.reductions])
            if index == self.auxiliary_after and self.training:
                extra = self.auxiliary(last)
        logits = self.classifier(self.pool(last).flatten(1))
        return logits if extra is None else (logits, extra)

    def mixed_edges(self, edge: int) -> Iterator[MixedEdge]:
        """See `Supernet.mixed_edges`."""
        reduction, place = divmod(edge, len(ENDS))
        for index, cell in enumerate(self.cells):
            if (index in self.reductions) == bool(reduction):
                yield cell.edges[place]  # type: ignore[index, misc]


class Cell(nn.Module):
    """A cell of the stack. In a reduction cell the edges from nodes 0 and 1 have stride 2.

    Parameters
    ----------
    widths
        Channels of the cell before the last, of the last cell, and of a node of this one.
    after_reduction
        Whether the last cell was a reduction cell: then node 0 has twice the height and width.
    """

    def __init__(
        self,
        widths: tuple[int, int, int],
        choices: Sequence[Sequence[int]],
        make: Sequence[Make],
        norm: Norm,
        reduction: bool,
        after_reduction: bool,
    ) -> None:
        super().__init__()
        before, last, width = widths
        self.first = (
            FactorizedReduce(before, width, norm)
            if after_reduction
            else relu_conv_norm(before, width, 1, norm)
        )
        self.second = relu_conv_norm(last, width, 1, norm)
        self.edges = nn.ModuleList()
        for (_, source), offered in zip(ENDS, choices, strict=True):
            stride = 2 if reduction and source < INPUTS else 1
            made = {index: make[index](width, stride, norm) for index in offered}
            self.edges.append(MixedEdge(made, stride))

    def forward(self, before: Tensor, last: Tensor, weights: Weights) -> Tensor:
        """Nodes 2 to 5, concatenated: (batch, 4 width, height, width)."""
        inputs = [self.first(before), self.second(last)]
        states = nodes(inputs, ENDS, self.edges, weights)
        return torch.cat(states[INPUTS:], dim=1)


class FactorizedReduce(nn.Module):
    """Layer that halves height and width: 1x1 convolutions of the even and of the odd pixels."""

    def __init__(self, narrow: int, wide: int, norm: Norm) -> None:
        super().__init__()
        self.even = nn.Conv2d(narrow, wide // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(narrow, wide - wide // 2, 1, stride=2, bias=False)
        self.norm = norm(wide)

    @property
    def kind(self) -> Hashable:
        """One, if it keeps the number of channels, and both halves have some."""
        narrow, wide = self.odd.in_channels, self.even.out_channels + self.odd.out_channels
        return "reduce" if bare(self.norm) and narrow == wide > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Images (batch, wide, ceil(height / 2), ceil(width / 2))."""
        x = x.relu()
        return self.norm(torch.cat([self.even(x), self.odd(_shifted(x))], dim=1))  # type: ignore[no-any-return]

    @staticmethod
    def together(modules: Sequence[FactorizedReduce], source: Source, scale: Tensor) -> Tensor:
        """See `fan`."""
        even, odd = [module.even for module in modules], [module.odd for module in modules]
        x = source.relu
        halves = (
            functional.conv2d(x, kernels(even), stride=2).chunk(len(modules), 1),
            functional.conv2d(_shifted(x), kernels(odd), stride=2).chunk(len(modules), 1),
        )
        pairs = zip(*halves, strict=True)
        return scaled_norm(torch.cat([half for pair in pairs for half in pair], 1), scale)


def _shifted(x: Tensor) -> Tensor:
    """The images without their first row and column, with zeros behind the last."""
    return functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]


def _tried(make: Make) -> list[tuple[Tensor, Tensor]]:
    return [on_images(make(WIDTH, stride, Norm(True)), stride) for stride in (1, 2)]


def _auxiliary_head(width: int, classes: int) -> nn.Sequential:
    """Auxiliary head: a second classifier, at 2/3 of the stack, whose loss helps the training.

    Features are pooled to 2x2 whatever the size of the image; for 32x32 images, where features are
    8x8, the published head averages 5x5 windows at stride 3, which gives 2x2 as well.
    """
    return nn.Sequential(
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Conv2d(width, 128, 1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.Conv2d(128, 768, 2, bias=False),
        nn.BatchNorm2d(768),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(768, classes),
    )
