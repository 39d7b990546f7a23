"""Small trees drawn by hypothesis, and what plain recursion over pure strategies says of them."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from experts.games import Chance, Move
from experts.games.tree import Node

Strategy = Mapping[Hashable, Any]
"""What a player sees -> its distribution over the actions."""


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> Move:
    """Trees with perfect recall: a player sees all that it saw and did, and one bit."""
    counts: dict[Hashable, int] = {}

    def grow(left: int, own: tuple[Any, Any]) -> Node:
        kind = draw(st.sampled_from(["end", "chance", "move", "move"])) if left else "end"
        if kind == "end":
            return draw(st.integers(-4, 4)) / 2
        if kind == "chance":
            share = draw(st.sampled_from([0.25, 0.5]))
            return Chance([(share, grow(left - 1, own)), (1 - share, grow(left - 1, own))])
        return move(left, own)

    def move(left: int, own: tuple[Any, Any]) -> Move:
        player = draw(st.integers(0, 1))
        sees = (own[player], draw(st.integers(0, 1)))
        count = counts.setdefault((player, sees), draw(st.integers(1, 3)))
        actions = {}
        for k in range(count):
            now = (sees, k)
            after = (now, own[1]) if player == 0 else (own[0], now)
            actions[k] = grow(left - 1, after)
        return Move(player, sees, actions)

    return move(depth, (None, None))


def moves(node: Node) -> Iterator[Move]:
    """All moves of a tree."""
    if isinstance(node, Move):
        yield node
    if not isinstance(node, float):
        for after in followers(node):
            yield from moves(after)


def followers(node: Move | Chance) -> list[Node]:
    if isinstance(node, Move):
        return list(node.actions.values())
    return [after for _, after in node.outcomes]


def worth(node: Node, first: Strategy, second: Strategy) -> float:
    """Expected payoff."""
    if isinstance(node, Chance):
        return sum(p * worth(after, first, second) for p, after in node.outcomes)
    if isinstance(node, Move):
        chances = (first, second)[node.player][node.sees]
        after = followers(node)
        return float(sum(chances[k] * worth(after[k], first, second) for k in range(len(after))))
    return node


def pure(root: Node, player: int) -> Iterator[Strategy]:
    """All deterministic strategies of a player."""
    sets = {move.sees: len(move.actions) for move in moves(root) if move.player == player}
    for choice in itertools.product(*(range(count) for count in sets.values())):
        yield {
            sees: np.eye(count)[k] for (sees, count), k in zip(sets.items(), choice, strict=True)
        }
