"""Draws from a distribution: never an impossible expert, and the right frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import experts

weights = hnp.arrays(np.float64, st.integers(1, 8), elements=st.integers(0, 5)).filter(np.any)


@given(weights=weights, uniform=st.floats(0, 1, exclude_max=True))
def test_draw_gives_one_expert_of_positive_probability(weights: np.ndarray, uniform: float) -> None:
    drawn = experts.draw(weights, np.asarray([uniform]))
    assert drawn.sum() == 1
    assert weights[drawn] > 0


def test_a_number_for_each_expert_is_refused() -> None:
    """It would draw several experts, or none."""
    play = np.full((3, 3), 1 / 3)
    for shape in ((3,), (3, 3)):
        with pytest.raises(ValueError, match=r"uniforms must have shape \(3, 1\), .* got \(3"):
            experts.draw(play, np.zeros(shape))


def test_draw_frequencies_are_the_probabilities() -> None:
    play = np.asarray([0.1, 0.0, 0.6, 0.3])
    uniforms = (np.arange(1000)[:, None] + 0.5) / 1000  # stratified: exact to one in a thousand
    drawn = experts.draw(np.broadcast_to(play, (1000, 4)), uniforms)
    np.testing.assert_allclose(drawn.mean(0), play, atol=1.1e-3)
