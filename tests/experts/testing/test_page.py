"""The message in docs/own-learner.md is the one that its wrong learner gets."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from experts.testing import LawError
from tests.test_readme import ROOT, python_blocks

PAGE = ROOT / "docs" / "own-learner.md"


def classes() -> dict[str, Any]:
    """The classes of the page, without running the rest of it."""
    parts = [node for block in python_blocks(PAGE) for node in ast.parse(block).body]
    parts = [node for node in parts if isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)]
    names: dict[str, Any] = {"__name__": PAGE.stem}
    tree = ast.Module(parts, type_ignores=[])
    exec(compile(tree, str(PAGE), "exec", dont_inherit=True), names)
    return names


def test_the_script_in_the_message_gets_the_message() -> None:
    (message,) = re.findall(r"```text\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    script = message[message.index("import numpy") :]
    with pytest.raises(LawError) as caught:
        exec(script, classes())
    assert str(caught.value) == message
