"""The game on a drawn function: Hedge on every dimension of a space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experts.structured.search.space import Space
from experts.structured.search.surrogate import Quadratic
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Game:
    """Hedge on every dimension, for some rounds of full information on one function f.

    In round j dimension e plays p_j,e and its options have the losses l_j(o) = E[f(a) | a_e = o]
    under the other dimensions' distributions, `edge_losses`.

    Notes
    -----
    **Guarantee**, in a space without conditions. B_j is the range of l_j over the options of e,
    F_j = E f(a) for a from p_j, prior_o the prior of option o. In J rounds, for every e and o::

        sum_j F_j - sum_j E[f(a) | a_e = o]  <=  ln(1 / prior_o) / eta + (eta / 8) sum_j B_j**2

    No dimension could have done much better with one option throughout. This does not take the
    plays to the minimum of f: with effects of pairs they may settle where no single change helps.
    Without those the dimensions' bounds, each with the best point's option, add up to a bound on
    the joint regret, sum_j F_j - J min f.

    **What the model costs.** Let g be the true function, and abs(f - g) <= d at every point. Both
    inequalities hold with g for f, plus 2 d J. Nothing is promised of d: f is drawn from a
    posterior, and g (normal scores of ranks, which move with every value) need not be of its kind.

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2. `experts.hedge` gives the same plays, and a
    certificate that is never above the bound.
    """

    eta: float = 2.0
    """of Hedge; the function is in standard deviations of the targets"""
    rounds: int = 12

    def plays(self, function: Quadratic, features: Array, space: Space) -> Array:
        """The dimensions' distributions, (rounds + 1, E, K), before and after each round."""
        plays = [space.prior]
        total = np.where(space.prior > 0, 0.0, 1e300)
        for _ in range(self.rounds):
            total = total + edge_losses(function, features, space, plays[-1])
            weights = space.prior * np.exp(-self.eta * (total - total.min(-1, keepdims=True)))
            plays.append(weights / weights.sum(-1, keepdims=True))
        return np.stack(plays)


def edge_losses(function: Quadratic, features: Array, space: Space, play: Array) -> Array:
    """E[f(a) | a_e = o], (E, K), under a product distribution (E, K); 0 where there is no option.

    Exact in a space without conditions. With them, E[f(a) | a_e = o, e is active] up to a number
    of the dimension's own, as if dimensions were active independently of each other: exact where
    f has no effects of pairs of which one decides about the other, or both hang on a third.
    """
    options = features[:, :-1]
    mean = (play[:, None] @ options)[:, 0]
    active = np.ones(len(play))
    for e, q, allowed in space.conditions:
        active[e] *= play[q] @ allowed
    value, slopes = function.slopes(active[:, None] * mean)
    losses: Array = (options @ slopes[..., None])[..., 0]
    for e, q, allowed in space.conditions:
        reach = active[q] * (play[q] @ allowed)
        if reach > 0:
            losses[q] += (slopes[e] @ mean[e]) * active[e] / reach * allowed
    losses += value - np.sum(play * losses, axis=-1, keepdims=True)
    return losses * space.offered
