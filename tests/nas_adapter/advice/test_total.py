"""The total of a look: its formula, and what may not set its scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from nas_adapter.advice.looks import Look
from nas_adapter.advice.total import LEAST, Total, normal_scores

WELL_OFF = 0.9
"""Quantile up to which the spread of a scale reaches."""


def made_up(seed: int, count: int = 40) -> list[Look]:
    generator = np.random.default_rng(seed)
    one, two, three = generator.normal(size=(3, count))
    return [
        Look(float(a), float(b), float(c))
        for a, b, c in zip(3 + 2 * one, -5 + 0.5 * (one + two), 1 + one - two + three, strict=True)
    ]


def test_the_formula_written_out() -> None:
    looks, others = made_up(0), made_up(1, 9)
    table, asked = np.asarray(looks), np.asarray(others)
    unit = norm.ppf(WELL_OFF)
    scales = []
    for column in (0, 1):
        values = sorted(table[:, column])
        middle = values[math.floor(0.5 * 39)]
        scales.append((middle, (values[math.floor(WELL_OFF * 39)] - middle) / unit))

    def z(of: np.ndarray) -> np.ndarray:
        parts = [np.maximum((of[:, j] - m) / s, -3) for j, (m, s) in enumerate(scales)]
        return np.column_stack(parts)

    both = z(table).sum(1)
    ordered = sorted(both)
    width = (ordered[math.floor(WELL_OFF * 39)] - ordered[math.floor(0.5 * 39)]) / unit
    upper = both >= np.median(both)
    design = np.column_stack([z(table)[upper], np.ones(upper.sum())])
    line = np.linalg.lstsq(design, table[upper, 2], rcond=None)[0]
    left = table[upper, 2] - design @ line
    total = Total.of(looks)
    assert total.trainability_sd == pytest.approx(left.std())
    explained = np.column_stack([z(asked), np.ones(9)]) @ line
    expected = z(asked).sum(1) / width - 0.5 * np.maximum(asked[:, 2] - explained, -2)
    np.testing.assert_allclose(total(others), expected)
    for look, value in zip(others, expected, strict=True):
        assert float(total(look)[0]) == pytest.approx(value)


def test_the_order_of_the_looks_does_not_matter() -> None:
    looks = made_up(2)
    shuffled = [looks[index] for index in np.random.default_rng(0).permutation(len(looks))]
    np.testing.assert_allclose(Total.of(shuffled)(looks), Total.of(looks)(looks), atol=1e-12)


def test_units_of_expressivity_do_not_matter() -> None:
    """NASWOT and ln synflow in other units, and from another zero, give the same total."""
    looks = made_up(3)
    other = [Look(1000 + 7 * look.naswot, look.synflow / 9, look.gradient_norm) for look in looks]
    np.testing.assert_allclose(Total.of(other)(other), Total.of(looks)(looks), atol=1e-9)


def test_trainability_stays_in_nats() -> None:
    """Residuals of the gradient's norm that are ten times as large matter ten times as much."""
    loud, silent, level = ([one._replace(gradient_norm=0.0) for one in made_up(4)] for _ in "abc")
    bumps = np.random.default_rng(4).uniform(-0.1, 0.1, len(loud))
    for index, bump in enumerate(bumps):
        loud[index] = loud[index]._replace(gradient_norm=float(10 * bump))
        silent[index] = silent[index]._replace(gradient_norm=float(bump))
    base = Total.of(level)(level)
    small, large = Total.of(silent), Total.of(loud)
    np.testing.assert_allclose(large(loud) - base, 10 * (small(silent) - base), atol=1e-9)
    assert large.trainability_sd == pytest.approx(10 * small.trainability_sd)
    assert 0 < np.abs(small(silent) - base).max() < 0.5 * 0.3


def test_a_nat_more_of_gradient_costs_half_a_standard_deviation_and_vanishing_gains_at_most_one(
) -> None:  # fmt: skip
    looks = made_up(5)
    total, look = Total.of(looks), looks[0]
    level = look.gradient_norm + float(total.trainability(look)[0])  # what is to be expected

    def of(norm: float) -> float:
        return float(total(look._replace(gradient_norm=norm))[0])

    assert of(level + 1) - of(level) == pytest.approx(-0.5)
    assert of(level - 1) - of(level) == pytest.approx(0.5)
    assert of(level - 2) - of(level) == of(-math.inf) - of(level) == pytest.approx(1.0)
    assert of(level + 50) - of(level) == pytest.approx(-25)


@pytest.mark.parametrize("broken", [1, 10, 19])
@pytest.mark.parametrize("norm", [-math.inf, 0.0])
def test_degenerate_looks_do_not_set_the_scale(broken: int, norm: float) -> None:
    """However bad they are: -inf, or merely terrible, in any place."""
    healthy = made_up(6, 40)
    dead = [Look(-math.inf, -math.inf, norm)] * broken
    terrible = [Look(-1e9, -1e9, norm)] * broken
    total = Total.of(dead + healthy)
    for other in (Total.of(healthy + dead), Total.of(terrible + healthy)):
        np.testing.assert_allclose(other(healthy), total(healthy), atol=1e-12)
    values = total(dead + healthy)
    assert np.isfinite(values).all()
    assert values[:broken].max() < np.median(values[broken:])
    # Shifted quantiles move the scale, but not by what the degenerate are off.
    alone = Total.of(healthy)(healthy)
    assert np.corrcoef(alone, values[broken:])[0, 1] > 0.95
    assert 0.3 < alone.std() / values[broken:].std() < 3


@pytest.mark.parametrize("healthy", [0, 1, 8, 19])
def test_even_if_most_looks_are_degenerate_there_is_a_scale(healthy: int) -> None:
    looks = [Look(-math.inf, -math.inf, -math.inf)] * (40 - healthy) + made_up(7, healthy)
    values = Total.of(looks)(looks)
    assert np.isfinite(values).all()
    assert np.isfinite(Total.of(looks).trainability_sd)
    assert np.ptp(values[: 40 - healthy]) == 0
    if healthy:
        assert values[: 40 - healthy].max() < values[40 - healthy :].max()


def test_looks_that_are_all_alike() -> None:
    looks = [Look(1.0, 2.0, 3.0)] * LEAST
    np.testing.assert_allclose(Total.of(looks)(looks), 0, atol=1e-12)


def test_normal_scores() -> None:
    values = np.asarray([3.0, -math.inf, 7.0, 3.0, 100.0])
    expected = norm.ppf((rankdata(values) - 0.5) / 5)
    np.testing.assert_allclose(normal_scores(values), expected)
    assert normal_scores(values)[0] == normal_scores(values)[3]
