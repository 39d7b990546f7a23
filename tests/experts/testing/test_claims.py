"""Claims hold or raise with both of their sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts.testing.claims import ClaimError, at_most, equal, refused, true


@pytest.mark.parametrize(
    ("claim", "left", "right"),
    [
        (lambda: at_most("f", np.asarray([0, 2.0]), np.asarray([1, 1.0])), 2.0, 1.0),
        (lambda: at_most("f", np.nan, 1.0), np.nan, 1.0),
        (lambda: at_most("f", 0.0, np.nan), 0.0, np.nan),
        (lambda: at_most("f", 1.1, 1.0, slack=0.05), 1.1, 1.0),
        (lambda: equal("f", np.asarray([1.0, 3, 2]), np.zeros(3), atol=1), 3.0, 0.0),
        (lambda: equal("f", np.nan, 1.0), np.nan, 1.0),
        (lambda: equal("f", np.inf, 1.0, rtol=1), np.inf, 1.0),
        (lambda: equal("f", np.asarray([True]), False), True, False),
        (lambda: equal("f (shapes)", np.zeros((1, 2)), np.zeros(2)), (1, 2), (2,)),
        (lambda: true("f", False, "a", "b"), "a", "b"),
    ],
)
def test_claims_that_do_not_hold(claim: Any, left: Any, right: Any) -> None:
    with pytest.raises(ClaimError, match=r"^f") as caught:
        claim()
    assert [repr(caught.value.left), repr(caught.value.right)] == [repr(left), repr(right)]


def test_claims_that_hold() -> None:
    at_most("f", np.asarray([1.0, 9.0]), 1.0, where=np.asarray([True, False]))
    at_most("f", -np.inf, 0.0)
    equal("f", np.asarray([np.nan, np.inf]), np.asarray([np.nan, np.inf]))
    equal("f", 1.0 + 1e-9, 1.0, rtol=1e-8)
    with refused("f", "five"):
        raise ValueError("not five")


def test_a_refusal_is_a_value_error_with_the_right_message() -> None:
    with pytest.raises(ClaimError, match="no error"), refused("f", "five"):
        pass
    with pytest.raises(ClaimError, match="ValueError: six"), refused("f", "five"):
        raise ValueError("six")
