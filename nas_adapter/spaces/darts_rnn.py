"""The recurrent space of DARTS, 8 nodes, 36 edges, 5 operations; its networks: language models.

Source: Liu, Simonyan & Yang 2019, "DARTS: Differentiable Architecture Search", Section 3.1.2 and
Appendix A; https://github.com/quark0/darts, rnn/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from nas_adapter.errors import UserError
from nas_adapter.spaces.base import Architecture, Size, Tuning
from nas_adapter.spaces.notation import from_pairs, read_call, to_pairs, write_call
from nas_adapter.spaces.own import with_own
from nas_adapter.supernets.decoder import mean_cross_entropy
from nas_adapter.supernets.recurrent_cell import ENDS, FUNCTIONS, NODES, OPERATIONS, Cell, Function
from nas_adapter.supernets.supernet import Supernet, Weights

CONCAT = range(1, NODES + 1)
"""The nodes whose mean is the output."""
PATIENCE = 5
"""Source: Merity et al. 2018 (n = 5), as in DARTS."""
EMBEDDING_RANGE = 0.04
"""Embeddings start uniform in [-EMBEDDING_RANGE, EMBEDDING_RANGE]."""


class DARTSRNN:
    """DARTS's recurrent space: one cell of 36 edges, each a choice among `OPERATIONS`.

    Node 0 is computed from x and h; every node 1 ... 8 keeps one incoming edge. See `Cell`.

    Parameters
    ----------
    own
        Further operations: name -> activation function, of tensors and without parameters.
    """

    task = "text"
    operations = OPERATIONS
    edges = tuple(f"{target}<-{source}" for target, source in ENDS)
    choices = (tuple(range(len(OPERATIONS))),) * len(ENDS)
    inputs = 1
    search_tuning = Tuning(rate=20, lowest_rate=20, momentum=0, weight_decay=5e-7, clip=0.25)
    retrain_tuning = Tuning(
        rate=20, lowest_rate=20, momentum=0, weight_decay=8e-7, clip=0.25, patience=PATIENCE
    )
    architecture_rate = 3e-3

    def __init__(self, own: Mapping[str, Function] | None = None) -> None:
        functions = with_own(FUNCTIONS, own, _tried)
        self._functions = tuple(functions.values())
        if own:
            self.operations = tuple(functions)
            self.choices = (tuple(range(len(functions))),) * len(ENDS)

    def network(self, size: Size, choices: Sequence[Sequence[int]], *, search: bool) -> Supernet:
        """See `Space.network`; its H is `size.channels`, and there is one cell."""
        if size.auxiliary:
            raise UserError("--auxiliary: networks of darts-rnn have no auxiliary head")
        return Network(size, choices, self._functions, search=search)

    def genotype(self, architecture: Architecture) -> str:
        """``Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9))``.

        For every node its operation and the node that its edge comes from.
        """
        return write_call({"recurrent": to_pairs(self, architecture), "concat": CONCAT})

    def parse(self, genotype: str) -> Architecture:
        """See `Space.parse`."""
        try:
            fields = read_call(genotype)
            if fields.keys() != {"recurrent", "concat"} or list(fields["concat"]) != list(CONCAT):
                raise ValueError(f"its fields must be recurrent and concat={CONCAT}")
            return from_pairs(self, {"": fields["recurrent"]})
        except (TypeError, ValueError) as error:
            raise ValueError(f"not a recurrent cell of DARTS: {genotype!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class Dropout:
    """Dropout rates of a language model; a window uses one mask at all its positions.

    Source: Gal & Ghahramani 2016 (variational dropout); Merity et al. 2018; DARTS's names.
    """

    words: float = 0.0
    """dropoute: whole words of the embedding"""
    embedded: float = 0.0
    """dropouti: the embeddings"""
    inputs: float = 0.0
    """dropoutx: x, on its way into the cell"""
    hidden: float = 0.0
    """dropouth: h and every node, on their way into a matrix"""
    outputs: float = 0.0
    """dropout: the new hidden states, on their way to the decoder"""


class Network(Supernet):
    """Language model: embedding, the cell at every position, and the embedding as decoder."""

    def __init__(
        self,
        size: Size,
        choices: Sequence[Sequence[int]],
        functions: Sequence[Function],
        *,
        search: bool,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size.inputs, size.channels)
        self.cell = Cell(size.channels, choices, functions, search=search)
        self.bias = nn.Parameter(torch.zeros(size.outputs))
        nn.init.uniform_(self.embedding.weight, -EMBEDDING_RANGE, EMBEDDING_RANGE)

    def forward(
        self,
        tokens: Tensor,
        hidden: Tensor | None,
        weights: Weights,
        dropout: Dropout | None = None,
        targets: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Logits (T, B, V) of the token after each of `tokens` (T, B), and the hidden state (B, H).

        With `targets` (T, B), those tokens, their mean cross-entropy takes the logits' place.
        `hidden` (B, H) is the state after the window before; None: zeros. Dropout masks are drawn
        from torch's CPU generator, so that they are the same on every device.
        """
        table, rates = self.embedding.weight, dropout or Dropout()
        streams, (words, width) = tokens.shape[1], table.shape
        x = functional.embedding(tokens, _dropped(table, rates.words, words, 1))
        x = _dropped(x, rates.embedded, streams, width)
        x = _dropped(x, rates.inputs, streams, width)
        dropout_mask = _mask(rates.hidden, table, streams, width)
        state = table.new_zeros(streams, width) if hidden is None else hidden
        states, plan = [], self.cell.plan(weights)
        for position in x.unbind():
            state = self.cell(position, state, plan, dropout_mask)
            states.append(state)
        out = _dropped(torch.stack(states), rates.outputs, streams, width)
        if targets is None:
            return functional.linear(out, table, self.bias), state
        loss = mean_cross_entropy(out.flatten(0, 1), table, self.bias, targets.flatten())
        return loss, state

    def remove(self, edge: int, operation: int) -> None:
        """See `Supernet.remove`: the operation is no longer computed on this edge."""
        self.cell.remove(edge, operation)


def _tried(function: Function) -> list[tuple[Tensor, Tensor]]:
    if isinstance(function, nn.Module) and list(function.parameters()):
        raise ValueError("it has parameters, which nobody would train")
    states = torch.zeros(2, 3)
    return [(states if function is None else function(states), states)]


def _mask(rate: float, like: Tensor, *shape: int) -> Tensor | None:
    """Dropout mask: 0, or 1 / (1 - rate) where an entry is kept; None for rate 0."""
    if rate == 0:
        return None
    return (torch.empty(shape).bernoulli_(1 - rate) / (1 - rate)).to(like)


def _dropped(x: Tensor, rate: float, *shape: int) -> Tensor:
    mask = _mask(rate, x, *shape)
    return x if mask is None else x * mask
