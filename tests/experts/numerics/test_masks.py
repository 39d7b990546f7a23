"""Masks: what is no mask of these problems is refused, though no value is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import experts


@pytest.mark.parametrize(
    "dead", [np.asarray([0, 1, 0]), np.asarray([0.0, 1.0, 0.0]), np.zeros((2, 3), bool)]
)
def test_wipe_takes_a_mask_of_its_problems(dead: Any) -> None:
    """Whole numbers would leave a state whose mask is none: ~1 is not 0."""
    state = experts.hedge(0.5).init(np.zeros(3))
    with pytest.raises(ValueError, match=r"dead must be bool of shape \(3,\), got"):
        experts.wipe(state, dead)
