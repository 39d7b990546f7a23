"""Values of options, from text and from Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_adapter import make_settings
from nas_adapter.errors import UserError
from nas_adapter.front.values import checked, from_text, kind_of

HINTS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    float: st.floats(allow_nan=False),
    str: st.text(),
    int | None: st.none() | st.integers(),
    float | Literal["auto"]: st.just("auto") | st.floats(allow_nan=False),
}


@given(st.sampled_from(list(HINTS)).flatmap(lambda hint: st.tuples(st.just(hint), HINTS[hint])))
def test_what_is_typed_is_what_was_meant(case: tuple[Any, Any]) -> None:
    hint, value = case
    kind = kind_of(hint)
    assert from_text("--x", kind, "none" if value is None else str(value)) == value
    assert checked("x", kind, value) == value


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()))
def test_a_value_is_of_its_kind_or_is_refused(value: Any) -> None:
    for hint in (bool, int, float, str, Path, int | None, tuple[str, ...], tuple[int, ...]):
        kind = kind_of(hint)
        one = kind._replace(many=False).name
        try:
            found = checked("x", kind, value)
        except UserError as error:
            assert re.match(f"x must be (a list, each of it )?{re.escape(one)}, got ", str(error))
            continue
        many = found if kind.many else (found,)
        assert all(part is None or isinstance(part, kind.base) for part in many)
        assert kind.base is bool or not any(isinstance(part, bool) for part in many)


def test_from_python_as_from_a_file() -> None:
    """Numbers of numpy, lists, paths; another kind of value is told at once."""
    settings = make_settings(
        "nasbench201", epochs=np.int64(7), without=["none"], prior=Path("prior.json")
    )
    assert (settings.search.epochs, settings.without) == (7, ("none",))
    assert settings.search.prior == "prior.json"
    for wrong, said in (
        ("7", "'7'; did you mean 7?"),
        (True, "True"),
        (7.5, "7.5; did you mean 8"),
    ):
        with pytest.raises(UserError) as refused:
            make_settings("nasbench201", epochs=wrong)
        assert str(refused.value).startswith(f"--epochs must be a whole number, got {said}")
    with pytest.raises(UserError, match="--smoke must be true or false, got 1"):
        make_settings("nasbench201", smoke=1)  # type: ignore[arg-type]
