"""Games of any number of players: the joint play of learners, and its distance to equilibria."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from experts.checks import check_array, check_learner, check_rounds
from experts.games.zero_sum import check_payoffs
from experts.learners.swap import Swap
from experts.numerics.arguments import whole
from experts.types import Array, Feedback, Learner


class JointPlay(NamedTuple):
    """What n learners have played together.

    Notes
    -----
    With the regret R_i of player i in its expected payoffs, and its swap regret S_i::

        coarse_gap[i] = R_i / T <= certificate[i]
        gap[i]        = S_i / T <= swap_certificate[i]

    as players draw independently in each round, and payoffs are linear in the joint distribution.
    Where all of `gap` is 0, `joint` is a correlated equilibrium; of `coarse_gap`, a coarse one.

    Sources: Foster & Vohra 1997; Hart & Mas-Colell 2000 (correlated equilibria).
    """

    joint: Array
    """(..., K_1, ..., K_n): the mean of the products of the players' distributions"""
    gap: Array
    """(..., n): what each gains by the best map of the actions that it is told to others"""
    swap_certificate: Array
    """(..., n): bound on `gap`; for learners that are no `Swap` the range of their payoffs"""
    coarse_gap: Array
    """(..., n): what each gains by the best action in all rounds, told or not"""
    certificate: Array
    """(..., n): bound on `coarse_gap`"""


def joint_play(
    learners: Sequence[Learner[Any]], payoffs: Sequence[Array], rounds: int
) -> JointPlay:
    """Play a normal-form game with n learners, each told the expected payoffs of its actions.

    Parameters
    ----------
    learners
        One for each player, of full information; `blum_mansour` for correlated equilibria.
    payoffs
        For each player an array (..., K_1, ..., K_n), to be maximised; leading axes are a batch.
    rounds
        T.

    Examples
    --------
    >>> import numpy as np
    >>> from experts import blum_mansour
    >>> from experts.games import joint_play
    >>> chicken = np.asarray([[6.0, 2.0], [7.0, 0.0]])
    >>> game = joint_play([blum_mansour()] * 2, [chicken, chicken.T], 500)
    >>> bool((game.gap <= game.swap_certificate).all() and (game.gap < 0.1).all())
    True
    """
    rounds = whole("rounds", rounds)
    _check(learners, payoffs)
    check_rounds(rounds, **{f"player {i}": learner for i, learner in enumerate(learners)})
    n, xp = len(payoffs), array_namespace(payoffs[0])
    own = [_own_last(payoff, player, n) for player, payoff in enumerate(payoffs)]
    states = [learner.init(0 * u[..., 0, :]) for learner, u in zip(learners, own, strict=True)]
    joint = 0 * payoffs[0]
    for _ in range(rounds):
        plays = [learner.predict(state) for learner, state in zip(learners, states, strict=True)]
        joint = joint + xp.reshape(_product(plays), joint.shape) / rounds
        for player, u in enumerate(own):
            others = _product(plays[:player] + plays[player + 1 :])
            told = Feedback(-xp.sum(others[..., None] * u, axis=-2))
            states[player] = learners[player].update(states[player], plays[player], told)
    each = [
        _found(learner, states[player], joint, payoffs[player], player, rounds)
        for player, learner in enumerate(learners)
    ]
    return JointPlay(joint, *(xp.stack(found, axis=-1) for found in zip(*each, strict=True)))


def _found(
    learner: Learner[Any], state: Any, joint: Array, payoff: Array, player: int, rounds: int
) -> tuple[Array, Array, Array, Array]:
    """The fields of `JointPlay` after `joint`, for one player."""
    xp = array_namespace(joint)
    n = joint.ndim - (state.alive.ndim - 1)  # axes that are no batch
    gain = deviations(joint, payoff, player, n)
    if isinstance(learner, Swap):
        swap = learner.swap_certificate(state)[..., 0] / rounds
    else:
        axes = tuple(range(-n, 0))
        swap = xp.max(payoff, axis=axes) - xp.min(payoff, axis=axes)
    return (
        xp.sum(xp.max(gain, axis=-1), axis=-1),
        swap,
        xp.max(xp.sum(gain, axis=-2), axis=-1),
        xp.max(learner.certificate(state), axis=-1) / rounds,
    )


def deviations(joint: Array, payoff: Array, player: int, players: int) -> Array:
    """What a player gains in all by playing b where it is told a, (..., K, K): [a, b].

    Parameters
    ----------
    joint, payoff : (..., K_1, ..., K_n)
        Distribution of what the players are told; the payoffs of this one.
    player, players
        Which of them it is, 0 to n - 1; n.
    """
    if not 0 <= player < players:
        raise ValueError(f"player must be in 0, ..., {players - 1}, got {player!r}")
    xp = array_namespace(joint)
    told, payoff = (_own_last(array, player, players) for array in (joint, payoff))
    kept = xp.sum(told * payoff, axis=-2)
    return xp.matmul(xp.matrix_transpose(told), payoff) - kept[..., None]


def _own_last(array: Array, player: int, players: int) -> Array:
    """(..., K_1, ..., K_n) as (..., choices of the others, K of the player)."""
    xp = array_namespace(array)
    moved = xp.moveaxis(array, player - players, -1)
    return xp.reshape(moved, (*array.shape[: array.ndim - players], -1, moved.shape[-1]))


def _product(plays: Sequence[Array]) -> Array:
    """Probabilities of all joint choices, (..., K_1 K_2 ...), the last player's fastest."""
    xp = array_namespace(plays[0])
    product = plays[0]
    for play in plays[1:]:
        product = product[..., None] * play[..., None, :]
        product = xp.reshape(product, (*product.shape[:-2], -1))
    return product


def _check(learners: Sequence[Learner[Any]], payoffs: Sequence[Array]) -> None:
    """ValueError unless there is a learner and an array for each of at least two players."""
    for name, given in {"learners": learners, "payoffs": payoffs}.items():
        if not hasattr(given, "__len__"):
            raise ValueError(f"{name} must be a list, one for each player, got {given!r}")
    n = len(payoffs)
    if n < 2 or len(learners) != n:
        raise ValueError(
            f"learners and payoffs must be one for each of at least 2 players, got "
            f"{len(learners)} and {n}"
        )
    for learner in learners:
        check_learner(learner)
    for player, payoff in enumerate(payoffs):
        check_payoffs(payoff, n)
        check_array(f"payoffs[{player}]", payoff, payoffs[0])
