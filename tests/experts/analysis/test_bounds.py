"""A-priori bounds refuse arguments outside their domain; the learners' tests check their values."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import experts
from experts.analysis import bounds

FINE: dict[str, Any] = {
    "k": 4, "rounds": 9, "switches": 2, "eta": 0.4, "loss_range": 2.0, "bound": 0.1,
    "log_kept": -0.5, "square": 3.0, "prior": 0.25, "delta": 0.1, "alpha": 0.1, "order": 0.3,
    "surprises": [1.0, 0.5], "rows": 3, "columns": 2, "components": 6, "size": 2,
    "n": 5, "dimension": 3, "spread": 8.0, "ridge": 0.5, "noise": 0.3, "norm": 2.0, "length": 1.5,
    "leverage": 4.0, "means": [0.3, 0.5], "deviation": 0.2, "every": 3, "variation": 2.0,
    "diameter": 2.0, "gradient_bound": 1.5, "modulus": 0.5, "gamma": 0.1,
    "wealth": 1.0, "distance": 1.0, "path_length": 3.0, "trace": 2.0, "mean_loss": 0.25,
    "regret": 4.0, "interval": 5, "gradient_length": 6.0,
}  # fmt: skip
WRONG: dict[str, tuple[Any, ...]] = {
    "k": (0, -1, 1.5, math.inf, math.nan, "a", None),
    "rows": (0, 1.5),
    "columns": (0, 1.5),
    "rounds": (-1, 0.5, math.inf),
    "switches": (-1, 0.5, 9),
    "eta": (0.0, -1.0, math.inf, math.nan),
    "loss_range": (0.0, -1.0, math.inf),
    "bound": (0.0, -1.0),
    "log_kept": (0.1, math.nan),
    "square": (-1.0, math.nan),
    "prior": (0.0, 1.1),
    "delta": (0.0, 1.0),
    "alpha": (0.0, 1.0),
    "order": (0.0, 1.0),
    "every": (0, 1.5),
    "variation": (-1.0, math.nan),
    "components": (0, 1.5),
    "size": (0, 1.5),
    "n": (0, 1.5),
    "dimension": (0, 1.5),
    "spread": (-1.0, math.nan),
    "ridge": (0.0, math.inf),
    "noise": (0.0, math.inf),
    "norm": (0.0, math.inf),
    "length": (0.0, math.inf),
    "leverage": (0.0, math.inf),
    "diameter": (0.0, math.inf),
    "gradient_bound": (0.0, math.inf),
    "modulus": (0.0, math.nan),
    "gamma": (0.0, math.nan),
    "wealth": (0.0, math.nan),
    "distance": (-1.0, math.inf),
    "path_length": (-1.0, math.nan),
    "trace": (-1.0, math.nan),
    "mean_loss": (-0.1, 1.1),
    "regret": (math.nan, math.inf, "a"),
    "interval": (0, 1.5, 10),
    "gradient_length": (-1.0, math.nan),
}
EVERY = [
    pytest.param(bound, id=name)
    for name, bound in inspect.getmembers(experts.bounds, inspect.isfunction)
    if bound.__module__.startswith("experts.analysis.bounds.")
]


@pytest.mark.parametrize("bound", EVERY)
def test_every_argument_has_its_domain(bound: Callable[..., float]) -> None:
    names = inspect.signature(bound).parameters
    arguments = {name: FINE[name] for name in names}
    assert 0 < bound(**arguments) < math.inf
    for name in names:
        anywhere = (True, [1.0]) if name in WRONG else ()
        for value in (*WRONG.get(name, ()), *anywhere):
            message = rf"^{name} must be .*, got {re.escape(repr(value))}$"
            with pytest.raises(ValueError, match=message):
                bound(**arguments | {name: value})


@pytest.mark.parametrize("bound", EVERY)
def test_numbers_of_any_type_give_the_same_bound(bound: Callable[..., float]) -> None:
    """int8 has no room for k * rounds, and float32 none for the result."""
    narrow = {
        name: np.int8(value) if isinstance(value, int) else np.float32(value)
        for name, value in (FINE | {"rounds": 100}).items()
        if name in inspect.signature(bound).parameters
    }
    found = bound(**narrow)
    expected = bound(**{name: value.tolist() for name, value in narrow.items()})
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("bound", EVERY)
def test_one_expert_has_no_regret_and_a_finite_bound(bound: Callable[..., float]) -> None:
    names = inspect.signature(bound).parameters
    alone = {"n": 1, "k": 1, "rows": 1, "columns": 1, "prior": 1.0, "log_kept": 0.0}
    assert 0 <= bound(**{name: (FINE | alone)[name] for name in names}) < math.inf


def test_all_bounds_have_a_short_address() -> None:
    files = sorted((Path(experts.__file__).parent / "analysis" / "bounds").glob("*.py"))
    modules = [import_module(f"experts.analysis.bounds.{path.stem}") for path in files]
    found = {
        name
        for module in modules
        for name, bound in inspect.getmembers(module, inspect.isfunction)
        if bound.__module__ == module.__name__ and not name.startswith("_")
    }
    assert found == {case.id for case in EVERY} == set(bounds.__all__)
