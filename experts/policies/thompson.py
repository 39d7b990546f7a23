"""Thompson sampling: pulls each arm with the probability that it is the best, given what was seen.

Notes
-----
**Why** the Bayesian regret, its mean over means drawn from the prior, is at most
sqrt(2 v K T ln K), for losses that are v-subgaussian given what was seen. In a round let y_i be the
loss that arm i would have, and let a be the best arm and p_i the probability, given the past, that
it is i, and so also that i is pulled. The expected regret of the round is
sum_i p_i (E[y_i] - E[y_i | a = i]), given the past. Its square is at most K times

    sum_i p_i**2 (E[y_i] - E[y_i | a = i])**2 <= sum_{i, j} p_i p_j (E[y_i] - E[y_i | a = j])**2,

and the last bracket is at most 2 v KL(y_i given a = j || y_i) (Donsker & Varadhan), of which the
sum is what the round tells about a, its mutual information with the arm pulled and the loss seen.
Over the rounds these add up to at most the entropy of a, ln K at most; Cauchy & Schwarz give the
claim. Losses in [0, 1] have v = 1/4; normal losses the variance of the noise plus that of the
prior, which given what was seen is no larger.

Source: Russo & Van Roy 2016, Proposition 1 and Section 5.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from array_api_compat import array_namespace

from experts.numerics import beta, normal
from experts.numerics.parameters import number, real
from experts.policies.pulls import Pulls, least
from experts.registry import register
from experts.types import Array, Policy


class Posterior(Protocol):
    """A prior on the mean loss of an arm, and what becomes of it."""

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """Smallest and largest loss; None: any finite number."""

    def sample(self, pulls: Pulls, uniforms: Array) -> Array:
        """A mean loss of every arm, (..., K), drawn given what was seen."""


@dataclass(frozen=True, slots=True)
class Beta:
    """Losses 0 or 1, means drawn from Beta(a, b).

    Parameters
    ----------
    a, b
        > 0: as if a losses of 1 and b of 0 had been seen.
    """

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            object.__setattr__(self, name, number(name, getattr(self, name)))

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """[0, 1]."""
        return (0.0, 1.0)

    def sample(self, pulls: Pulls, uniforms: Array) -> Array:
        """From Beta(a + sum of losses, b + pulls - sum of losses), (..., K)."""
        return beta.quantile(self.a + pulls.loss, self.b + (pulls.count - pulls.loss), uniforms)


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal losses of a known deviation, with means drawn from N(mean, deviation**2).

    Parameters
    ----------
    mean
        Of the arms' mean losses.
    deviation
        Of the arms' mean losses, > 0.
    noise
        Standard deviation of a loss around its arm's mean, > 0.
    """

    mean: float = 0.0
    deviation: float = 1.0
    noise: float = 1.0

    def __post_init__(self) -> None:
        mean = real(self.mean)
        if mean is None or not math.isfinite(mean):
            raise ValueError(f"mean must be a finite number, got {self.mean!r}")
        object.__setattr__(self, "mean", mean)
        for name in ("deviation", "noise"):
            object.__setattr__(self, name, number(name, getattr(self, name)))

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """Any finite number."""
        return None

    def sample(self, pulls: Pulls, uniforms: Array) -> Array:
        """From the posterior, of precision 1 / deviation**2 + pulls / noise**2, (..., K)."""
        xp = array_namespace(pulls.count)
        weight = (self.noise / self.deviation) ** 2  # the prior, counted in pulls
        seen = weight + pulls.count
        centre = (weight * self.mean + pulls.loss) / seen
        return centre + self.noise / xp.sqrt(seen) * normal.quantile(uniforms)


@dataclass(frozen=True, slots=True)
class Thompson:
    """Draws a mean of every arm given what was seen, and pulls the arm of the smallest.

    Parameters
    ----------
    posterior
        What is believed of the means.
    """

    posterior: Posterior

    @property
    def horizon(self) -> int | None:
        """Any number of rounds."""
        return None

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """That of the posterior."""
        return self.posterior.loss_interval

    def init(self, like: Array) -> Pulls:
        """State before the first round; see `Policy.init`."""
        return Pulls.open(like)

    def choose(self, state: Pulls, uniforms: Array) -> Array:
        """The arm to pull, one-hot bool (..., K)."""
        return least(self.posterior.sample(state, uniforms), uniforms)

    def update(self, state: Pulls, arm: Array, loss: Array) -> Pulls:
        """The state after a round; see `Policy.update`."""
        return state.add(arm, loss)


@register({}, {"a": 2.0, "b": 0.5}, protocol=Policy)
def thompson_beta(a: float = 1.0, b: float = 1.0) -> Thompson:
    """Thompson sampling with Beta priors: pulls the arm of smallest sample of its mean loss.

    Losses 0 or 1, one is seen. (Others in [0, 1] count as fractions; no bound is claimed then.)
    The samples are computed on the host, by SciPy.

    Parameters
    ----------
    a, b
        The prior Beta(a, b) of every arm's mean loss, > 0; uniform by default.

    Notes
    -----
    Bayesian regret <= sqrt(K T ln K / 2), the pseudo-regret's mean over means drawn independently
    from the prior: `bounds.thompson_beta(K, T)`. (`experts.policies.thompson` has the
    proof; Bubeck & Liu's 14 sqrt(K T) is smaller only for K above e**392.)

    Source: Thompson 1933; Russo & Van Roy 2016, Proposition 1; Bubeck & Liu 2013, Theorem 1.

    Examples
    --------
    >>> import numpy as np
    >>> policy = thompson_beta()
    >>> state = policy.init(np.zeros(2))
    >>> for uniforms in np.random.default_rng(0).random((100, 2)):
    ...     arm = policy.choose(state, uniforms)
    ...     state = policy.update(state, arm, np.asarray([0.0, 1.0]))
    >>> state.count
    array([98.,  2.])
    """
    return Thompson(Beta(a, b))


@register({}, {"mean": 0.5, "deviation": 0.2, "noise": 0.5}, protocol=Policy)
def thompson_gaussian(mean: float = 0.0, deviation: float = 1.0, noise: float = 1.0) -> Thompson:
    """Thompson sampling with normal priors: pulls the arm of smallest sample of its mean loss.

    Normal losses, any finite number; one is seen.

    Parameters
    ----------
    mean, deviation
        The prior N(mean, deviation**2) of every arm's mean loss; deviation > 0.
    noise
        Standard deviation of a loss around its arm's mean, > 0.

    Notes
    -----
    Bayesian regret <= sqrt(2 (noise**2 + deviation**2) K T ln K), the pseudo-regret's mean over
    means drawn independently from the prior: `bounds.thompson_gaussian(K, T, deviation,
    noise)`. (`experts.policies.thompson` has the proof.)

    Source: Thompson 1933; Russo & Van Roy 2016, Proposition 1.

    Examples
    --------
    >>> import numpy as np
    >>> policy = thompson_gaussian(mean=0.5, noise=0.1)
    >>> state = policy.init(np.zeros(2))
    >>> for uniforms in np.random.default_rng(0).random((100, 2)):
    ...     arm = policy.choose(state, uniforms)
    ...     state = policy.update(state, arm, np.asarray([0.1, 0.9]))
    >>> state.count
    array([99.,  1.])
    """
    return Thompson(Normal(mean, deviation, noise))
