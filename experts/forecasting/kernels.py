"""Compiled loops (numba) over rows, of `Game` with some learners. Arrays are updated in place.

A learner's state is `vec` (copies, B, fields, K) and `num` (copies, B, fields), with the fields of
its NamedTuple in the order of `compiled.FIELDS`, and behind them in `vec` ln prior for the learners
that have a prior. All experts take part: none has the prior 0. The formulas are those of the
learners' files, of `losses` and of `game`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

# No fastmath: nan marks what is missing.
_compiled: Any = njit(cache=True, error_model="numpy")

_MARGIN = 4096 * float(np.finfo(np.float64).eps)
_CAP = 1e4  # of `ftrl.regularizers`

POLY, PROD, BERNSTEIN, STEADY, ANYTIME, GAP = range(6)
SQUARED, ABSOLUTE, PINBALL, LOG = range(4)


@_compiled
def _loss(kind: int, level: float, factor: float, f: float, y: float) -> float:
    if kind == SQUARED:
        return (f - y) * (f - y)
    if kind == ABSOLUTE:
        return abs(f - y)
    if kind == PINBALL:
        return factor * ((1.0 if y < f else 0.0) - level) * (f - y)
    left = y * math.log(f) if y != 0 else 0.0
    right = (1 - y) * math.log1p(-f) if y != 1 else 0.0
    return -(left + right)


@_compiled
def _slope(kind: int, level: float, factor: float, f: float, y: float) -> float:
    if kind == SQUARED:
        return 2 * (f - y)
    if kind == ABSOLUTE:
        return 1.0 if f > y else (-1.0 if f < y else 0.0)
    if kind == PINBALL:
        return 0.0 if f == y else factor * ((1.0 if y < f else 0.0) - level)
    left = y / f if y > 0 else 0.0
    right = (1 - y) / (1 - f) if y < 1 else 0.0
    return right - left


@_compiled
def _weights(code: int, vec: Any, num: Any, out: Any) -> None:
    """What the learner would play, (K,), into `out`; not normalised."""
    if code == POLY:
        some, reach = 0.0, num[0]
        unit = reach if reach > 0 else 1.0
        for k in range(len(out)):
            ahead = max(vec[2, k] - reach * _MARGIN, 0.0)
            out[k] = vec[1, k] * (ahead / unit) / (1 + vec[3, k])
            some += out[k]
        if some == 0:
            out[:] = vec[1]
        return
    for k in range(len(out)):
        if code in (PROD, BERNSTEIN):
            gain, first, scale, log_prior = vec[4, k], vec[5, k], vec[6, k], vec[7, k]
            tilted = (gain + first * log_prior) / scale - math.log(scale) if scale > 0 else 0.0
            out[k] = tilted if scale > 0 else log_prior
        else:
            out[k] = vec[1, k] - _ratio(vec[2, k], num[4])
    top = out.max()
    for k in range(len(out)):
        out[k] = math.exp(out[k] - top)


@_compiled
def _ratio(lead: float, scale: float) -> float:
    """lead / scale, cut where exp(-ratio) is 0; scale 0 follows the leader."""
    limit = _CAP * scale
    return _CAP if lead > limit else min(lead, limit) / (scale if scale > 0 else 1.0)


@_compiled
def _potential(vec: Any, scale: float, more: Any) -> float:
    """-scale ln sum_k exp(dual_k - loss_k / scale), of the losses + `more`; the least for scale 0.

    `dual` has been normalised: its exponentials add up to 1.
    """
    losses = vec[2] + more
    low = losses.min()
    for k in range(len(more)):
        losses[k] = vec[1, k] - _ratio(losses[k] - low, scale)
    top = losses.max()
    return float(low - scale * (top + math.log(np.exp(losses - top).sum())))


@_compiled
def _gap(vec: Any, num: Any, play: Any, told: Any, work: Any) -> float:
    """Of one round of the entropy, for losses >= 0; near the leader, and far from it."""
    _weights(STEADY, vec, num, work)
    scale, suffered, norm, shrink = num[4], 0.0, 0.0, 0.0
    safe = scale if scale > 0 else 1.0
    for k in range(len(play)):
        suffered += play[k] * told[k]
        norm += work[k]
        shrink += work[k] * math.expm1(-min(told[k], _CAP * safe) / safe)
    shrink /= norm
    if scale > 0 and shrink > -0.5:
        return float(suffered + safe * math.log1p(shrink))
    work[:] = 0.0
    return float(suffered - (_potential(vec, scale, told) - _potential(vec, scale, work)))


@_compiled
def _update_entropy(code: int, vec: Any, num: Any, play: Any, told: Any, work: Any) -> None:
    """One round of FTRL: the gaps with Kahan's carry, the clock, the losses less the least."""
    told -= told.min()
    scale = num[4]
    gap = _gap(vec, num, play, told, work) - num[1]
    total = num[0] + gap
    num[1] = (total - num[0]) - gap
    num[0] = total
    num[2] = scale
    num[3] += 1
    if code == ANYTIME:
        num[4] = num[5] * math.sqrt(num[3] + 1)
    elif code == GAP:
        num[4] = max(scale, total * num[5])
    vec[2] += told
    vec[2] -= vec[2].min()


@_compiled
def _update_regrets(code: int, vec: Any, num: Any, play: Any, told: Any) -> None:
    """One round of ML-Poly, ML-Prod or BOA."""
    own, largest, before = 0.0, 0.0, num[0]
    for k in range(len(play)):
        own += play[k] * told[k]
    for k in range(len(play)):
        told[k] = own - told[k]  # the regret
        largest = max(largest, abs(told[k]))
    reach = max(before, largest)
    unit = reach if reach > 0 else 1.0
    shrink = before / unit if reach > before else 1.0
    num[0] = reach
    for k in range(len(play)):
        cut = told[k] * shrink
        if code == POLY:
            part = cut / (before if before > 0 else 1.0)
            num[2] += vec[1, k] * part * part / (1 + vec[3, k])
        vec[2, k] += cut
        vec[3, k] = vec[3, k] * shrink * shrink + (cut / unit) * (cut / unit)
        if code != POLY:
            num[2] += _gain(code, vec[:, k], cut, reach, math.log(len(play)))


@_compiled
def _gain(code: int, vec: Any, cut: float, reach: float, price: float) -> float:
    """One expert's part of it, for ML-Prod and BOA; returns its excess."""
    old, price = float(vec[6]), max(-vec[7], price)
    x = cut / (old if old > 0 else 1.0)
    vec[4] += old * (math.log1p(x) if code == PROD else x - x * x)
    slow = ((1.0 if code == PROD else 0.0) + vec[3]) / (price if price > 0 else 1.0)
    new = max(old, reach * math.sqrt(max(slow, 4.0)))
    vec[6] = new
    if vec[5] <= 0:
        vec[5] = new
    if old <= 0 or new <= old:
        return 0.0
    drop = 1 - old / new
    return drop * math.exp(math.log1p(-drop) * (1 - drop) / drop)


@_compiled
def _learn(
    code: int, kind: int, how: Any, level: Any, factor: float, x: Any, y: float, play: Any,
    f: Any, vec: Any, num: Any, sums: Any, b: int, work: Any,
) -> int:  # fmt: skip
    """One problem's row: 0 if nothing counts, 1 if it does, -1 if the loss is infinite."""
    gradient, aggregating = how
    regret, debt = sums
    experts, width = x.shape
    told, spare = work
    if math.isnan(y) or math.isnan(f[0]):
        return 0
    loss = 0.0
    for q in range(width):
        loss += _loss(kind, level[q], factor, f[q], y) / width
    own = 0.0
    for k in range(experts):
        told[k], ahead = 0.0, 0.0
        if not math.isnan(x[k, 0]):
            for q in range(width):
                ahead += _slope(kind, level[q], factor, f[q], y) * (f[q] - x[k, q]) / width
                told[k] += _loss(kind, level[q], factor, x[k, q], y) / width
            gain = loss - told[k]
            told[k] = -ahead if gradient else -gain
            if not math.isfinite(told[k]) or math.isnan(gain) or (math.isinf(gain) and gain > 0):
                return -1
            regret[b, k] += gain
            own += play[k] * told[k]
    for k in range(experts):
        asleep = math.isnan(x[k, 0])
        if aggregating or not asleep:
            debt[b, k] -= own
        if asleep and not aggregating:
            told[k] = own
    if code in (POLY, PROD, BERNSTEIN):
        _update_regrets(code, vec, num, play, told)
    else:
        _update_entropy(code, vec, num, play, told, spare)
    return 1


@_compiled
def _combine(weights: Any, x: Any, brier: bool, play: Any, f: Any) -> None:
    """Weights among the awake, and the combination; nan and weights of 0 if all sleep."""
    experts, width = x.shape
    awake, total = 0, 0.0
    for k in range(experts):
        if not math.isnan(x[k, 0]):
            awake += 1
            total += weights[k]
    for k in range(experts):
        play[k] = 0.0
        if not math.isnan(x[k, 0]):
            play[k] = weights[k] / total if total > 0 else 1 / awake
    for q in range(width):
        f[q], at_0, at_1 = (0.0 if awake else math.nan), 0.0, 0.0
        for k in range(experts):
            if not math.isnan(x[k, 0]):
                f[q] += play[k] * x[k, q]
                if brier:
                    at_0 += play[k] * math.exp(-2 * x[k, q] ** 2)
                    at_1 += play[k] * math.exp(-2 * (x[k, q] - 1) ** 2)
        if brier and awake:
            f[q] = 0.5 + (math.log(at_1) - math.log(at_0)) / 4


@_compiled
def run(
    code: int, kind: int, how: Any, brier: bool, level: Any, factor: float, rows: Any,
    order: Any, state: Any, sums: Any, learned: Any,
) -> int:  # fmt: skip
    """Play all rows after the first `held`; -1, or the row in which the loss is infinite."""
    x, y, copy, play, f = rows
    arrivals, first, held = order
    vec, num = state
    batch, experts = play.shape[1:]
    work = (np.empty(experts), np.empty(experts))
    for t in range(len(first) - 1):
        for a in range(first[t], first[t + 1]):
            row = arrivals[a]
            c, counts = copy[row], 0
            for b in range(batch):
                done = _learn(
                    code, kind, how, level[b], factor, x[row, b], y[row, b], play[row, b],
                    f[row, b], vec[c, b], num[c, b], sums, b, work,
                )  # fmt: skip
                if done < 0:
                    return int(row)
                counts |= done
            learned[c] += counts
        if t < len(first) - 2:
            row = held + t
            for b in range(batch):
                c = copy[row]
                _weights(code, vec[c, b], num[c, b], work[0])
                _combine(work[0], x[row, b], brier, play[row, b], f[row, b])
    return -1
