"""The field's names for settings of `FTRL`. Each is one line and registered."""

from __future__ import annotations

from typing import Any

from experts.estimators import Weighted
from experts.ftrl import FTRL
from experts.rates import Anytime, Fixed, Gap, Horizon, Rate
from experts.registry import register
from experts.regularizers import Entropy


@register({"eta": 0.5}, {"horizon": 50}, {"eta": 2e3})
def hedge(
    eta: float | Any | None = None, *, horizon: int | None = None, loss_range: float = 1.0
) -> FTRL:
    """Hedge, the exponentially weighted average forecaster: p_t ∝ prior * exp(-eta L_{t-1}).

    Parameters
    ----------
    eta
        Learning rate. Give this or `horizon`.
    horizon
        Number of rounds T; sets eta = sqrt(8 ln K / (T B**2)).
    loss_range
        B, the largest difference between two losses of a round; used with `horizon` only.

    Notes
    -----
    For losses of range B in every round: regret <= ln K / eta + eta T B**2 / 8, and
    <= B sqrt(T ln K / 2) with `horizon`.

    Source: Cesa-Bianchi & Lugosi 2006, Theorem 2.2 (Freund & Schapire 1997 for the name).

    Examples
    --------
    >>> import numpy as np
    >>> learner = hedge(horizon=100)
    >>> state = learner.init(np.zeros(4))
    >>> learner.predict(state)
    array([0.25, 0.25, 0.25, 0.25])
    """
    return FTRL(Entropy(), _tuned(eta, horizon, loss_range), Weighted())


@register({"eta": 0.5}, {"horizon": 50})
def exponentiated_gradient(
    eta: float | Any | None = None, *, horizon: int | None = None, bound: float = 1.0
) -> FTRL:
    """Exponentiated gradient: w_i ← w_i exp(-eta g_i), then normalise; g = gradient in p.

    The same engine as `hedge`, in the units of linearised losses: feed it the gradient of a
    convex loss at the play, and the regret bound holds for that loss, as
    f_t(p_t) - f_t(q) <= <g_t, p_t - q>.

    Parameters
    ----------
    eta
        Learning rate. Give this or `horizon`.
    horizon
        Number of rounds T; sets eta = sqrt(2 ln K / (T L**2)).
    bound
        L: every entry of the gradient (or reward) lies in [-L, L]; used with `horizon` only.

    Notes
    -----
    Regret <= ln K / eta + eta T L**2 / 2, and <= L sqrt(2 T ln K) with `horizon`.

    Source: Kivinen & Warmuth 1997; in these units Nayman et al. 2019.
    """
    return FTRL(Entropy(), _tuned(eta, horizon, 2 * bound), Weighted())


@register({}, {"loss_range": 4.0})
def anytime_hedge(loss_range: float = 1.0) -> FTRL:
    """Hedge without a horizon: eta_t = 2 sqrt(ln K / t) / B.

    Parameters
    ----------
    loss_range
        B, the largest difference between two losses of a round.

    Notes
    -----
    Regret <= B sqrt(T ln K) for every T, for losses of range B.

    Source: Orabona 2019, Section 7.6.
    """
    return FTRL(Entropy(), Anytime(loss_range), Weighted())


@register()
def adahedge() -> FTRL:
    """AdaHedge: eta_t = ln K / (sum of mixability gaps so far).

    No horizon, no range: both are found while playing.

    Notes
    -----
    Regret <= 2 * (sum of gaps) <= B sqrt(T ln K) + B (4/3 ln K + 2), B the largest range.

    Source: de Rooij et al. 2014, Theorem 6, with its variance at most T B**2 / 4.
    """
    return FTRL(Entropy(), Gap(), Weighted())


def _tuned(eta: float | Any | None, horizon: int | None, loss_range: float) -> Rate:
    if (eta is None) == (horizon is None):
        raise ValueError(
            f"give exactly one of eta and horizon, got eta={eta!r} and horizon={horizon!r}"
        )
    return Fixed(eta) if horizon is None else Horizon(horizon, loss_range)
