"""The game on a drawn function: Hedge on every dimension of a space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experts.structured.search.space import Space
from experts.structured.search.surrogate import Quadratic
from experts.types import Array


@dataclass(frozen=True, slots=True)
class Game:
    """Hedge on every dimension, for some rounds of full information on one function."""

    eta: float = 1.0
    """of Hedge; the function is in standard deviations of the targets"""
    rounds: int = 12

    def plays(self, function: Quadratic, features: Array, space: Space) -> Array:
        """The dimensions' distributions, (rounds + 1, E, K), before and after each round."""
        total, possible = np.zeros_like(space.prior), space.prior > 0
        plays = [space.prior]
        for _ in range(self.rounds):
            total = total + edge_losses(function, features, space, plays[-1])
            best = np.min(total, axis=-1, keepdims=True, where=possible, initial=1e300)
            weights = space.prior * np.exp(-self.eta * np.where(possible, total - best, 0.0))
            plays.append(weights / weights.sum(-1, keepdims=True))
        return np.stack(plays)


def edge_losses(function: Quadratic, features: Array, space: Space, play: Array) -> Array:
    """E[f(a) | a_e = o], (E, K), under a product distribution (E, K); 0 where there is no option.

    Exact in a space without conditions. With them, E[f(a) | a_e = o, e is active] up to a number
    of the dimension's own, as if dimensions were active independently of each other: exact where
    f has no effects of pairs of which one decides about the other, or both hang on a third.
    """
    options = features[:, :-1]
    mean = np.sum(play[..., None] * options, axis=1)
    active = np.ones(len(play))
    for at, above in enumerate(space.ancestors):
        for parent, allowed in above.items():
            active[at] *= play[parent][allowed].sum()
    value, slopes = function.slopes(active[:, None] * mean)
    losses: Array = (options @ slopes[..., None])[..., 0]
    for at, above in enumerate(space.ancestors):
        for parent, allowed in above.items():
            reach = active[parent] * play[parent][allowed].sum()
            if reach > 0:
                losses[parent] += (slopes[at] @ mean[at]) * active[at] / reach * allowed
    losses += value - np.sum(play * losses, axis=-1, keepdims=True)
    return np.where(np.arange(play.shape[1]) < space.sizes[:, None], losses, 0.0)
