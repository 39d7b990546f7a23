r"""`admit`: experts that appear in the middle of a game get a share of the weight.

A newcomer is an expert that has slept so far (`experts.sleeping`): its regret counts the rounds
after it came. With a share s it has the prior s, and every prior there was shrinks by 1 - s; for
several newcomers s is the sum of their shares. What the learners' certificates say then holds
on, for the new priors: each is of the form *potential <= budget*, and a newcomer's start keeps it.

- **ML-Poly.** The potential sum_i prior_i eta_i x_i**2 is at most G; a newcomer has x = 0. Old
  priors shrink, so G may shrink by 1 - s with them: the certificates of the old do not change.
- **ML-Prod, BOA.** ln W <= ln(1 + excess). A newcomer starts with the weight s, and the others'
  do not rise as their priors shrink (eta_t <= eta_0): W grows by at most s, and so does excess.
  Rates never rise: the scales in the state are a floor (`MultipleRates` keeps them).
- **NormalHedge.** The certificate is a definition, and holds for any prior and any regrets.
- **Squint.** sum_i prior_i F_i <= budget; a newcomer's F is 1 (uniform) or 0 (improper), the
  budget at least that: so is the mean with weights 1 - s and s.
- **FTRL with the entropy.** A newcomer gets the loss L_new = Phi_t(L_t), the mix loss so far at
  the next round's scale: sum_i prior_i e^(-L_i / scale) stays what it was, so does Phi, and the
  newcomer's weight in the next round is s. The gaps from then on bound its regret. The certificate
  has those before as well: if these add up to less than 0 (optimistic, or late), to 0 from then on.
- **Fixed Share.** Weights v shrink to (1 - s) v, which costs ln 1/(1 - s), the change of prior.
  Gaps as above.
- **`Rescaled`.** Its learner takes them, now and in later starts; what was paid stays.

Sources: Freund, Schapire, Singer & Warmuth 1997 (specialists); Mourtada & Maillard 2017, Section 3
(experts that enter with a share of the weight).
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from experts.forecasting.rescaled import Rescaled, RescaledState
from experts.ftrl import FTRL, Entropy
from experts.learners.fixed_share import FixedShareState
from experts.learners.ml_poly import PolyState
from experts.learners.normal_hedge import NormalHedgeState
from experts.learners.prod_and_boa import MultipleRatesState
from experts.learners.regrets import Regrets
from experts.learners.squint import SquintState
from experts.types import Array


def admit(learner: Any, state: Any, share: Array) -> Any:
    """The state with newcomers behind the experts that it has.

    Parameters
    ----------
    learner
        Of this package: the entropy's FTRL, fixed_share, ml_poly, ml_prod, boa, squint or
        normal_hedge.
    state
        Of numpy arrays (..., K).
    share : (m,)
        The newcomers' priors, > 0; their sum is below 1.

    Raises
    ------
    ValueError
        For another learner: nothing is proved for it.
    """
    if type(learner) is FTRL and type(learner.regularizer) is Entropy:
        return _entropy(learner, state, share)
    if type(learner) is Rescaled:
        return RescaledState(
            alive=_wider(state.alive, share, True),
            fresh=admit(learner.learner, state.fresh, share),
            inner=admit(learner.learner, state.inner, share),
            unit=state.unit,
            paid=_wider(state.paid, share, 0.0),
        )
    return _admit(state, share)


@singledispatch
def _admit(state: Any, share: Array) -> Any:
    raise ValueError(
        f"learner has a {type(state).__name__}, for which nothing is proved of experts that come "
        "later: give all columns to the first fit, with nan where they have no forecast yet"
    )


@_admit.register
def _(state: PolyState, share: Array) -> PolyState:
    return PolyState(
        alive=_wider(state.alive, share, True),
        prior=_priors(state.prior, share),
        regrets=_slept(state.regrets, share),
        spent=state.spent * (1 - share.sum()),
    )


@_admit.register
def _(state: MultipleRatesState, share: Array) -> MultipleRatesState:
    # The scale of an expert whose rate is as large as its range allows, 2 B.
    scale = 2 * state.regrets.reach + 0 * share
    return MultipleRatesState(
        alive=_wider(state.alive, share, True),
        prior=_priors(state.prior, share),
        regrets=_slept(state.regrets, share),
        gain=_wider(state.gain, share, 0.0),
        first=np.concatenate([state.first, scale], axis=-1),
        scale=np.concatenate([state.scale, scale], axis=-1),
        excess=state.excess + share.sum(),
    )


@_admit.register
def _(state: NormalHedgeState, share: Array) -> NormalHedgeState:
    return NormalHedgeState(
        alive=_wider(state.alive, share, True),
        prior=_priors(state.prior, share),
        regret=_wider(state.regret, share, 0.0),
        reach=state.reach,
    )


@_admit.register
def _(state: SquintState, share: Array) -> SquintState:
    return state._replace(
        alive=_wider(state.alive, share, True),
        prior=_priors(state.prior, share),
        regrets=_slept(state.regrets, share),
    )


@_admit.register
def _(state: FixedShareState, share: Array) -> FixedShareState:
    old = state.log_weight + np.log1p(-share.sum())
    return state._replace(
        alive=_wider(state.alive, share, True),
        prior=_priors(state.prior, share),
        log_weight=np.concatenate([old, np.log(share) + 0 * state.gap], axis=-1),
        gap=np.maximum(state.gap, 0.0),
    )


def _entropy(learner: FTRL, state: Any, share: Array) -> Any:
    """Newcomers with the mix loss so far; 0, the leader's, while the rate is infinite."""
    scale = state.clock.scale
    safe = np.where(scale > 0, scale, 1.0)
    terms = np.where(state.alive, np.exp(state.dual - state.loss / safe), 0.0)
    mix = np.where(scale > 0, -safe * np.log(terms.sum(axis=-1, keepdims=True)), 0.0)
    prior = _priors(np.where(state.alive, np.exp(state.dual), 0.0), share)
    return state._replace(
        alive=_wider(state.alive, share, True),
        dual=learner.regularizer.dual(prior),
        loss=np.concatenate([state.loss, mix + 0 * share], axis=-1),
        hint=_wider(state.hint, share, 0.0),
        gap=np.maximum(state.gap, 0.0),
    )


def _slept(regrets: Regrets, share: Array) -> Regrets:
    """With newcomers that never had a regret."""
    return regrets._replace(
        total=_wider(regrets.total, share, 0.0), square=_wider(regrets.square, share, 0.0)
    )


def _priors(prior: Array, share: Array) -> Array:
    """(1 - s) prior, and the newcomers' shares."""
    return _wider(prior * (1 - share.sum()), share, share)


def _wider(field: Array, share: Array, value: Any) -> Array:
    """`field` (..., K) with `value` in m more places."""
    more = np.broadcast_to(np.asarray(value, dtype=field.dtype), (*field.shape[:-1], len(share)))
    return np.concatenate([field, more], axis=-1)
