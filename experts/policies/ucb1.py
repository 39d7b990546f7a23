"""UCB1: the classical optimist, by Hoeffding's inequality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from experts.policies.optimist import Optimist
from experts.policies.pulls import Pulls
from experts.registry import register
from experts.types import Array, Policy


@dataclass(frozen=True, slots=True)
class Hoeffding:
    """mean - sqrt(2 ln t / n) after t rounds and n pulls."""

    horizon: ClassVar[int | None] = None

    def lower(self, pulls: Pulls) -> Array:
        """The bounds, (..., K)."""
        xp = array_namespace(pulls.count)
        rounds = pulls.rounds
        width = 2 * xp.log(xp.where(rounds > 0, rounds, 1.0))
        return pulls.mean - xp.sqrt(width / pulls.at_least_once)


@register(protocol=Policy)
def ucb1() -> Optimist:
    """UCB1: pulls the arm of smallest mean loss - sqrt(2 ln t / n), after t rounds, n pulls of it.

    Losses in [0, 1], one is seen.

    Notes
    -----
    Pseudo-regret <= 8 sum_i ln T / Delta_i + (1 + pi**2 / 3) sum_i Delta_i, for independent losses
    of fixed means, arm i worse than the best by Delta_i > 0: `bounds.ucb1(means, T)`.

    Source: Auer, Cesa-Bianchi & Fischer 2002, Theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> policy = ucb1()
    >>> state = policy.init(np.zeros(2))
    >>> for uniforms in np.random.default_rng(0).random((500, 2)):
    ...     arm = policy.choose(state, uniforms)
    ...     state = policy.update(state, arm, np.asarray([0.1, 0.9]))
    >>> state.count
    array([486.,  14.])
    """
    return Optimist(Hoeffding())
