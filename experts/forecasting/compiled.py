"""The compiled engine: `Game.play` for the common learners and losses, a million rows in a second.

Imported on demand; `pip install 'experts-xnas[fast]'`. The loops are in `kernels.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experts.forecasting import kernels
from experts.ftrl import FTRL, Anytime, Entropy, Fixed, Gap, Horizon, Weighted
from experts.learners.ml_poly import Poly
from experts.learners.prod_and_boa import Bernstein, MultipleRates, Prod
from experts.numerics.masks import log
from experts.numerics.state import from_arrays, to_arrays
from experts.types import Array

_REGRETS = ("alive", "prior", "regrets.total", "regrets.square")
_REACH = ("regrets.reach", "regrets.start")
_MULTIPLE = ((*_REGRETS, "gain", "first", "scale"), (*_REACH, "excess"))
_ENTROPY = (
    ("alive", "dual", "loss"),
    ("gap", "carry", "scale", "clock.rounds", "clock.scale", "clock.unit"),
)
FIELDS = {
    kernels.POLY: (_REGRETS, (*_REACH, "spent")),
    kernels.PROD: _MULTIPLE,
    kernels.BERNSTEIN: _MULTIPLE,
    kernels.STEADY: _ENTROPY,
    kernels.ANYTIME: _ENTROPY,
    kernels.GAP: _ENTROPY,
}
"""Names of the fields (..., K) and (..., 1) of a learner's state."""

_RATES = {
    Fixed: kernels.STEADY,
    Horizon: kernels.STEADY,
    Anytime: kernels.ANYTIME,
    Gap: kernels.GAP,
}
_LOSSES = {
    "squared": kernels.SQUARED,
    "brier": kernels.SQUARED,
    "absolute": kernels.ABSOLUTE,
    "log": kernels.LOG,
}


def code_of(learner: Any) -> int | None:
    """The kernel of a learner; None: there is none."""
    if type(learner) is Poly:
        return kernels.POLY
    if type(learner) is MultipleRates:
        return {Prod: kernels.PROD, Bernstein: kernels.BERNSTEIN}.get(type(learner.rule))
    plain = type(learner) is FTRL and type(learner.regularizer) is Entropy
    return _RATES.get(type(learner.rate)) if plain and learner.estimator == Weighted() else None


def kind_of(loss: Any) -> int | None:
    """The kernel's number of a loss; None: it has none."""
    if loss.classes:
        return None
    return kernels.PINBALL if loss.levels else _LOSSES.get(loss.name)


def play(game: Any, rows: Any, held: int, plan: Any) -> int:
    """`Game.play`; returns -1, or the row in which the loss is infinite."""
    code, kind = code_of(game.learner), kind_of(game.loss)
    assert code is not None
    assert kind is not None
    batch, width = rows.combined.shape[1:]
    level, factor = np.zeros((batch, width)), 1.0
    if kind == kernels.PINBALL:
        array, factor = game.loss.value.args
        level[:] = array.reshape(-1, width)
    for copy in range(int(plan.copy.max()) + 1):
        game.state(copy)
    state = vec, num = _packed(game.copies, *FIELDS[code])
    missing = np.isnan(rows.forecasts).any(axis=-1, keepdims=True)
    x = np.where(missing, np.nan, rows.forecasts) if width > 1 else rows.forecasts
    sums = (game.regret.copy(), game.debt.copy())
    learned = np.array(game.learned)
    bad: int = kernels.run(
        code,
        kind,
        (game.gradient, game.aggregating),
        game.aggregating and game.loss.name == "brier",
        level,
        float(factor),
        (np.ascontiguousarray(x), rows.observed, plan.copy, rows.play, rows.combined),
        (plan.arrivals, plan.first, held),
        state,
        sums,
        learned,
    )
    if bad < 0:
        game.copies = _unpacked(game.copies, vec, num, *FIELDS[code])
        game.regret, game.debt = sums
        game.learned = learned
    return bad


def _packed(copies: list[Any], wide: tuple[str, ...], narrow: tuple[str, ...]) -> Any:
    """The states as (copies, B, fields, K) and (copies, B, fields)."""
    arrays = [to_arrays(state) for state in copies]
    vec = np.stack([
        np.stack([*(each[name] for name in wide), log(each[wide[1]])], axis=1) for each in arrays
    ])  # fmt: skip
    num = np.stack([np.concatenate([each[name] for name in narrow], axis=-1) for each in arrays])
    return np.array(vec, dtype=np.float64), num


def _unpacked(
    copies: list[Any], vec: Array, num: Array, wide: tuple[str, ...], narrow: tuple[str, ...]
) -> list[Any]:
    """The states again; `alive`, the first field, has not changed."""
    return [
        from_arrays(
            state,
            to_arrays(state)
            | {name: vec[c, :, i] for i, name in enumerate(wide) if i}
            | {name: num[c, :, i : i + 1] for i, name in enumerate(narrow)},
        )
        for c, state in enumerate(copies)
    ]
