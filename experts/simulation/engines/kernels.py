"""Compiled loops (numba) over n rounds, B problems, K experts. Arrays are updated in place.

A call plays the problems `block` = (first, end) only: as many as the cache holds the states of, or
one thread's share. Rounds are the outer loop and problems the inner one: the losses are read once,
and neighbouring problems hide each other's latencies.

`losses` is (n, B, K), or (n, 1, K) when all problems meet the same ones; `scale` is 1 / eta,
(n, B), or (1, B) when constant; `dual` and `price` are (K,), those of one prior for all.
`sums` and `records` hold arrays of `simulation.books.Books`.

All in one file: numba's cache does not notice that a function in another file has changed.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import njit
from numba.extending import intrinsic

# No "nnan" and no "ninf": weights may overflow, which is detected and repaired.
_compiled: Any = njit(
    cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "arcp", "contract"}
)
_game: Any = njit(
    cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "arcp", "contract"}, nogil=True
)
_exact: Any = njit(cache=True, error_model="numpy", fastmath={"contract"})


def _min(typing: Any, a: Any, b: Any) -> Any:
    """min(a, b) of numbers that are not nan, in a form in which a loop of it is vectorised."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        flags = ("nnan", "nsz")
        less = builder.fcmp_ordered("<", *arguments, flags=flags)
        return builder.select(less, *arguments, flags=flags)

    return numba.float64(numba.float64, numba.float64), code


_smaller: Any = intrinsic(_min)


@_exact
def _drawn(weights: Any, b: int, below: Any, uniform: float) -> tuple[int, float]:
    """The drawn expert, as by `experts.draw`, and the sum of the weights.

    By sums of 16, then among 16: one running sum would wait for every addition. Without branches,
    which would be unpredictable.
    """
    experts, total, passed = weights.shape[1], 0.0, 0
    parts = (experts + 15) // 16
    for part in range(parts):
        total += _sum(weights, b, 16 * part, min(16 * part + 16, experts))
        below[part] = total
    mark = uniform * total
    for part in range(parts):
        passed += (below[part] <= mark) & (below[part] < total)
    start = below[passed - 1] if passed else 0.0
    arm = last = 16 * passed
    for k in range(16 * passed, min(16 * passed + 16, experts)):
        start += weights[b, k]
        arm += start <= mark
        last = k if weights[b, k] > 0 else last
    return min(arm, last), total


@_compiled
def _sum(weights: Any, b: int, first: int, end: int) -> float:
    """The sum of some weights."""
    total = 0.0
    for k in range(first, end):
        total += weights[b, k]
    return total


@_compiled
def _add(total: Any, b: int, losses: Any, t: int, row: int, level: float) -> float:
    """Add one problem's true losses, less `level`, to `total`; returns its smallest entry.

    To the bit, as `_lead` looks for it: the numbers that are compared are those that are stored.
    """
    low: float = total[b, 0] + (losses[t, row, 0] - level)
    total[b, 0] = low
    for k in range(1, total.shape[1]):
        moved = total[b, k] + (losses[t, row, k] - level)
        total[b, k] = moved
        low = _smaller(moved, low)
    return low


@_exact
def _lead(total: Any, best: Any, switches: Any, b: int, low: float) -> None:
    """Enter the first expert whose `total` is `low` as the best one; -1 before round 1."""
    leader = 0
    while total[b, leader] != low and leader < total.shape[1] - 1:  # no end if all are nan
        leader += 1
    switches[b] += (best[b] >= 0) & (leader != best[b])
    best[b] = leader


@_exact
def _exp(x: float) -> float:
    """exp to one unit in the last place, 0 below -708, cut above 709.

    Unlike math.exp it can be vectorised: 2 ns instead of 6 at K = 10, 0.8 at K = 1000. By powers
    of two and a Taylor polynomial on |r| <= ln 2 / 2; ln 2 in two parts, so that r is exact.
    """
    z = min(max(x, -708.0), 709.0)
    n = math.floor(z * 1.4426950408889634 + 0.5)
    r = (z - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    p = 1 / 6227020800 * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = (p * r + 0.5) * r * r + r + 1
    power = np.int64((np.int64(n) + 1023) << 52).view(np.float64)
    return p * power if x >= -708 else 0.0


@_compiled
def _softmax(weights: Any, loss: Any, low: float, dual: Any, b: int, eta: float) -> float:
    """exp(dual - (loss - low) * eta) into `weights`; returns their sum."""
    for k in range(loss.shape[1]):
        weights[b, k] = _exp(dual[k] - (loss[b, k] - low) * eta)
    total = 0.0
    for k in range(loss.shape[1]):
        total += weights[b, k]
    return total


@_compiled
def _to_zero(lead: Any, b: int) -> float:
    """Subtract the smallest entry from all; returns it."""
    low: float = lead[b, 0]
    for k in range(1, lead.shape[1]):
        low = _smaller(lead[b, k], low)
    for k in range(lead.shape[1]):
        lead[b, k] -= low
    return low


@_compiled
def _lowest(losses: Any, t: int, row: int) -> float:
    """One problem's smallest loss."""
    level: float = losses[t, row, 0]
    for k in range(1, losses.shape[2]):
        level = _smaller(losses[t, row, k], level)
    return level


@_compiled
def _record(r: int, b: int, sums: Any, records: Any) -> None:
    """Enter one problem's sums in record r. Not inline, as unpacking tuples costs too much."""
    total, loss, level, best, switches = sums
    _, _, loss_at, level_at, best_loss_at, best_at, switches_at, _, _ = records
    loss_at[r, b] = loss[b]
    level_at[r, b] = level[b]
    best_loss_at[r, b] = total[b, best[b]]
    best_at[r, b] = best[b]
    switches_at[r, b] = switches[b]


@_compiled
def _suffered(weights: Any, b: int, losses: Any, t: int, row: int, level: float) -> float:
    """sum_k weights_k (loss_k - level)."""
    suffered = 0.0
    for k in range(weights.shape[1]):
        suffered += weights[b, k] * (losses[t, row, k] - level)
    return suffered


@_compiled
def _keep(r: int, b: int, weights: Any, norm: float, records: Any) -> None:
    """Enter one problem's distribution in record r, if it is kept."""
    kept = records[1][r]
    if kept >= 0:
        for k in range(weights.shape[1]):
            records[8][kept, b, k] = weights[b, k] / norm


@_game
def hedge(
    losses: Any, scale: Any, dual: Any, price: Any, state: Any, block: Any, sums: Any, records: Any
) -> None:
    """Entropy, full information. The gaps telescope while the scale is constant."""
    weights, norm, lowest, gap = state
    total, suffered_by, level_by, best, switches = sums
    steady, shared = scale.shape[0] == 1, losses.shape[1] == 1
    due, certificate_at = records[0], records[7]
    r = 0
    for t in range(losses.shape[0]):
        recorded = r < len(due) and due[r] == t
        for b in range(*block):
            row = 0 if shared else b
            s = scale[0 if steady else t, b]
            before = lowest[b]
            if not steady or norm[b] == 0:
                norm[b] = _softmax(weights, total, before, dual, b, 1 / s)
            if recorded:
                _keep(r, b, weights, norm[b], records)
            # Less the round's smallest loss: a level that all share would drown the differences.
            level = _lowest(losses, t, row)
            suffered = _suffered(weights, b, losses, t, row, level) / norm[b]
            low = _add(total, b, losses, t, row, level)
            after = _softmax(weights, total, low, dual, b, 1 / s)
            gap[b] += suffered - ((low - before) - s * math.log(after / norm[b]))
            norm[b] = after
            lowest[b] = low
            suffered_by[b] += suffered
            level_by[b] += level
            _lead(total, best, switches, b, low)
            if recorded:
                _record(r, b, sums, records)
                certificate_at[r, b] = s * price[best[b]] + gap[b]
        r += recorded


@_game
def exp3(
    losses: Any,
    uniforms: Any,
    scale: Any,
    dual: Any,
    bias: float,
    state: Any,
    block: Any,
    sums: Any,
    records: Any,
) -> None:
    """Entropy, bandit. Under a constant scale only the drawn expert's weight changes."""
    lead, weights = state
    below = np.empty((lead.shape[1] + 15) // 16)
    total, suffered_by, level_by, best, switches = sums
    steady, shared = scale.shape[0] == 1, losses.shape[1] == 1
    due = records[0]
    r = 0
    for t in range(losses.shape[0]):
        recorded = r < len(due) and due[r] == t
        for b in range(*block):
            row = 0 if shared else b
            eta = 1 / scale[0 if steady else t, b]
            if not steady:
                _to_zero(lead, b)
                _softmax(weights, lead, 0.0, dual, b, eta)
            arm, norm = _drawn(weights, b, below, uniforms[t, b])
            if not 1e-100 < norm < 1e100:  # round 1, or the leader has moved far from where it was
                _to_zero(lead, b)
                _softmax(weights, lead, 0.0, dual, b, eta)
                arm, norm = _drawn(weights, b, below, uniforms[t, b])
            if recorded:
                _keep(r, b, weights, norm, records)
            lead[b, arm] += losses[t, row, arm] / (weights[b, arm] / norm + bias * eta)
            if steady:
                weights[b, arm] = math.exp(dual[arm] - lead[b, arm] * eta)
            level = _lowest(losses, t, row)
            suffered_by[b] += losses[t, row, arm] - level
            level_by[b] += level
            low = _add(total, b, losses, t, row, level)
            _lead(total, best, switches, b, low)
            if recorded:
                _record(r, b, sums, records)
        r += recorded


@_compiled
def _tsallis(play: Any, lead: Any, b: int, scale: float, start: float) -> tuple[float, float]:
    """argmin <p, lead> - 4 scale sum sqrt(p) into `play`; the multiplier x and sum p**1.5.

    p_k = (2 scale / (lead_k - x))**2 with x such that they add up to 1. Newton on
    1 / norm(sqrt(p)) - 1, which is concave and falling in x and straight if one expert or equal
    ones dominate: right of the root it comes down to it monotonically. At x = -2 scale the best
    expert (lead 0) alone has probability 1, so the root is not beyond.
    """
    x = min(start, -2 * scale)
    for _ in range(100):
        square, cube = 0.0, 0.0
        for k in range(lead.shape[1]):
            root = 2 * scale / (lead[b, k] - x)
            play[b, k] = root
            square += root * root
            cube += root * root * root
        error = 1 - math.sqrt(square)
        step = 2 * scale * square * error / cube
        if abs(error) < 1e-8:
            break
        x = min(x + step, -2 * scale)
    # The last step to first order: its error is the square of `error`, below rounding.
    for k in range(lead.shape[1]):
        play[b, k] *= play[b, k] * (1 + play[b, k] * (step / scale))
    return x + step, cube


@_game
def tsallis(
    losses: Any,
    uniforms: Any,
    scale: Any,
    bias: float,
    shift: float,
    state: Any,
    block: Any,
    sums: Any,
    records: Any,
) -> None:
    """1/2-Tsallis entropy, bandit; `shift` 0 for importance weights, 1/2 for reduced variance."""
    lead, weights, multiplier = state
    total, suffered_by, level_by, best, switches = sums
    experts = lead.shape[1]
    below = np.empty((experts + 15) // 16)
    steady, shared = scale.shape[0] == 1, losses.shape[1] == 1
    due = records[0]
    r = 0
    for t in range(losses.shape[0]):
        recorded = r < len(due) and due[r] == t
        for b in range(*block):
            row = 0 if shared else b
            s = scale[0 if steady else t, b]
            x, cube = _tsallis(weights, lead, b, s, multiplier[b] - _to_zero(lead, b))
            arm, _ = _drawn(weights, b, below, uniforms[t, b])
            if recorded:
                _keep(r, b, weights, 1.0, records)
            # To first order x follows every loss with the share p**1.5 / cube, and a rise of the
            # scale with -2 / cube; from there Newton mostly needs one step and a check.
            later = scale[min(t + 1, scale.shape[0] - 1), b]
            x -= 2 * (later - s) / cube
            base = 0.0
            if shift != 0:
                for k in range(experts):
                    moved = shift if weights[b, k] * s * s >= 1 else 0.0
                    lead[b, k] += moved
                    x += moved * weights[b, k] * math.sqrt(weights[b, k]) / cube
                base = shift if weights[b, arm] * s * s >= 1 else 0.0
            estimate = (losses[t, row, arm] - base) / (weights[b, arm] + bias / s)
            lead[b, arm] += estimate
            multiplier[b] = x + estimate * weights[b, arm] * math.sqrt(weights[b, arm]) / cube
            level = _lowest(losses, t, row)
            suffered_by[b] += losses[t, row, arm] - level
            level_by[b] += level
            low = _add(total, b, losses, t, row, level)
            _lead(total, best, switches, b, low)
            if recorded:
                _record(r, b, sums, records)
        r += recorded
