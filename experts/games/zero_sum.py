"""`ZeroSum`: two players, what the second pays the first; a matrix is the simplest."""

from __future__ import annotations

from typing import Any, NamedTuple

from array_api_compat import array_namespace, is_array_api_obj

from experts.games.decisions import Decisions
from experts.numerics.parameters import check_floats, largest
from experts.types import Array


class ZeroSum(NamedTuple):
    """A game of two players: plans x and y, and x' A y, which the second pays the first.

    Make one with `matrix_game` or `tree_game`. Leading axes of `payoffs` are a batch.
    """

    payoffs: Array
    """A (..., S_0, S_1): for each pair of sequences, weighed with the probability of chance"""
    first: Decisions
    """who maximises"""
    second: Decisions
    """who minimises"""

    def gain(self, second: Array) -> Array:
        """What the first player's sequences earn against a plan (..., S_1): A y, (..., S_0)."""
        return array_namespace(second).matmul(self.payoffs, second[..., None])[..., 0]

    def price(self, first: Array) -> Array:
        """What the second player's sequences pay against a plan (..., S_0): A' x, (..., S_1)."""
        return array_namespace(first).matmul(first[..., None, :], self.payoffs)[..., 0, :]

    def interval(self, first: Array, second: Array) -> tuple[Array, Array]:
        """What plan `first` is sure to earn, and the most that `second` may pay, (...) each.

        The value of the game lies between; they differ by the *duality gap*, also called NashConv:
        what the players could gain in all by best responses. (Exploitability is half of it.)
        """
        return -self.second.best(-self.price(first)), self.first.best(self.gain(second))


def matrix_game(payoffs: Array) -> ZeroSum:
    """A matrix game: each player chooses once, without knowing the other's choice.

    Parameters
    ----------
    payoffs : (..., m, n)
        What the column player pays the row player.

    Examples
    --------
    >>> import numpy as np
    >>> game = matrix_game(np.asarray([[1.0, -1.0], [-1.0, 1.0]]))  # matching pennies
    >>> x, y = np.asarray([[0.6, 0.4]]), np.asarray([[0.75, 0.25]])
    >>> low, high = game.interval(game.first.plan(x), game.second.plan(y))
    >>> round(float(low), 3), round(float(high), 3)
    (-0.2, 0.5)
    """
    check_payoffs(payoffs, 2)
    xp = array_namespace(payoffs)
    rows, columns = payoffs.shape[-2:]
    padded = xp.concat([xp.zeros_like(payoffs[..., :1]), payoffs], axis=-1)
    padded = xp.concat([xp.zeros_like(padded[..., :1, :]), padded], axis=-2)
    first, second = (Decisions.of([count], [0], [None], payoffs) for count in (rows, columns))
    return ZeroSum(padded, first, second)


def check_payoffs(payoffs: Any, players: int) -> None:
    """ValueError unless they are floats of sums that are finite, with an axis for each player."""
    if not is_array_api_obj(payoffs) or payoffs.ndim < players or 0 in payoffs.shape[-players:]:
        found = tuple(payoffs.shape) if is_array_api_obj(payoffs) else type(payoffs).__name__
        raise ValueError(
            f"payoffs must be arrays of at least {players} axes, none empty, got {found}"
        )
    check_floats("payoffs", payoffs)
    xp, most = array_namespace(payoffs), largest(payoffs)
    if not bool(xp.all(xp.abs(payoffs) <= most)):  # as nan does not
        raise ValueError(f"payoffs must be finite, and not exceed {most:.0e} in {payoffs.dtype}")
