"""A space from a file of the user's own: the documented example, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import run_xnas

from nas_adapter.errors import UserError
from nas_adapter.spaces import find_space

DOCUMENT = Path(__file__).parents[3] / "docs" / "own-space.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return documented_example(tmp_path)


def documented_example(folder: Path) -> Path:
    """A file with the document's space, `Blocks`."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    (code,) = (block for block in blocks if "class Blocks" in block)
    path = folder / "my_space.py"
    path.write_text(code)
    return path


def test_the_documented_example_is_searched(example: Path, tmp_path: Path) -> None:
    out, name = tmp_path / "out", f"{example}:Blocks"
    assert run_xnas.command(["--space", name, "--smoke", "--out", str(out)]) == 0
    result = json.loads((out / "result.json").read_text())
    space = find_space(name)
    found = space.parse(result["architecture"])
    assert space.genotype(found) == result["architecture"]
    assert all(index in offered for index, offered in zip(found, space.choices, strict=True))
    assert set(result["edge_probabilities"]["1<-0"]) == {"identity", "conv_3x3"}
    assert result["regret"] <= result["regret_certificate"] <= result["regret_bound"]
    assert (out / "cell.png").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("class Blocks", "class Block", "has no class 'Blocks'"),
        ("from torch import nn", "from torch import nm", "cannot be run: ImportError"),
        ("    inputs = None", "    input = None", "lacks inputs"),
        ("((1, 2), (0, 1, 2), (0, 1, 2))", "((1, 2), (0, 1, 2))", "one entry for each of the 3"),
        ("((1, 2), (0", "((1, 3), (0", "choices of edge 1<-0 must be indices below 3"),
        ("{target}<-{source}", "{target}-{source}", "must be named target<-source"),
        ('"none", "id', '"zero", "id', ""),
    ],
)
def test_what_is_wrong_with_a_space_is_said(
    old: str, new: str, message: str, example: Path
) -> None:
    assert old in example.read_text()
    example.write_text(example.read_text().replace(old, new))
    if message:
        with pytest.raises(UserError, match=message):
            find_space(f"{example}:Blocks")
    else:
        find_space(f"{example}:Blocks")  # "none" is needed with `inputs` only


def test_a_task_that_nobody_knows(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example.write_text(example.read_text().replace('task = "images"', 'task = "sound"'))
    arguments = ["--space", f"{example}:Blocks", "--out", str(tmp_path / "out")]
    assert run_xnas.command(arguments) == 2
    assert f"error: unknown task of {example}:Blocks 'sound'" in capsys.readouterr().err


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"there is no nowhere\.py"):
        find_space("nowhere.py:Blocks")


def test_a_function_that_makes_a_space(tmp_path: Path) -> None:
    path = tmp_path / "my_space.py"
    path.write_text(
        "from nas_adapter import DARTSRNN\n\n"
        'def mine():\n    return DARTSRNN(own={"half": lambda x: x / 2})\n'
    )
    assert find_space(f"{path}:mine").operations[-1] == "half"
