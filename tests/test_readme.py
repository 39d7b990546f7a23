"""The README's example runs as printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from experts import REGISTRY

README = Path(__file__).parent.parent / "README.md"


def test_every_python_block_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert blocks
    names: dict[str, Any] = {}  # a reader goes from top to bottom
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_learner_is_listed_and_names_its_source(name: str) -> None:
    assert f"`{name}`" in README.read_text()
    documentation = REGISTRY[name].make.__doc__ or ""
    assert "Source: " in documentation
    assert "egret" in documentation, "the docstring states no guarantee"
