"""Compiled loops (numba) over n rounds, B problems, K experts. Arrays are updated in place.

Rounds are the outer loop and problems the inner one: the losses are read once, the states of all
problems stay in the cache, and neighbouring problems hide each other's latencies.

`losses` is (n, B, K), or (n, 1, K) when all problems meet the same ones; `scale` is 1 / eta,
(n, B), or (1, B) when constant. `sums` and `records` hold arrays of `simulation.books.Books`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

# No "nnan" and no "ninf": weights may overflow, which is detected and repaired.
_compiled: Any = njit(
    cache=True, error_model="numpy", fastmath={"reassoc", "nsz", "arcp", "contract"}
)
_exact: Any = njit(cache=True, error_model="numpy", fastmath={"contract"})


@_exact
def _drawn(weights: Any, b: int, below: Any, uniform: float) -> int:
    """The drawn expert, as by `experts.draw`; without branches, which would be unpredictable."""
    total = 0.0
    for k in range(weights.shape[1]):
        total += weights[b, k]
        below[k] = total
    mark = uniform * total
    passed = 0
    for k in range(weights.shape[1]):
        passed += (below[k] <= mark) & (below[k] < total)
    return passed


@_compiled
def _enter(
    total: Any, best: Any, switches: Any, b: int, losses: Any, t: int, row: int, level: float
) -> None:
    """Add one problem's true losses, less `level`, and find its best expert; -1 before round 1."""
    for k in range(total.shape[1]):
        total[b, k] += losses[t, row, k] - level
    leader, low = 0, total[b, 0]
    for k in range(1, total.shape[1]):
        better = total[b, k] < low
        leader = k if better else leader
        low = total[b, k] if better else low
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
def _softmax(weights: Any, lead: Any, dual: Any, b: int, eta: float) -> float:
    """exp(dual - lead * eta) into `weights`; returns their sum."""
    for k in range(lead.shape[1]):
        weights[b, k] = _exp(dual[b, k] - lead[b, k] * eta)
    total = 0.0
    for k in range(lead.shape[1]):
        total += weights[b, k]
    return total


@_compiled
def _to_zero(lead: Any, b: int) -> float:
    """Subtract the smallest entry from all; returns it."""
    low: float = lead[b, 0]
    for k in range(1, lead.shape[1]):
        low = min(low, lead[b, k])
    for k in range(lead.shape[1]):
        lead[b, k] -= low
    return low


@_compiled
def _lowest(losses: Any, t: int, row: int) -> float:
    """One problem's smallest loss."""
    level: float = losses[t, row, 0]
    for k in range(1, losses.shape[2]):
        level = min(level, losses[t, row, k])
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
def _keep(r: int, b: int, weights: Any, norm: float, records: Any) -> None:
    """Enter one problem's distribution in record r, if it is kept."""
    kept = records[1][r]
    if kept >= 0:
        for k in range(weights.shape[1]):
            records[8][kept, b, k] = weights[b, k] / norm


@_compiled
def hedge(
    losses: Any, scale: Any, dual: Any, price: Any, state: Any, first: bool, sums: Any, records: Any
) -> None:
    """Entropy, full information. The gaps telescope while the scale is constant."""
    lead, weights, norm, gap = state
    total, suffered_by, level_by, best, switches = sums
    experts = lead.shape[1]
    steady, shared = scale.shape[0] == 1, losses.shape[1] == 1
    due, certificate_at = records[0], records[7]
    r = 0
    for t in range(losses.shape[0]):
        recorded = r < len(due) and due[r] == t
        for b in range(len(gap)):
            row = 0 if shared else b
            s = scale[0 if steady else t, b]
            if not steady or (first and t == 0):
                norm[b] = _softmax(weights, lead, dual, b, 1 / s)
            if recorded:
                _keep(r, b, weights, norm[b], records)
            # Less the round's smallest loss: a level that all share would drown the differences.
            level = _lowest(losses, t, row)
            suffered = 0.0
            for k in range(experts):
                suffered += weights[b, k] * (losses[t, row, k] - level)
                lead[b, k] += losses[t, row, k] - level
            suffered /= norm[b]
            low = _to_zero(lead, b)
            after = _softmax(weights, lead, dual, b, 1 / s)
            gap[b] += suffered - (low - s * math.log(after / norm[b]))
            norm[b] = after
            suffered_by[b] += suffered
            level_by[b] += level
            _enter(total, best, switches, b, losses, t, row, level)
            if recorded:
                _record(r, b, sums, records)
                certificate_at[r, b] = s * price[b, best[b]] + gap[b]
        r += recorded


@_compiled
def exp3(
    losses: Any,
    uniforms: Any,
    scale: Any,
    dual: Any,
    bias: float,
    state: Any,
    first: bool,
    sums: Any,
    records: Any,
) -> None:
    """Entropy, bandit. Under a constant scale only the drawn expert's weight changes."""
    lead, weights, below, _ = state
    total, suffered_by, level_by, best, switches = sums
    steady, shared = scale.shape[0] == 1, losses.shape[1] == 1
    due = records[0]
    r = 0
    for t in range(losses.shape[0]):
        recorded = r < len(due) and due[r] == t
        for b in range(lead.shape[0]):
            row = 0 if shared else b
            eta = 1 / scale[0 if steady else t, b]
            if not steady or (first and t == 0):
                _to_zero(lead, b)
                _softmax(weights, lead, dual, b, eta)
            arm = _drawn(weights, b, below, uniforms[t, b])
            norm = below[-1]
            if not 1e-100 < norm < 1e100:  # the leader has moved far from where it was
                _to_zero(lead, b)
                _softmax(weights, lead, dual, b, eta)
                arm = _drawn(weights, b, below, uniforms[t, b])
                norm = below[-1]
            if recorded:
                _keep(r, b, weights, norm, records)
            lead[b, arm] += losses[t, row, arm] / (weights[b, arm] / norm + bias * eta)
            if steady:
                weights[b, arm] = math.exp(dual[b, arm] - lead[b, arm] * eta)
            level = _lowest(losses, t, row)
            suffered_by[b] += losses[t, row, arm] - level
            level_by[b] += level
            _enter(total, best, switches, b, losses, t, row, level)
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


@_compiled
def tsallis(
    losses: Any,
    uniforms: Any,
    scale: Any,
    bias: float,
    shift: float,
    state: Any,
    first: bool,
    sums: Any,
    records: Any,
) -> None:
    """1/2-Tsallis entropy, bandit; `shift` 0 for importance weights, 1/2 for reduced variance."""
    lead, weights, below, multiplier = state
    total, suffered_by, level_by, best, switches = sums
    experts = lead.shape[1]
    steady, shared = scale.shape[0] == 1, losses.shape[1] == 1
    due = records[0]
    r = 0
    for t in range(losses.shape[0]):
        recorded = r < len(due) and due[r] == t
        for b in range(lead.shape[0]):
            row = 0 if shared else b
            s = scale[0 if steady else t, b]
            x, cube = _tsallis(weights, lead, b, s, multiplier[b] - _to_zero(lead, b))
            arm = _drawn(weights, b, below, uniforms[t, b])
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
            _enter(total, best, switches, b, losses, t, row, level)
            if recorded:
                _record(r, b, sums, records)
        r += recorded
