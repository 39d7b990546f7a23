"""What another policy would have earned: its value from a log, with an interval."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from experts.contextual.logs import Log
from experts.numerics.arguments import floats
from experts.numerics.normal import quantile
from experts.numerics.parameters import number
from experts.numerics.units import Interval, checked_interval
from experts.types import Array


class Value(NamedTuple):
    """A mean outcome a round, in the units of the log."""

    value: float
    """the estimate"""
    low: float
    """lower end of the interval"""
    high: float
    """upper end of the interval"""
    rows: int
    """rows of the log that it is a mean over"""


def ips(
    log: Log,
    target: Any,
    *,
    largest_weight: float,
    interval: Interval = (0.0, 1.0),
    delta: float = 0.05,
) -> Value:
    """Inverse propensity score: the mean of w r, w = target's probability / propensity.

    Parameters
    ----------
    log
        Its rows are independent, its propensities true, and positive for every action that the
        target may take.
    target : (n, K) or (K,)
        Distribution of the policy to be valued, for every row's context. It must not depend on the
        log.
    largest_weight
        M: no weight w exceeds it. Known beforehand: 1 / the smallest probability by which the
        log's actions were drawn (K if they were drawn uniformly).
    interval
        (low, high), which holds all outcomes.
    delta
        In (0, 1).

    Notes
    -----
    The value is unbiased, and within the interval with probability at least 1 - delta:
    value +- (sqrt(2 v ln(4/delta) / n) + 7 B ln(4/delta) / (3 (n - 1))), v the sample variance of
    w r and B = M (max(high, 0) - min(low, 0)) its range, cut to [low, high].

    Source: Horvitz & Thompson 1952; Maurer & Pontil 2009, Theorem 4 (both sides at delta / 2).

    Raises
    ------
    ValueError
        An outcome outside `interval`, a weight above `largest_weight`, a target that is no
        distribution: with the row. A mean weight farther from 1, its expectation, than by
        chance: true propensities are refused with probability at most 10**-6.
    """
    low, high = checked_outcomes(log, interval)
    weight, _ = _weights(log, target, largest_weight)
    reach = largest_weight * (max(high, 0.0) - min(low, 0.0))
    terms = weight * log.outcome
    half = _bernstein(terms, reach, delta)
    return within(float(terms.mean()), half, (low, high), len(log))


def snips(log: Log, target: Any, *, delta: float = 0.05) -> Value:
    """Self-normalised inverse propensity score: sum w r / sum w, w as in `ips`.

    Parameters
    ----------
    log, target, delta
        As in `ips`.

    Notes
    -----
    Biased by order 1 / n; never outside of the outcomes' range. The interval is the normal one of
    the delta method, value +- z sqrt(sum w**2 (r - value)**2) / sum w: its coverage goes to
    1 - delta as n grows, without a guarantee for any n. Of few rows with large weights it covers
    far less, and it has no width where all outcomes of positive weight are alike.

    Source: Swaminathan & Joachims 2015; Owen 2013, Section 9.2 (the interval).
    """
    weight, _ = _weights(log, target)
    total, positive = float(weight.sum()), int(np.count_nonzero(weight))
    if positive < 2:
        raise ValueError(
            "target must give positive probability to the actions of at least 2 rows of the log, "
            f"for an interval, got {positive}"
        )
    value = float(weight @ log.outcome) / total
    spread = math.sqrt(float(np.sum((weight * (log.outcome - value)) ** 2))) / total
    half = -float(quantile(np.asarray(number("delta", delta, below=1) / 2))) * spread
    return Value(value, value - half, value + half, len(log))


def doubly_robust(
    log: Log,
    target: Any,
    *,
    largest_weight: float,
    model: Any = None,
    interval: Interval = (0.0, 1.0),
    delta: float = 0.05,
) -> Value:
    """Doubly robust: the mean of sum_k target_k m_k + w (r - m_a), m a model of the outcomes.

    Parameters
    ----------
    log, target, largest_weight, interval, delta
        As in `ips`.
    model : (n, K), optional
        m, predicted outcomes of every action in every row, made without the log; cut to
        `interval`. Default: a ridge regression on the context for each action (a mean, without
        context), fitted on the rows of even number for those of odd number, and conversely.

    Notes
    -----
    The value is unbiased whatever the model, and within the interval with probability at least
    1 - delta: the interval of `ips`, with range B = (1 + 2 M) (high - low). Of the fitted model
    each half has an interval of its own, at delta / 2, given the other; they are averaged.

    Source: Dudik, Langford & Li 2011; Maurer & Pontil 2009, Theorem 4; Chernozhukov et al. 2018
    (cross-fitting).
    """
    low, high = checked_outcomes(log, interval)
    weight, chances = _weights(log, target, largest_weight)
    reach = (1 + 2 * largest_weight) * (high - low)
    rows = np.arange(len(log))
    halves = [rows] if model is not None else [rows[::2], rows[1::2]]
    if model is not None:
        means = floats("model", model)
        if means.shape != chances.shape or not np.isfinite(means).all():
            raise ValueError(f"model must be finite, {chances.shape}, got shape {means.shape}")
    else:
        means = np.empty(chances.shape)
        for own, other in zip(halves, halves[::-1], strict=True):
            means[own] = _fitted(log, other, own)
    means = means.clip(low, high)
    terms = (chances * means).sum(-1) + weight * (log.outcome - means[rows, log.action])
    half = sum(
        len(each) / len(log) * _bernstein(terms[each], reach, delta / len(halves))
        for each in halves
    )
    return within(float(terms.mean()), half, (low, high), len(log))


def checked_outcomes(log: Log, interval: Interval) -> Interval:
    """`interval` as numbers; ValueError, with the row, if an outcome is outside."""
    _check_log(log)
    low, high = checked_interval(interval, log.outcome, "interval") or (0.0, 1.0)
    for row in np.flatnonzero(~((log.outcome >= low) & (log.outcome <= high)))[:1]:
        raise ValueError(
            f"outcome must lie in interval=({low}, {high}), got {log.outcome[row]} in row {row}"
        )
    return low, high


def _check_log(log: Any) -> None:
    if not isinstance(log, Log):
        raise ValueError(f"log must be a Log, as of read_log, got {type(log).__name__}")


def within(value: float, half: float, interval: Interval, rows: int) -> Value:
    """The value, and value +- half cut to the interval of the outcomes."""
    low, high = (min(max(end, interval[0]), interval[1]) for end in (value - half, value + half))
    return Value(value, low, high, rows)


def _weights(log: Log, target: Any, largest: float | None = None) -> tuple[Array, Array]:
    """Weights of the rows (n,), and the target's distributions (n, K)."""
    _check_log(log)
    shape, given = (len(log), len(log.actions)), floats("target", target)
    if given.shape not in (shape, shape[1:]):
        raise ValueError(f"target has shape {given.shape}, expected {shape} or {shape[1:]}")
    chances = np.broadcast_to(given, shape)
    wrong = ~((chances >= 0).all(-1) & (abs(chances.sum(-1) - 1) < 1e-6))
    for row in np.flatnonzero(wrong)[:1]:
        raise ValueError(f"target must be distributions, got {chances[row].tolist()} in row {row}")
    weight = chances[np.arange(len(log)), log.action] / log.propensity
    if largest is not None:
        most = number("largest_weight", largest)
        for row in np.flatnonzero(weight > most * (1 + 1e-9))[:1]:
            raise ValueError(
                f"largest_weight must be at least every weight, got {largest!r} with weight "
                f"{weight[row]} in row {row}; snips needs no bound on the weights"
            )
        if abs(float(weight.mean()) - 1) > _bernstein(weight, most, 1e-6):
            raise ValueError(
                "propensity must be true, and positive for all actions that target takes: the "
                f"mean of target's probability / propensity is {weight.mean():.3g}, expected about "
                "1"
            )
    return weight, chances


def _bernstein(terms: Array, reach: float, delta: float) -> float:
    """Half of Maurer and Pontil's interval for the mean of terms (n,) that lie in `reach`."""
    count = len(terms)
    if count < 2:
        raise ValueError(f"log must have at least 2 rows, 4 for a fitted model, got {count} in one")
    log_term = math.log(4 / number("delta", delta, below=1))
    spread = math.sqrt(2 * float(terms.var(ddof=1)) * log_term / count)
    return spread + 7 * reach * log_term / (3 * (count - 1))


def _fitted(log: Log, rows: Array, at: Array) -> Array:
    """Outcomes of every action, (len(at), K), predicted for the rows `at` from other `rows`.

    Ridge regression with penalty 1 of the distance to the mean on [1, context], the columns of the
    context less their means and divided by their deviations in `rows`.
    """
    context = np.empty((len(log), 0)) if log.context is None else log.context
    known = context[rows]
    deviation = known.std(axis=0)
    scaled = (context - known.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    features = np.hstack([np.ones((len(log), 1)), scaled])
    level = log.outcome[rows].mean()
    found = np.full((len(at), len(log.actions)), level)
    for k in range(len(log.actions)):
        mine = rows[log.action[rows] == k]
        x, y = features[mine], log.outcome[mine] - level
        penalised = x.T @ x + np.eye(x.shape[1])
        found[:, k] += features[at] @ np.linalg.solve(penalised, x.T @ y)
    return found
