"""Normal quantiles: SciPy's, in every array library."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
import scipy.special
import torch

from experts.numerics.normal import quantile

TAILS = np.geomspace(1e-300, 1e-3, 200)
UNIFORMS = np.concatenate([TAILS, np.linspace(0.001, 0.999, 1999), 1 - np.geomspace(2**-53, 1e-3)])


@pytest.mark.parametrize("library", [np, torch, array_api_strict], ids=lambda xp: xp.__name__)
def test_quantiles_are_those_of_scipy(library: object) -> None:
    found = np.asarray(quantile(library.asarray(UNIFORMS)))  # type: ignore[attr-defined]
    np.testing.assert_allclose(found, scipy.special.ndtri(UNIFORMS), rtol=1e-13, atol=1e-15)


def test_float32_stays_float32_and_finite() -> None:
    edge = np.asarray([0, 1e-45, 2**-24, 0.5, 1 - 2**-24], dtype=np.float32)
    found = quantile(edge)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[2:], scipy.special.ndtri(edge[2:].astype(float)), rtol=1e-5)
