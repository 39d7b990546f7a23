"""A-priori bounds of the policies: their domains, their short address, and how they relate."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest

from experts import bounds
from experts.analysis import contextual_bounds

FINE: dict[str, Any] = {
    "n": 5, "k": 4, "rounds": 9, "eta": 0.5, "spread": 8.0, "delta": 0.1, "dimension": 3,
    "ridge": 0.5, "noise": 0.3, "norm": 2.0, "length": 1.5, "leverage": 4.0,
}  # fmt: skip
WRONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("n", "k", "dimension"), (0, 1.5, math.nan)),
    **dict.fromkeys(("eta", "ridge", "noise", "norm", "length", "leverage"), (0.0, math.inf)),
    "rounds": (-1, 0.5),
    "spread": (-1.0,),
    "delta": (0.0, 1.0),
}
EVERY = [
    pytest.param(bound, id=name)
    for name, bound in inspect.getmembers(contextual_bounds, inspect.isfunction)
    if bound.__module__ == contextual_bounds.__name__
]


@pytest.mark.parametrize("bound", EVERY)
def test_every_argument_has_its_domain(bound: Callable[..., float]) -> None:
    names = inspect.signature(bound).parameters
    arguments = {name: FINE[name] for name in names}
    assert 0 < bound(**arguments) < math.inf
    assert getattr(bounds, bound.__name__) is bound
    for name in names:
        for value in WRONG[name]:
            with pytest.raises(ValueError, match=rf"^{name} must be .*, got {value!r}$"):
                bound(**arguments | {name: value})


def test_tuned_rates_are_the_best_fixed_ones() -> None:
    n, k, rounds, delta = 7, 4, 500, 0.05
    eta = math.sqrt(2 * math.log(n) / (rounds * min(n, k)))
    tuned = bounds.exp4(n, k, rounds)
    assert tuned == pytest.approx(bounds.exp4_fixed(n, eta, rounds * min(n, k)))
    assert bounds.exp4(3, 9, rounds) == pytest.approx(math.sqrt(2 * rounds * 3 * math.log(3)))
    eta = math.sqrt(2 * math.log(n) / (rounds * k))
    fixed = bounds.exp4_ix_fixed(n, k, rounds, eta, delta)
    assert bounds.exp4_ix(n, k, rounds, delta) == pytest.approx(fixed)


def test_one_expert_and_one_arm() -> None:
    assert bounds.exp4(1, 5, 100) == 0
    assert 0 < bounds.exp4_ix(1, 5, 100, 0.1) < math.inf
    assert 0 < bounds.exp4_ix_anytime(1, 5, 100, 0.1) < math.inf
    assert bounds.linear_thompson(3, 1, 100) == 0
    assert bounds.real_linexp3(3, 1, 100, 3.0) == 0
    assert bounds.linucb(3, 0, 0.1) == 0
