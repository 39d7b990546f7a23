"""MOSS: the optimist that is minimax optimal in the stochastic case."""

from __future__ import annotations

from dataclasses import dataclass

from array_api_compat import array_namespace

from experts.numerics.arguments import whole
from experts.policies.optimist import Optimist
from experts.policies.pulls import Pulls
from experts.registry import register
from experts.types import Array, Policy


@dataclass(frozen=True, slots=True)
class Minimax:
    """mean - sqrt(max(0, ln(T / (K n))) / n) after n pulls.

    Parameters
    ----------
    horizon
        T >= 1.
    """

    horizon: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "horizon", whole("horizon", self.horizon))

    def lower(self, pulls: Pulls) -> Array:
        """The bounds, (..., K)."""
        xp = array_namespace(pulls.count)
        n = pulls.at_least_once
        share = self.horizon / (n.shape[-1] * n)
        width = xp.log(xp.where(share > 1, share, 1.0))
        return pulls.mean - xp.sqrt(width / n)


@register({"horizon": 50}, protocol=Policy)
def moss(horizon: int) -> Optimist:
    """MOSS: pulls the arm of smallest mean loss - sqrt(max(0, ln(T / (K n))) / n), n its pulls.

    Losses in [0, 1], one is seen.

    Parameters
    ----------
    horizon
        Number of rounds T.

    Notes
    -----
    Pseudo-regret <= 20 sqrt(K T) + 2 sum_i Delta_i, for independent losses of fixed means, arm i
    worse than the best by Delta_i: `bounds.moss(means, T)`; no ln T, whatever the gaps.

    Proof, for T > K (else T <= sqrt(K T)): that of Lattimore & Szepesvari, Theorem 9.1, for losses
    that are 1/2-subgaussian. In
    units of 1/2 (gaps D_i = 2 Delta_i, subgaussian with 1, their index) its three parts are:
    pulls of arms with D_i at most twice the shortfall of the best arm's index, which cost at most
    2 T E[shortfall] <= 4 sqrt(15 K T), as P(shortfall >= x) <= 15 K / (T x**2) (Lemma 9.3); pulls
    of those with D_i <= 8 sqrt(K / T), at most 8 sqrt(K T); and of each of the others, with
    z = ln(T D_i**2 / K) > ln 64, 1 / D_i + D_i + (8 / D_i) (2 z + sqrt(2 pi z) + 1), of which all
    but D_i falls with D_i, to 14.56 sqrt(T / K) at D_i = 8 sqrt(K / T). The first pull of an arm,
    which the book leaves out, costs D_i once more. The sum, (15.50 + 8 + 14.56) sqrt(K T) +
    2 sum_i D_i, is half of that in units of 1.

    Source: Audibert & Bubeck 2009, Theorem 5 (49 sqrt(K T)); Lattimore & Szepesvari 2020, Theorem
    9.1.

    Examples
    --------
    >>> import numpy as np
    >>> policy = moss(500)
    >>> state = policy.init(np.zeros(2))
    >>> for uniforms in np.random.default_rng(0).random((500, 2)):
    ...     arm = policy.choose(state, uniforms)
    ...     state = policy.update(state, arm, np.asarray([0.1, 0.9]))
    >>> state.count
    array([494.,   6.])
    """
    return Optimist(Minimax(horizon))
