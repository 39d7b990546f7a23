"""Presets of `FTRL` under the names of the field: Hedge, AdaHedge, Exp3, Tsallis-INF.

Rates and guarantees are written for the uniform prior; for another, read max_k ln(1 / prior_k) for
ln K.

Under bandit feedback `exp3`, `exp3_ix` and `tsallis_inf` have a guarantee on the true regret. The
others (and `fixed_share`) take it for losses in [0, 1], for *estimates only*: nothing but
`Player.certificate_of_estimates` is proved. `hedge(eta)` is then the same as `exp3(eta)`.
"""

from __future__ import annotations

from experts.ftrl import (
    FTRL,
    Anytime,
    Entropy,
    Fixed,
    Gap,
    Horizon,
    Optimistic,
    Rate,
    Shifted,
    Tsallis,
    Weighted,
)
from experts.numerics.arguments import not_both
from experts.numerics.parameters import Setting
from experts.registry import register


@register({"eta": 0.5}, {"horizon": 50}, {"eta": 2e3})
def hedge(
    eta: Setting | None = None, *, horizon: int | None = None, loss_range: Setting = 1.0
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
    eta: Setting | None = None, *, horizon: int | None = None, bound: float = 1.0
) -> FTRL:
    """Exponentiated gradient: w_i ← w_i exp(-eta g_i), then normalise; g = gradient in p.

    The same engine as `hedge`, in the units of linearised losses: feed it the gradient of a
    convex loss at p_t, and the regret bound holds for that loss, as
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
def anytime_hedge(loss_range: Setting = 1.0) -> FTRL:
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
    """AdaHedge: Hedge with eta_t = ln K / (sum of mixability gaps so far).

    Needs neither the horizon nor the range of the losses.

    Notes
    -----
    Regret <= 2 * (sum of gaps) <= B sqrt(T ln K) + B (4/3 ln K + 2), B the largest range.

    Source: de Rooij et al. 2014, Theorem 6, with its variance at most T B**2 / 4.
    """
    return FTRL(Entropy(), Gap(), Weighted())


@register({"eta": 0.5}, {"horizon": 50})
def optimistic_hedge(
    eta: Setting | None = None, *, horizon: int | None = None, loss_range: Setting = 1.0
) -> FTRL:
    """Optimistic Hedge: p_t ∝ prior * exp(-eta (L_{t-1} + m_t)), m_t = l_{t-1}.

    Parameters
    ----------
    eta, horizon, loss_range
        As in `hedge`.

    Notes
    -----
    Regret <= ln K / eta + (eta / 8) sum_t range(l_t - m_t)**2, with range = largest less smallest
    entry; so also <= ln K / eta + (eta / 2) sum_t max_i |l_{t,i} - m_{t,i}|**2.

    Source: Rakhlin & Sridharan 2013; Syrgkanis et al. 2015.
    """
    return FTRL(Entropy(), _tuned(eta, horizon, loss_range), Optimistic())


@register({}, {"eta": 0.1}, {"horizon": 50})
def exp3(eta: Setting | None = None, *, horizon: int | None = None) -> FTRL:
    """Exp3: Hedge on importance-weighted losses, without mixing. Losses in [0, 1], bandit feedback.

    Parameters
    ----------
    eta
        Learning rate.
    horizon
        T; sets eta = sqrt(2 ln K / (T K)). With neither, eta_t = sqrt(ln K / (t K)).

    Notes
    -----
    Pseudo-regret <= sqrt(2 T K ln K) with `horizon`, <= 2 sqrt(T K ln K) with neither.

    With sleeping experts, whose masks are chosen before the draws, the same holds for every arm
    over the rounds in which it was awake. The estimates e are unbiased for the awake, so with
    `experts.sleeping` it is enough that sum_j q_j e~_j**2 is at most K in expectation, as it is
    without sleepers: q_j <= p_j for the awake gives one for each of them, and the asleep, of
    total weight at most 1, are charged <p, e> <= 1.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1; Freund et al. 1997 (sleeping).
    """
    return FTRL(Entropy(), _bandit_rate(eta, horizon), Weighted())


@register({}, {"eta": 0.1}, {"horizon": 50})
def exp3_ix(eta: Setting | None = None, *, horizon: int | None = None) -> FTRL:
    """Exp3-IX: implicit exploration, loss / (chance + eta / 2). Losses in [0, 1], bandit feedback.

    Parameters
    ----------
    eta, horizon
        As in `exp3`.

    Notes
    -----
    With probability 1 - delta the regret itself, with `horizon`, is at most
    2 sqrt(2 K T ln K) + (sqrt(2 K T / ln K) + 1) ln(2 / delta): `bounds.exp3_ix(K, T, delta)`;
    `bounds.exp3_ix_fixed` with `eta`, `bounds.exp3_ix_anytime` with neither.

    With sleeping experts, whose masks are chosen before the draws, the same holds for every arm
    over the rounds in which it was awake. Not by the reduction alone, as <p, e> is not the loss
    drawn; but Neu's proof goes through. With gamma = eta / 2, sums over awake j, and e the
    estimates: the loss drawn exceeds <p, e> by gamma sum_j e_j; the second-order term
    sum_j q_j e~_j**2 is at most sum_j e_j, as q_j <= p_j, p_j e_j <= 1 and <p, e> <= 1 and
    <= sum_j e_j; and Neu's Lemma 1 bounds sum_t (e_{t,k} - l_{t,k}) over the rounds in which k
    was awake, and sum_t sum_j (e_{t,j} - l_{t,j}), as the masks are known before the draws.

    Source: Neu 2015, Theorem 1 and its proof.
    """
    return FTRL(Entropy(), _bandit_rate(eta, horizon), Weighted(bias=0.5))


@register({}, {"variance": "reduced"})
def tsallis_inf(variance: str = "plain") -> FTRL:
    """Tsallis-INF: best of both worlds without tuning. Losses in [0, 1], bandit feedback.

    p_i = 4 (eta_t (L_i - x))**-2 with eta_t = 2 / sqrt(t), or 4 / sqrt(t) on estimates of reduced
    variance.

    Parameters
    ----------
    variance
        "plain": importance weights; "reduced": `Shifted`.

    Notes
    -----
    Plain: pseudo-regret <= 4 sqrt(K T) against any sequence, and of order
    sum_i ln T / Delta_i on stochastic ones with gaps Delta_i, with the same setting.

    With sleeping experts, whose masks are chosen before the draws, 4 sqrt(K T) holds for every
    arm over the rounds in which it was awake (plain): sum_j q_j**(3/2) e~_j**2 is in expectation
    at most Q**(3/2) sqrt(K) + (1 - Q)**(3/2) <= sqrt(K), Q the weight of the awake. The bound on
    stochastic losses is not claimed: its proof needs the best arm in every round.

    Source: Zimmert & Seldin 2021, Theorem 1.
    """
    if variance not in {"plain", "reduced"}:
        raise ValueError(f"variance must be 'plain' or 'reduced', got {variance!r}")
    if variance == "reduced":
        return FTRL(Tsallis(), Anytime(eta=4.0, bandit=True), Shifted())
    return FTRL(Tsallis(), Anytime(eta=2.0, bandit=True), Weighted())


def _tuned(eta: Setting | None, horizon: int | None, loss_range: Setting) -> Rate:
    if (eta is None) == (horizon is None):
        raise ValueError(
            f"give exactly one of eta and horizon, got eta={eta!r} and horizon={horizon!r}"
        )
    return Fixed(eta) if horizon is None else Horizon(horizon, loss_range)


def _bandit_rate(eta: Setting | None, horizon: int | None) -> Rate:
    not_both(eta, horizon)
    if eta is not None:
        return Fixed(eta, bandit=True)
    return Anytime(bandit=True) if horizon is None else Horizon(horizon, bandit=True)
