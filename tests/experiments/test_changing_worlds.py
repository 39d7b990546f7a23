"""Changing worlds: certificates of intervals, paths, and the command."""

from __future__ import annotations

from pathlib import Path

import changing_worlds
import numpy as np
import pytest

from tests.experiments.programs import check_refused, smoke


def test_the_largest_certificate_of_an_interval() -> None:
    """All blocks of length 1 have certificate 1, of length 2 one of 1.5, of 4 one of 2."""
    certificates = np.broadcast_to([1.0, 1.5, 2.0], (5, 1, 3))
    assert changing_worlds.largest(certificates, 1) == [1.0]
    assert changing_worlds.largest(certificates, 2) == [2.0]  # rounds 1 and 2
    assert changing_worlds.largest(certificates, 4) == [3.5]  # rounds 1, 2 and 3, and 4


def test_the_length_of_a_path() -> None:
    found = changing_worlds.path_lengths(20_001)
    np.testing.assert_allclose(found, 2 * np.pi * 0.8 * changing_worlds.SPEEDS, rtol=1e-4)


def test_smoke(tmp_path: Path) -> None:
    rows = smoke("changing_worlds", tmp_path / "out", {"changing_worlds.png"})
    assert {row["case"] for row in rows} == {"interval", "path"}
    assert not any(row.get("violations") for row in rows)


def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused("changing_worlds", "--rounds 5", "--rounds must be at least 32", tmp_path, capsys)
