r"""`best_mixture`: the best fixed convex mixture of the forecasts of a table, known afterwards.

In row t a mixture q forecasts f_t(q) = sum_{awake} q_k x_{t,k} / Q_t, with Q_t = sum_{awake} q_k
its weight on those that have a forecast. Against forecasts of loss h_t its advantage is

    sum_t Q_t (h_t - loss(f_t(q), y_t)),

a concave function of q (perspectives of convex functions), and what the certificates with the
gradient trick bound: Q_t (h_t - loss(f_t(q))) <= sum_{awake} q_k g_t (f_t - x_{t,k}). Without
gaps Q_t = 1, and the best mixture has the smallest total loss.

Squared loss without gaps is solved by nonnegative least squares, piecewise linear losses by a
linear programme, others by SLSQP. `gap` says how good the answer is: convexity bounds the
advantage of every mixture by that of the answer + gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, minimize, nnls

from experts.forecasting.losses import Loss, loss_of
from experts.types import Array


class Mixture(NamedTuple):
    """A fixed mixture of forecasts, and how it did."""

    weights: Array
    """(K,): on the simplex"""
    loss: float
    """its total loss, sum_t Q_t loss(f_t(q), y_t), over the rows with an observation"""
    advantage: float
    """sum_t Q_t (h_t - loss(f_t(q), y_t)): the regret of the forecasts h to it"""
    gap: float
    """no mixture has an advantage larger by more than this"""


class Target(NamedTuple):
    """F(q) = sum_t Q_t (loss(f_t(q)) - h_t), with all rows and levels in one axis m."""

    forecasts: Array
    """(m, K); `spare` where asleep"""
    observed: Array
    """(m,)"""
    spare: Array
    """(m,): forecasts of finite loss"""
    awake: Array
    """(m, K): 1 or 0"""
    charge: Array
    """(m,): h"""
    loss: Loss

    def parts(self, weights: Array) -> tuple[Array, Array]:
        """Q (m,) and f(q) (m,), which is `spare` where Q is 0."""
        total = self.awake @ weights
        moved = (self.awake * (self.forecasts - self.spare[:, None])) @ weights
        return total, self.spare + moved / np.where(total > 0, total, 1.0)

    def value(self, weights: Array) -> float:
        """F."""
        total, mixed = self.parts(weights)
        return float(total @ (self.loss.value(mixed, self.observed) - self.charge))

    def gradient(self, weights: Array) -> Array:
        """(K,). F is homogeneous: F(q) = <q, gradient>, and F >= <q, gradient at any other q>."""
        _, mixed = self.parts(weights)
        slope = self.loss.slope(mixed, self.observed)
        level = self.loss.value(mixed, self.observed) - self.charge
        ahead = self.awake * (self.forecasts - mixed[:, None])
        return level @ self.awake + slope @ ahead


def best_mixture(
    forecasts: Any,
    observed: Any,
    loss: Any = "squared",
    *,
    levels: Sequence[float] | None = None,
    combined: Any = None,
) -> Mixture:
    """The fixed convex mixture with the largest advantage over `combined`.

    Parameters
    ----------
    forecasts : (n, K) or (n, K, Q) with levels
        nan where missing.
    observed : (n,)
        Rows where it is nan do not count.
    loss, levels
        As in `OnlineAggregator`, or a `Loss`; with levels a row's loss is the mean over them.
    combined : (n,) or (n, Q)
        Forecasts to be compared with; rows where they are nan do not count. None: h = 0, for
        forecasts without gaps (with gaps the mixture of those that have slept most would win).
        If no rows count, all mixtures are the best: the uniform one is the answer.

    Raises
    ------
    ValueError
        For gaps without `combined`.

    Examples
    --------
    >>> import numpy as np
    >>> observed = np.asarray([1.0, 2.0, 3.0])
    >>> best_mixture(np.stack([observed + 1, observed - 3], axis=1), observed).weights
    array([0.75, 0.25])
    """
    kind = loss_of(loss, levels)
    x, y = np.asarray(forecasts, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    x = x[..., None] if x.ndim == 2 else x
    awake: Array = np.isfinite(x).all(axis=-1)
    counts = np.isfinite(y) & awake.any(axis=1)
    if combined is None:
        if not awake[counts].all():
            raise ValueError("forecasts have gaps: pass combined, the forecasts to compare with")
        base = np.zeros((len(y), x.shape[-1]))
    else:
        ours = np.asarray(combined, dtype=np.float64).reshape(len(y), x.shape[-1])
        counts = counts & np.isfinite(ours).all(axis=1)
        base = kind.value(ours, y[:, None])
    x, y, awake, base = x[counts], y[counts], awake[counts], base[counts]
    n, width = base.shape
    spare = np.ones_like(y) if kind.classes else y
    target = Target(
        np.where(awake[..., None], x, spare[:, None, None])
        .swapaxes(1, 2)
        .reshape(n * width, x.shape[1]),
        np.repeat(y, width),
        np.repeat(spare, width),
        np.repeat(awake, width, axis=0).astype(np.float64),
        base.reshape(-1),
        kind.spread(n, axes=0) if width > 1 else kind,
    )
    weights, least = _solved(target)
    total, mixed = target.parts(weights)
    loss_of_best = float(total @ target.loss.value(mixed, target.observed)) / width
    reached = target.value(weights) / width
    return Mixture(weights, loss_of_best, -reached, reached - least / width)


def _solved(target: Target) -> tuple[Array, float]:
    """A minimiser of F, and a number that F is nowhere below."""
    if not len(target.observed):
        return np.full(target.awake.shape[1], 1 / target.awake.shape[1]), 0.0
    name, complete = target.loss.name, bool(target.awake.all())
    if (target.loss.levels and not target.loss.classes) or name == "absolute":
        return _linear(target)
    if name in ("squared", "brier") and complete and not target.loss.classes:
        weights = _squares(target.forecasts - target.observed[:, None])
    else:
        weights = _smooth(target)
    return weights, float(target.gradient(weights).min())


def _squares(errors: Array) -> Array:
    """argmin ||E q|| on the simplex: the direction of argmin ||E z||**2 + (1 - sum z)**2, z >= 0.

    Along a direction q the best z = s q has the value ||E q||**2 / (1 + ||E q||**2).
    """
    root: Array = np.linalg.qr(errors, mode="r")
    root = root / max(float(np.abs(root).max()), np.finfo(np.float64).tiny)
    wide = np.concatenate([root, np.ones((1, root.shape[1]))])
    found, _ = nnls(wide, np.append(np.zeros(len(root)), 1.0))
    return np.asarray(found / found.sum())


def _linear(target: Target) -> tuple[Array, float]:
    """Piecewise linear losses: the errors e = E q in positive and negative parts.

    In units of the largest error: the solver's tolerances are absolute.
    """
    errors = target.awake * (target.forecasts - target.observed[:, None])
    unit = max(float(np.abs(errors).max()), np.finfo(np.float64).tiny)
    errors = errors / unit
    rows, experts = errors.shape
    zero = np.zeros(rows)
    up, down = (np.broadcast_to(target.loss.value(zero + side, zero), rows) for side in (1, -1))
    price = -(target.charge @ target.awake) / unit
    eye = sparse.identity(rows, format="csr")
    parts = sparse.hstack([sparse.csr_array(errors), -eye, eye])
    whole = sparse.csr_array(np.append(np.ones(experts), np.zeros(2 * rows))[None])
    found = linprog(
        np.concatenate([price, up, down]),
        A_eq=sparse.vstack([parts, whole]),
        b_eq=np.append(zero, 1.0),
        method="highs",
    )
    weights = np.maximum(found.x[:experts], 0.0)
    # Any slopes in [-down, up] bound the loss from below; the best are the programme's duals.
    slopes = np.clip(-found.eqlin.marginals[:rows], -down, up)
    return weights / weights.sum(), unit * float((price + slopes @ errors).min())


def _smooth(target: Target) -> Array:
    """By sequential quadratic programming from the uniform mixture."""
    experts = target.awake.shape[1]
    start = np.full(experts, 1 / experts)
    unit = max(float(np.abs(target.gradient(start)).max()), np.finfo(np.float64).tiny)
    found = minimize(
        lambda q: target.value(q) / unit,
        start,
        jac=lambda q: target.gradient(q) / unit,
        bounds=[(0.0, 1.0)] * experts,
        constraints=[{"type": "eq", "fun": lambda q: q.sum() - 1, "jac": np.ones_like}],
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    weights = np.maximum(found.x, 0.0)
    return np.asarray(weights / weights.sum())
