"""Games as trees: `Chance`, `Move` and payoffs, nested as the game is played; `tree_game`."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device

from experts.checks import check_float_array
from experts.games.decisions import Decisions
from experts.games.zero_sum import ZeroSum
from experts.numerics.parameters import largest, real
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Chance:
    """A draw: (chance, what follows) of each outcome; chances sum to 1."""

    outcomes: Sequence[tuple[float, Node]]


@dataclass(frozen=True, slots=True)
class Move:
    """A player chooses an action.

    Parameters
    ----------
    player
        0, who is paid, or 1.
    sees
        What the player knows, any hashable value: nodes with the same player and the same `sees`
        are one information set, and have the same actions in the same order.
    actions
        The name of each action, and what follows it.
    """

    player: int
    sees: Hashable
    actions: Mapping[Any, Node]


Node: TypeAlias = "Chance | Move | float"
"""A game from here on; a number is its end, what player 1 pays player 0."""


@dataclass(slots=True)
class _Book:
    """The information sets of one player, in the order in which they are met."""

    actions: dict[Hashable, tuple[Hashable, ...]] = field(default_factory=dict)
    parents: dict[Hashable, tuple[Hashable, int] | None] = field(default_factory=dict)

    def depth(self, sees: Hashable) -> int:
        """How many information sets of the player come before."""
        before = self.parents[sees]
        return 0 if before is None else 1 + self.depth(before[0])

    def decisions(self, like: Array) -> tuple[Decisions, dict[Any, int]]:
        """As arrays; and the number of every sequence (sees, action), of None for the empty one."""
        order = sorted(self.parents, key=self.depth)
        width = max((len(self.actions[sees]) for sees in order), default=1)
        number: dict[Any, int] = {None: 0} | {
            (sees, k): 1 + width * i + k for i, sees in enumerate(order) for k in range(width)
        }
        counts = [len(self.actions[sees]) for sees in order]
        parents = [number[self.parents[sees]] for sees in order]
        return Decisions.of(counts, parents, order, like), number


def tree_game(root: Node, like: Array | None = None) -> ZeroSum:
    """A game in which players move in turn, as arrays: its payoffs for all pairs of sequences.

    Parameters
    ----------
    root
        The game.
    like
        Any array of floats with the library, dtype and device to have; default: numpy's float64.

    Raises
    ------
    ValueError
        Chances that do not sum to 1; nodes of one information set with other actions, or
        reached by other own actions (a player remembers what it knew and did); payoffs that are
        not finite, or too large for the dtype.

    Examples
    --------
    >>> pennies = Move(0, "start", {
    ...     "head": Move(1, "start", {"head": 1.0, "tail": -1.0}),
    ...     "tail": Move(1, "start", {"head": -1.0, "tail": 1.0}),
    ... })
    >>> game = tree_game(pennies)
    >>> game.payoffs.tolist(), game.second.sees
    ([[0.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, -1.0, 1.0]], ('start',))
    """
    like = np.zeros(()) if like is None else like
    check_float_array("like", like)
    books = (_Book(), _Book())
    ends: list[tuple[Any, Any, float]] = []
    _walk(root, books, (None, None), 1.0, ends)
    for book in books:
        if not book.parents:  # who never moves has one information set, with nothing to choose
            book.actions[None], book.parents[None] = ("wait",), None
    (first, rows), (second, columns) = (book.decisions(like) for book in books)
    payoffs = np.zeros((first.children.shape[0], second.children.shape[0]))
    for row, column, payoff in ends:
        payoffs[rows[row], columns[column]] += payoff
    if not np.abs(payoffs).max() <= largest(like):
        raise ValueError(f"payoffs must not exceed {largest(like):.0e} in {like.dtype}")
    array = array_namespace(like).asarray(payoffs, dtype=like.dtype, device=device(like))
    return ZeroSum(array, first, second)


def _walk(
    node: Node, books: tuple[_Book, _Book], at: tuple[Any, Any], chance: float, ends: list[Any]
) -> None:
    """Enter the information sets below a node, reached by the sequences `at`, and the payoffs."""
    if isinstance(node, Chance):
        for probability, after in _outcomes(node):
            _walk(after, books, at, chance * probability, ends)
    elif isinstance(node, Move):
        _enter(node, books, at)
        for k, after in enumerate(node.actions.values()):
            now = (node.sees, k)
            _walk(after, books, (now, at[1]) if node.player == 0 else (at[0], now), chance, ends)
    else:
        payoff = real(node)
        if payoff is None or not math.isfinite(payoff):
            raise ValueError(f"a game must end in finite numbers, got {node!r}")
        ends.append((*at, chance * payoff))


def _outcomes(node: Chance) -> list[tuple[Any, Node]]:
    """Checked."""
    try:
        outcomes: list[tuple[Any, Node]] = [
            (real(chance), after) for chance, after in node.outcomes
        ]
        total = math.fsum(chance for chance, _ in outcomes)
    except (TypeError, ValueError):
        raise ValueError(
            f"outcomes must be pairs of a chance and what follows, got {node.outcomes!r}"
        ) from None
    if not (abs(total - 1) < 1e-9 and all(chance >= 0 for chance, _ in outcomes)):
        raise ValueError(f"outcomes must have chances >= 0 that sum to 1, got {total}")
    return outcomes


def _enter(node: Move, books: tuple[_Book, _Book], at: tuple[Any, Any]) -> None:
    """Check a move against the others of its information set."""
    if isinstance(node.player, float) or node.player not in (0, 1):
        raise ValueError(f"player must be 0 or 1, got {node.player!r}")
    if not isinstance(node.sees, Hashable):
        raise ValueError(f"sees must be hashable, such as a string or a tuple, got {node.sees!r}")
    if not (isinstance(node.actions, Mapping) and node.actions):
        raise ValueError(
            f"actions of {node.sees!r} must be a dict and hold at least one action, "
            f"got {node.actions!r}"
        )
    book, names = books[node.player], tuple(node.actions)
    if book.actions.setdefault(node.sees, names) != names:
        raise ValueError(
            f"actions of player {node.player} who sees {node.sees!r} must be the same everywhere: "
            f"{book.actions[node.sees]}, got {names}"
        )
    before = book.parents.setdefault(node.sees, at[node.player])
    if before != at[node.player]:
        raise ValueError(
            f"player {node.player} who sees {node.sees!r} must have done the same before: "
            f"{before}, got {at[node.player]}; put into `sees` what it remembers"
        )
