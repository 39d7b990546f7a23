"""Integrals of exp(a x - b x**2) against mpmath, over many orders of magnitude."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath
import numpy as np
import pytest

from experts.numerics.quadrature import bell
from tests.profile import IN_CI

SIZES = [0, 1e-8, 1e-3, 0.3, 3, 8.3, 50, 800, 2e4, 1e6]
CASES = [
    (sign * a, b)
    for a, sign, b in itertools.product(SIZES, [1, -1], [0, 1e-6, 0.1, 2, 30, 1e3, 1e5, 1e8])
]


def exact(a: float, b: float) -> tuple[float, float, float]:
    """By erf and, for F, tanh-sinh quadrature split around the peak; 60 digits."""
    with mpmath.workdps(60):
        peak = min(max(a / (2 * b) if b else float(a > 0), 0.0), 1.0)
        width = 1 / (abs(a - 2 * b * peak) + math.sqrt(b) + 1)
        steps = [0, *(peak + width * s for s in (-12, -4, -1, 0, 1, 4, 12, 40)), 1]
        split = sorted({min(max(mpmath.mpf(s), 0), 1) for s in steps})

        def integral(f: Any) -> Any:
            return mpmath.quad(f, split)

        def e(x: Any) -> Any:
            return a * x - b * x**2

        mass = integral(lambda x: mpmath.exp(e(x)))
        mean = integral(lambda x: x * mpmath.exp(e(x)))
        value = integral(lambda x: mpmath.expm1(e(x)) / x if x else mpmath.mpf(a))
        level = 64 * (1 + mpmath.log(value / 64)) if value > 64 else value
        return float(mpmath.log(mass)), float(mpmath.log(mean)), float(level)


@pytest.mark.parametrize(("a", "b"), CASES if IN_CI else CASES[::3])
def test_integrals_over_many_orders_of_magnitude(a: float, b: float) -> None:
    found = bell(np.asarray([float(a)]), np.asarray([float(b)]))
    values = (found.log_mass(), found.log_mean(), found.level())
    for value, reference in zip(values, exact(a, b), strict=True):
        assert value[0] == pytest.approx(reference, rel=1e-11, abs=1e-11)


def test_mass_is_the_closed_form() -> None:
    """By erf, as the paper writes it."""
    for a, b in itertools.product([-40.0, -1.0, 0.0, 2.0, 60.0], [1.0, 3.0, 40.0]):
        with mpmath.workdps(600):
            root = mpmath.sqrt(b)
            ends = mpmath.erf(a / (2 * root)) - mpmath.erf((a - 2 * mpmath.mpf(b)) / (2 * root))
            mass = mpmath.sqrt(mpmath.pi) / (2 * root) * mpmath.exp(a**2 / (4 * b)) * ends
            reference = float(mpmath.log(mass))
        assert bell(np.asarray([a]), np.asarray([b])).log_mass()[0] == pytest.approx(
            reference, rel=1e-12, abs=1e-12
        )


def test_levels_are_convex_in_the_regret() -> None:
    """So that Newton's steps stay to the right of the solution."""
    for b in [0.0, 0.01, 1.0, 50.0, 1e4, 1e6, 1e8]:
        a = np.linspace(0, 12 * math.sqrt(b) + 60, 4001)
        integrals = bell(a, np.full_like(a, b))
        for level in (integrals.level(), integrals.log_mass()):
            assert np.all(np.diff(level, 2) >= -1e-9 * np.maximum(1, np.abs(level[1:-1])))
