"""Fidelity: Spearman's correlation, its interval, and what is said of it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import stats

from nas_adapter.advice import fidelity as module
from nas_adapter.advice.fidelity import LEAST, fidelity, sentence


def drawn(correlation: float, count: int, seed: int) -> tuple[list[float], list[float]]:
    """Beliefs and losses of cells; beliefs and -losses have this correlation."""
    generator = np.random.default_rng(seed)
    one, other = generator.normal(size=(2, count))
    quality = correlation * one + math.sqrt(1 - correlation**2) * other
    return one.tolist(), (-quality).tolist()


def test_it_is_scipy_s_with_the_sign_of_quality() -> None:
    believed, losses = drawn(0.6, 30, 0)
    found = fidelity(believed, losses, 0)
    assert found["spearman"] == pytest.approx(-stats.spearmanr(believed, losses).statistic)
    assert -1 <= found["low"] < found["spearman"] < found["high"] <= 1
    assert found["cells"] == 30
    assert found["sentence"] == sentence(found["low"], found["high"])
    assert fidelity(believed, losses, 0) == found, "the same seed"


def test_the_interval_is_the_percentile_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written out, with other random numbers: the ends agree as two bootstraps do."""
    believed, losses = drawn(0.5, 20, 3)
    found, generator = fidelity(believed, losses, 0), np.random.default_rng(9)
    resampled = []
    for _ in range(2000):
        chosen = generator.integers(0, 20, 20)
        pair = np.asarray(believed)[chosen], -np.asarray(losses)[chosen]
        resampled.append(np.corrcoef(*(stats.rankdata(values) for values in pair))[0, 1])
    assert found["low"] == pytest.approx(np.quantile(resampled, 0.025), abs=0.04)
    assert found["high"] == pytest.approx(np.quantile(resampled, 0.975), abs=0.04)


@pytest.mark.parametrize("correlation", [-0.7, 0.0, 0.7])
def test_the_interval_covers(correlation: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spearman's of a bivariate normal distribution is 6 / pi asin(r / 2)."""
    monkeypatch.setattr(module, "RESAMPLES", 150)
    true = 6 / math.pi * math.asin(correlation / 2)
    inside = 0
    for seed in range(25):
        found = fidelity(*drawn(correlation, 30, seed), seed)
        inside += found["low"] <= true <= found["high"]
    assert inside >= 21, "95 % are nominal; 20 of 25 or fewer have a chance of 1 in 140"


@pytest.mark.parametrize("believed", [[0.5] * LEAST, [-math.inf] * LEAST])
def test_a_belief_that_does_not_vary_says_nothing(believed: list[float]) -> None:
    found = fidelity(believed, list(range(LEAST)), 0)
    assert (found["spearman"], found["low"], found["high"]) == (0, 0, 0)
    assert found["sentence"].startswith("no better than chance")


def test_minus_infinity_is_the_worst_belief() -> None:
    believed = [-math.inf, *range(1, LEAST)]
    losses = [float(LEAST - index) for index in range(LEAST)]
    assert fidelity(believed, losses, 0)["spearman"] == pytest.approx(1)
    assert fidelity(believed, losses[::-1], 0)["spearman"] == pytest.approx(-1)


def test_a_network_that_has_blown_up_is_the_worst() -> None:
    losses = [math.nan, *(float(LEAST - index) for index in range(1, LEAST))]
    assert fidelity(list(range(LEAST)), losses, 0)["spearman"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (-0.9, -0.1, r"(it )?ranks cells backwards: believe the random cell"),
        (-0.9, 0.0, r"no better than chance: believe the random cell"),
        (-0.2, 0.9, r"no better than chance: believe the random cell"),
        (0.0, 0.9, r"no better than chance: believe the random cell"),
        (0.01, 0.9, r"better than chance.*\b0\.01\b.*: believe it with care"),
        (0.49, 0.9, r"better than chance.*\b0\.49\b.*: believe it with care"),
        (0.5, 0.9, r"(it )?ranks cells well.*\b0\.50\b.*"),
    ],
)
def test_what_is_said(low: float, high: float, says: str) -> None:
    assert re.fullmatch(says, sentence(low, high))


@pytest.mark.parametrize(("beliefs", "losses"), [(11, 11), (12, 13), (0, 0)])
def test_too_few_or_unlike(beliefs: int, losses: int) -> None:
    with pytest.raises(ValueError, match=rf"at least 12; got {beliefs} and {losses}"):
        fidelity([0.0] * beliefs, [0.0] * losses, 0)
