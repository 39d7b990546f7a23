"""What the edges offer, and how tables of several groups of edges become one batch (E, K)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from nas_adapter.errors import UserError

Table: TypeAlias = Any
"""A tensor (E, K); with several groups of edges a dictionary of such by the groups' names."""

RULE = (
    "choices must be a mask (E, K) of bools, a list of counts (how many operations each edge has), "
    "a search space, or a dictionary of such, one for each group of edges"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The groups of edges, one above the other; narrow groups have spare columns on the right."""

    mask: Tensor
    """bool (E, K): the operations that each edge offers"""
    groups: dict[str, tuple[int, int]] | None
    """name -> number of edges and of operations; None: one group, without a name"""

    @classmethod
    def of(cls, choices: Any, device: torch.device | str | None) -> Layout:
        """From what a user says: see `RULE`. `device`: None is that of the mask."""
        if not isinstance(choices, Mapping):
            return cls(_mask(choices).to(device), None)
        masks = {str(name): _mask(part).to(device) for name, part in choices.items()}
        if not masks:
            raise UserError(f"{RULE}; got no group")
        groups = {name: (len(mask), mask.shape[1]) for name, mask in masks.items()}
        wide = max(count for _, count in groups.values())
        return cls(torch.cat([_widened(mask, wide) for mask in masks.values()]), groups)

    def split(self, table: Tensor) -> Table:
        """Copies of the groups' parts of a table (E, K)."""
        if self.groups is None:
            return table.clone()
        parts = torch.split(table, [edges for edges, _ in self.groups.values()])
        return {
            name: part[:, :count].clone()
            for part, (name, (_, count)) in zip(parts, self.groups.items(), strict=True)
        }

    def join(self, what: str, given: Any) -> Tensor:
        """One table (E, K), 0 in spare columns, of what a user gave; `what` is its name."""
        if self.groups is None:
            return self._checked(what, given, tuple(self.mask.shape))
        if not isinstance(given, Mapping) or given.keys() != self.groups.keys():
            raise UserError(f"{what} must be a dictionary with the keys {', '.join(self.groups)}")
        parts = [
            self._checked(f"{what}[{name!r}]", given[name], shape)
            for name, shape in self.groups.items()
        ]
        return torch.cat([_widened(part, self.mask.shape[1]) for part in parts])

    def architecture(self, chosen: list[int]) -> Any:
        """The operations of all edges, group by group."""
        if self.groups is None:
            return tuple(chosen)
        rest = iter(chosen)
        return {
            name: tuple(next(rest) for _ in range(edges))
            for name, (edges, _) in self.groups.items()
        }

    def place(self, row: int) -> tuple[Any, ...]:
        """The edge in row `row`: (edge,), or (group, edge)."""
        for name, (edges, _) in (self.groups or {}).items():
            if row < edges:
                return name, row
            row -= edges
        return (row,)

    def _checked(self, what: str, given: Any, shape: tuple[int, ...]) -> Tensor:
        # Lists are float64 to numpy.
        table = torch.as_tensor(given if isinstance(given, Tensor) else np.asarray(given))
        table = table.to(self.mask.device)
        if tuple(table.shape) != shape:
            raise UserError(f"{what} has shape {tuple(table.shape)}, expected {shape}")
        return table


def _mask(choices: Any) -> Tensor:
    """bool (E, K) of one group."""
    if hasattr(choices, "choices") and hasattr(choices, "operations"):
        mask = torch.zeros(len(choices.choices), len(choices.operations), dtype=torch.bool)
        for edge, offered in enumerate(choices.choices):
            mask[edge, list(offered)] = True
        return _offering(mask)
    try:
        table = torch.as_tensor(choices)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{RULE}; got {choices!r}") from error
    integers = not (table.dtype.is_floating_point or table.dtype.is_complex)
    if table.ndim == 2 and table.dtype == torch.bool:
        return _offering(table)
    if table.ndim == 1 and len(table) and integers and table.dtype != torch.bool:
        wide = max(int(table.max()), 0)
        return _offering(torch.arange(wide, device=table.device) < table[:, None])
    raise UserError(f"{RULE}; got {tuple(table.shape)} of {table.dtype}")


def _offering(mask: Tensor) -> Tensor:
    empty = (~mask.any(-1)).nonzero()[:, 0].tolist()
    if empty or not len(mask):
        raise UserError(f"every edge needs an operation: edges {empty} of {len(mask)} have none")
    return mask


def _widened(table: Tensor, wide: int) -> Tensor:
    return torch.nn.functional.pad(table, (0, wide - table.shape[1]))
