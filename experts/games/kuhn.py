"""Kuhn poker: three cards, one bet."""

from __future__ import annotations

from itertools import permutations

from experts.games.tree import Chance, Move, Node


def kuhn() -> Node:
    """Kuhn poker, for `tree_game`.

    Two players ante 1 and get one card each of 0, 1, 2. They pass ("p") or bet 1 ("b") in turn,
    until both have passed, a bet was passed to, which loses the ante, or a bet was met; the higher
    card wins. The value for the first player is -1/18.

    Source: Kuhn 1950.
    """
    deals = list(permutations(range(3), 2))
    return Chance([(1 / len(deals), _after("", cards)) for cards in deals])


def _after(history: str, cards: tuple[int, ...]) -> Node:
    player = len(history) % 2
    if history.endswith("bp"):  # the other one's bet was passed to
        return 1.0 if player == 0 else -1.0
    if history in ("pp", "bb", "pbb"):
        stake = 2.0 if history.endswith("bb") else 1.0
        return stake if cards[0] > cards[1] else -stake
    actions = {action: _after(history + action, cards) for action in "pb"}
    return Move(player, f"{cards[player]}{history}", actions)
