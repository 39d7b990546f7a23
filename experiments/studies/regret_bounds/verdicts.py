"""Verdicts on the bounds: records of matches, and a summary of each learner's records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import stats

from studies.regret_bounds.claims import DELTA, EXPECTATION, PROBABILITY
from studies.regret_bounds.matches import Match, Outcomes, RealSequence

LEVEL = 1e-3
"""Significance at which a mean above a bound in expectation counts as a violation."""

Record = dict[str, Any]


def records(match: Match, outcomes: Outcomes) -> Iterable[Record]:
    """Judge a match: one flat record for each opponent."""
    opponents = match.opponents()
    if isinstance(match.group, RealSequence):  # its windows are games against one opponent
        outcomes = Outcomes(*(None if part is None else _pooled(part) for part in outcomes))
    for e, (name, opponent) in enumerate(opponents.items()):
        certificate = None if outcomes.certificate is None else outcomes.certificate[:, e]
        yield {
            "learner": match.contender.label,
            "opponent": name,
            "horizon": match.rounds,
            "experts": outcomes.behind.shape[-1],
            "feedback": "bandit" if match.contender.bandit else "full",
            **judge(
                match,
                opponent.adaptive,
                outcomes.regret[:, e],
                certificate,
                outcomes.behind[:, e],
            ),
        }


def judge(match: Match, adaptive: bool, regret: Any, certificate: Any, behind: Any) -> Record:
    """Judge n games against one opponent: regret (n,), certificate (n,) or None, behind (n, K).

    `violations` counts the games in which the a-priori bound or the certificate did not hold; for
    a bound in expectation it is 1 if the mean contradicts it. `worst_ratio` is the largest regret
    divided by the a-priori bound, or by the certificate if there is no a-priori bound; for a bound
    in expectation it is the mean regret divided by the bound.
    """
    contender, rounds, k = match.contender, match.rounds, behind.shape[-1]
    low, high = contender.losses
    slack = 1e-9 + 1e-12 * rounds * (high - low)  # rounding errors of sums of so many losses
    bound = contender.bound(k, rounds)
    found: Record = {
        "holds": contender.holds if bound is not None else "certificate",
        "games": len(regret),
        "bound": bound,
        "mean_regret": float(regret.mean()),
        "worst_regret": float(regret.max()),
    }
    if bound is not None and contender.holds == EXPECTATION:
        # An oblivious opponent: the bound is on E max_k; an adaptive one: on max_k E.
        return found | _in_expectation(behind if adaptive else regret[:, None], bound)
    wrong = np.zeros(len(regret), dtype=bool)
    if bound is not None:
        wrong |= regret > bound + slack
        found["worst_ratio"] = float(regret.max()) / bound
    if certificate is not None:
        wrong |= regret > certificate + slack
        ratio = regret / np.where(certificate > slack, certificate, np.maximum(1.0, regret))
        found["certificate_ratio"] = float(ratio.max())
        found.setdefault("worst_ratio", found["certificate_ratio"])
    found["violations"] = int(wrong.sum())
    if contender.holds == PROBABILITY:
        found["p_value"] = _too_many(found["violations"], len(regret))
    return found


def _in_expectation(samples: Any, bound: float) -> Record:
    """One-sided t-tests of the columns' means (n, C) against the bound, Bonferroni-corrected."""
    n, columns = samples.shape
    mean = samples.mean(axis=0)
    error = np.maximum(samples.std(axis=0, ddof=1) / n**0.5, 1e-12)
    p_value = min(1.0, columns * float(stats.t.sf((mean - bound) / error, n - 1).min()))
    reach = stats.t.isf(LEVEL / columns, n - 1)
    return {
        "violations": int(p_value < LEVEL),
        "worst_ratio": float(mean.max()) / bound,
        "upper_ratio": float((mean + reach * error).max()) / bound,
        "p_value": p_value,
    }


def _too_many(violations: int, games: int) -> float:
    """p-value of so many violations: probability of as many or more, if each has DELTA."""
    return float(stats.binomtest(violations, games, DELTA, alternative="greater").pvalue)


def _pooled(part: Any) -> Any:
    return part.reshape(-1, 1, *part.shape[2:])


def summary(found: list[Record], experts: int) -> list[Record]:
    """A row for each learner over all its records, the tightest bound first."""
    rows = []
    for learner in dict.fromkeys(record["learner"] for record in found):
        mine = [record for record in found if record["learner"] == learner]
        worst = max(mine, key=lambda record: record["worst_ratio"])
        row: Record = {
            "learner": learner,
            "holds": worst["holds"],
            "games": sum(record["games"] for record in mine),
            "violations": sum(record["violations"] for record in mine),
            "worst_ratio": worst["worst_ratio"],
            "found by": f"{worst['opponent']}, T={worst['horizon']}, K={worst['experts']}",
        }
        if worst["holds"] == PROBABILITY:
            row["p_value"] = _too_many(row["violations"], row["games"])
        if worst["holds"] == EXPECTATION:
            row["p_value"] = min(1.0, len(mine) * min(record["p_value"] for record in mine))
        certified = [r["certificate_ratio"] for r in mine if "certificate_ratio" in r]
        if certified:
            row["certificate"] = max(certified)
        fixed = [record for record in mine if record["experts"] == experts]
        row |= _growth("T", fixed, lambda record: record["horizon"])
        grid = {r["experts"] for r in mine if r["opponent"] in _names(fixed)} - {experts}
        if grid:
            rounds = next(r["horizon"] for r in mine if r["experts"] in grid)
            swept = [r for r in mine if r["horizon"] == rounds and r["opponent"] in _names(fixed)]
            row |= _growth("K", swept, lambda record: record["experts"])
        rows.append(row)
    return sorted(rows, key=lambda row: -row["worst_ratio"])


def _names(found: list[Record]) -> set[str]:
    return {record["opponent"] for record in found}


def _growth(name: str, found: list[Record], size: Callable[[Record], int]) -> Record:
    """Growth exponents of the worst opponent's mean regret and of the bound, at the same sizes.

    Opponents that were met at one size only are left out. The worst of the others has the largest
    mean regret at the largest size that they have in common.
    """
    sizes = {o: {size(r) for r in found if r["opponent"] == o} for o in _names(found)}
    sizes = {opponent: played for opponent, played in sizes.items() if len(played) > 1}
    common = set.intersection(*sizes.values()) if sizes else set()
    if len(common) < 2:
        return {}
    last = [r for r in found if size(r) == max(common) and r["opponent"] in sizes]
    worst = max(last, key=lambda record: record["mean_regret"])["opponent"]
    points = [r for r in found if r["opponent"] == worst and size(r) in common]
    row = {f"regret ~ {name}^": _slope([(size(r), r["mean_regret"]) for r in points])}
    if points[0]["bound"] is not None:
        row[f"bound ~ {name}^"] = _slope([(size(r), r["bound"]) for r in points])
    return row


def _slope(points: list[tuple[int, float]]) -> float | None:
    """Slope of the least-squares line on log-log axes; None unless all values are positive."""
    x, y = np.asarray(points, dtype=float).T
    if np.any(y <= 0):
        return None
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
