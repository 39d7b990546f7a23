"""`Decisions`: all that one player may do in a game, and plans for it as vectors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from array_api_compat import array_namespace, device

from experts.numerics.masks import highest
from experts.types import Array

Fold = Callable[[Array, slice], Array]
"""(values of the actions (..., n, K), which information sets) -> values of these sets (..., n)."""


class Decisions(NamedTuple):
    """The information sets of one player with perfect recall, parents before their children.

    A *sequence* is what the player has done on the way to a node: 0, nothing yet, or
    1 + K i + k, action k at information set i (and what led to i). A *plan* (..., 1 + I K) holds
    the product of the player's own probabilities along every sequence. Plans form a convex set,
    and what a plan earns is linear in it. A matrix game has a single information set, the plan
    of p is (1, p).

    Source: von Stengel 1996 (sequence form); Farina, Kroer & Sandholm 2019 (regret).
    """

    possible: Array
    """bool (I, K): the actions of every information set; K is the largest number of them"""
    parent: Array
    """integer (I,): the sequence that leads to it"""
    children: Array
    """(1 + I K, I): 1 where the sequence leads to the information set"""
    levels: tuple[slice, ...]
    """information sets with as many earlier ones of the player's own: level after level"""
    sees: tuple[Hashable, ...]
    """what the player knows at each of them; None at a matrix"""

    @classmethod
    def of(
        cls,
        counts: Sequence[int],
        parents: Sequence[int],
        sees: Sequence[Hashable],
        like: Array,
    ) -> Decisions:
        """From each information set's number of actions, the sequence before it, and its name.

        In the order of `levels`. `like` is any array with the library, dtype and device to have.
        """
        xp = array_namespace(like)
        where, width = {"device": device(like)}, max(counts, default=1)
        depth: list[int] = []
        for parent in parents:
            depth.append(0 if parent == 0 else depth[(parent - 1) // width] + 1)
        if depth != sorted(depth):
            raise ValueError("parents must come before their children, level after level")
        starts = [depth.index(level) for level in sorted(set(depth))]
        count = xp.reshape(xp.asarray(list(counts), **where), (len(counts), 1))
        parent = xp.asarray(list(parents), dtype=xp.int64, **where)
        sequences = xp.arange(1 + len(counts) * width, **where)[:, None]
        return cls(
            xp.arange(width, **where) < count,
            parent,
            xp.astype(sequences == parent, like.dtype),
            tuple(slice(*ends) for ends in zip(starts, [*starts[1:], len(depth)], strict=True)),
            tuple(sees),
        )

    def plan(self, play: Array) -> Array:
        """The plan (..., 1 + I K) of a distribution at every information set, (..., I, K)."""
        xp = array_namespace(play)
        plan = xp.ones_like(play[..., 0, :1])
        for level in self.levels:
            reach = xp.take(plan, self.parent[level], axis=-1)
            own = reach[..., None] * play[..., level, :]
            plan = xp.concat([plan, _flat(own)], axis=-1)
        return plan

    def behaviour(self, plan: Array) -> Array:
        """Distributions (..., I, K) of a plan; uniform at what it never reaches."""
        xp = array_namespace(plan)
        own = xp.reshape(plan[..., 1:], (*plan.shape[:-1], *self.possible.shape))
        reach = xp.sum(own, axis=-1, keepdims=True)
        uniform = xp.astype(self.possible, plan.dtype)
        uniform = uniform / xp.sum(uniform, axis=-1, keepdims=True)
        return xp.where(reach > 0, own / xp.where(reach > 0, reach, 1.0), uniform)

    def values(self, play: Array, gain: Array) -> Array:
        """What each action earns if `play` (..., I, K) goes on after it, (..., I, K).

        `gain` (..., 1 + I K) is what the sequences earn: a plan x earns <gain, x>. In all,
        <gain, y - x> for the plan x of `play` and any other y is the sum over the information
        sets of y(parent) <y's distribution - play, values>.
        """
        xp = array_namespace(play)
        values, _ = self._fold(gain, lambda own, at: xp.sum(play[..., at, :] * own, axis=-1))
        return values

    def best(self, gain: Array) -> Array:
        """The most that any plan earns, max_x <gain, x>, (...)."""
        return self._fold(gain, lambda own, at: highest(own, self.possible[at, :])[..., 0])[1]

    def _fold(self, gain: Array, fold: Fold) -> tuple[Array, Array]:
        """Values of all actions (..., I, K), and of the whole (...), from the last to the first."""
        xp = array_namespace(gain)
        width = self.possible.shape[-1]
        worth = gain[..., :0]  # of the information sets below
        values = xp.reshape(worth, (*worth.shape[:-1], 0, width))
        for level in reversed(self.levels):
            block = slice(1 + level.start * width, 1 + level.stop * width)
            own = gain[..., block] + self._below(worth, block)
            own = xp.reshape(own, (*own.shape[:-1], level.stop - level.start, width))
            worth = xp.concat([fold(own, level), worth], axis=-1)
            values = xp.concat([own, values], axis=-2)
        return values, gain[..., 0] + self._below(worth, slice(0, 1))[..., 0]

    def _below(self, worth: Array, block: slice) -> Array:
        """For each sequence of a block, the sum over the information sets it leads to."""
        xp = array_namespace(worth)
        first = self.children.shape[1] - worth.shape[-1]
        return xp.matmul(worth, self.children[block, first:].T)


def _flat(play: Array) -> Array:
    """(..., n, K) as (..., n K)."""
    return array_namespace(play).reshape(play, (*play.shape[:-2], -1))
