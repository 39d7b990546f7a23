"""What `EdgeExperts` has handed out in a round, and whether that is what comes back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import experts
from nas_adapter.edges.layout import Layout, Table
from nas_adapter.errors import UserError
from nas_adapter.ranks import shared


class Handed:
    """The hand-outs of a round that is played with the distributions `play`, float64 (E, K)."""

    def __init__(self, layout: Layout, play: Tensor) -> None:
        self.layout, self.play = layout, play
        self._leaf: Table = None
        self._drawn: tuple[Any, Tensor] | None = None

    def distribution(self, dtype: torch.dtype, *, requires_grad: bool) -> Table:
        """See `EdgeExperts.distribution`."""
        if requires_grad and self._leaf is not None:
            return self._leaf
        table = self.layout.split(self.play.to(dtype))
        if requires_grad:
            self._leaf = table
            for _, leaf in _named(table):
                leaf.requires_grad_()
        return table

    def gradient(self, p: Any) -> Tensor:
        """What backward() has left in p, (E, K)."""
        if p is None or p is not self._leaf:
            raise UserError(
                "update takes the very p that distribution(requires_grad=True) gave in this round: "
                "no copy of it, none of an earlier round, none without requires_grad"
            )
        for name, leaf in _named(p):
            if leaf.grad is None:
                raise UserError(
                    f"{name} has no gradient: call backward() on the validation loss first; if "
                    f"that was done, net(xv, p) does not depend on {name}"
                )
        grads = p.grad if self.layout.groups is None else {name: p[name].grad for name in p}
        return self.layout.join("p.grad", grads)

    def sample(self, generator: torch.Generator | None, ranks: Any) -> Any:
        """See `EdgeExperts.sample`."""
        at = "cpu" if generator is None else generator.device
        shape = len(self.play), 1
        uniforms = torch.rand(shape, generator=generator, dtype=torch.float64, device=at)
        drawn = experts.draw(self.play, shared(uniforms.to(self.play.device), ranks))
        found = self.layout.architecture(drawn.int().argmax(-1).tolist())
        self._drawn = found, drawn
        return found

    def drawn(self, sampled: Any) -> Tensor:
        """The architecture as a mask, bool (E, K), if it is the one that was drawn last."""
        if self._drawn is None or sampled != self._drawn[0]:
            raise UserError(
                "sampled must be the architecture that sample() gave in this round, the last one"
            )
        return self._drawn[1]


def _named(table: Table) -> list[tuple[str, Tensor]]:
    """The parts of a table, as a user calls them."""
    if isinstance(table, Tensor):
        return [("p", table)]
    return [(f"p[{name!r}]", part) for name, part in table.items()]
