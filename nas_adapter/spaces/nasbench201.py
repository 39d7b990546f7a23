"""The NAS-Bench-201 space: 6 edges, 5 operations, 15,625 cells.

Source: Dong & Yang 2020, "NAS-Bench-201: Extending the Scope of Reproducible Neural
Architecture Search", Section 2.1 (cell) and Figure 1 (macro skeleton).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from torch import Tensor, nn

from nas_adapter.errors import UserError
from nas_adapter.spaces.base import Architecture, Size, Tuning
from nas_adapter.spaces.own import WIDTH, on_images, with_own
from nas_adapter.supernets.fan import nodes
from nas_adapter.supernets.layers import (
    AveragePool,
    Norm,
    Skip,
    conv_norm,
    in_order,
    relu_conv_norm,
)
from nas_adapter.supernets.supernet import MixedEdge, Supernet, Weights

Make = Callable[[int, Norm], nn.Module | None]
MAKE: dict[str, Make] = {
    "none": lambda width, norm: None,
    "skip_connect": lambda width, norm: Skip(),
    "nor_conv_1x1": lambda width, norm: relu_conv_norm(width, width, 1, norm),
    "nor_conv_3x3": lambda width, norm: relu_conv_norm(width, width, 3, norm),
    "avg_pool_3x3": lambda width, norm: AveragePool(),
}
"""The operations: name -> constructor from (width, norm). A new one is a new line here."""
OPERATIONS = tuple(MAKE)
NODES = 4
ENDS = tuple((target, source) for target in range(1, NODES) for source in range(target))


class NASBench201:
    """The NAS-Bench-201 space: one cell of 6 edges, each a choice among `OPERATIONS`.

    Node 0 is the cell's input, node j the sum of its edges j<-i (i < j), node 3 the output.

    Parameters
    ----------
    own
        Further operations: name -> constructor from (width, norm), like those of `MAKE`.
    """

    task = "images"
    operations = OPERATIONS
    edges = tuple(f"{target}<-{source}" for target, source in ENDS)
    choices = (tuple(range(len(OPERATIONS))),) * len(ENDS)
    inputs = None
    search_tuning = Tuning(rate=0.025, lowest_rate=0.001, momentum=0.9, weight_decay=3e-4, clip=5.0)
    """Source: Liu et al. 2019 (DARTS), Appendix A.1."""
    retrain_tuning = Tuning(
        rate=0.1, lowest_rate=0.0, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    """Source: Dong & Yang 2020, Table 1."""
    architecture_rate = 3e-4

    def __init__(self, own: Mapping[str, Make] | None = None) -> None:
        self._make = with_own(MAKE, own, lambda make: [on_images(make(WIDTH, Norm(True)))])
        if own:
            self.operations = tuple(self._make)
            self.choices = (tuple(range(len(self._make))),) * len(ENDS)

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """See `Space.network`."""
        if size.auxiliary:
            raise UserError("--auxiliary: networks of nasbench201 have no auxiliary head")
        return Network(size, choices, tuple(self._make.values()), search=search)

    def genotype(self, architecture: Architecture) -> str:
        """The architecture as ``|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...~0|...~1|...~2|``."""
        named = [f"{self.operations[o]}~{s}" for o, (_, s) in zip(architecture, ENDS, strict=True)]
        nodes = [
            [name for name, (target, _) in zip(named, ENDS, strict=True) if target == node]
            for node in range(1, NODES)
        ]
        return "+".join(f"|{'|'.join(node)}|" for node in nodes)

    def parse(self, genotype: str) -> Architecture:
        """See `Space.parse`."""
        names = [
            part.partition("~")[0]
            for node in genotype.split("+")
            for part in node.strip("|").split("|")
        ]
        known = len(names) == len(ENDS) and set(names) <= set(self.operations)
        architecture = tuple(self.operations.index(name) for name in names) if known else ()
        if not known or self.genotype(architecture) != genotype:
            raise ValueError(f"not a NAS-Bench-201 architecture: {genotype!r}")
        return architecture


class Network(Supernet):
    """Supernet or discrete network: stem, three stages of N cells, classifier.

    The stages have C, 2C and 4C channels, with a residual `Reduction` between them.
    """

    def __init__(
        self, size: Size, choices: Sequence[Sequence[int]], make: Sequence[Make], *, search: bool
    ) -> None:
        super().__init__()
        norm = Norm(search)
        widths = [size.channels, 2 * size.channels, 4 * size.channels]
        self.stem = conv_norm(size.inputs, size.channels, 3, norm)
        self.cells = nn.ModuleList(
            nn.ModuleList(Cell(width, choices, make, norm) for _ in range(size.cells))
            for width in widths
        )
        self.reductions = nn.ModuleList(
            Reduction(narrow, wide, norm) for narrow, wide in itertools.pairwise(widths)
        )
        self.head = nn.Sequential(
            norm(widths[-1]),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], size.outputs),
        )

    def forward(self, x: Tensor, weights: Weights) -> Tensor:
        """Logits (batch, classes) of images (batch, channels, height, width)."""
        x = in_order(self.stem(in_order(x)))
        for stage, cells in enumerate(self.cells):
            if stage > 0:
                x = self.reductions[stage - 1](x)
            for cell in cells:  # type: ignore[attr-defined]
                x = cell(x, weights)
        return self.head(x)  # type: ignore[no-any-return]

    def mixed_edges(self, edge: int) -> Iterator[MixedEdge]:
        """See `Supernet.mixed_edges`."""
        for cells in self.cells:
            for cell in cells:  # type: ignore[attr-defined]
                yield cell.edges[edge]


class Cell(nn.Module):
    """A cell of the stack: (batch, width, height, width) to the same shape."""

    def __init__(
        self, width: int, choices: Sequence[Sequence[int]], make: Sequence[Make], norm: Norm
    ) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            MixedEdge({index: make[index](width, norm) for index in offered}) for offered in choices
        )

    def forward(self, x: Tensor, weights: Weights) -> Tensor:
        """The last node."""
        return nodes([x], ENDS, self.edges, weights)[-1]


class Reduction(nn.Module):
    """Residual block that halves the image and doubles the channels."""

    def __init__(self, narrow: int, wide: int, norm: Norm) -> None:
        super().__init__()
        self.main = nn.Sequential(
            relu_conv_norm(narrow, wide, 3, norm, stride=2),
            relu_conv_norm(wide, wide, 3, norm),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(narrow, wide, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Half the height and width, rounded up."""
        return self.main(x) + self.shortcut(x)  # type: ignore[no-any-return]
