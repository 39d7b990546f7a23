"""What the README and the pages in docs/ say is true: examples run, and what they name exists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from experts import REGISTRY

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").rglob("*.md")))
NOTEBOOKS = tuple(sorted((ROOT / "docs").rglob("*.ipynb")))


def python_blocks(page: Path) -> list[str]:
    if page.suffix == ".ipynb":
        cells = json.loads(page.read_text())["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def places() -> list[str]:
    """The paths of "Where things are": the first word of every line of its block."""
    (block,) = re.findall(r"## Where things are\n\n```\n(.*?)```", README.read_text(), re.DOTALL)
    return [line.split()[0] for line in block.splitlines()]


def label(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_the_readme_has_an_example() -> None:
    assert python_blocks(README)


@pytest.mark.parametrize(
    "page", [page for page in (*PAGES, *NOTEBOOKS) if python_blocks(page)], ids=label
)
def test_every_python_block_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # pages write files
    monkeypatch.setenv("MPLBACKEND", "agg")  # and show pictures
    names: dict[str, Any] = {"__name__": page.stem}  # a reader goes from top to bottom
    with mock.patch.dict(REGISTRY):  # what a page registers is not for the other tests
        for block in python_blocks(page):
            exec(compile(block, str(page), "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_every_page_has_an_example_or_a_picture(page: Path) -> None:
    """Or is made of docstrings, with their examples."""
    assert re.search(r"^(?:```(?:python|sh|{eval-rst})$|!\[)", page.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_every_link_and_every_file_named_exists(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target.split("#")[0] for target in targets if not target.startswith("https://")]
    for target in filter(None, local):
        assert (page.parent / target).exists(), target
    folders = "experts|nas_adapter|examples|experiments|tests|benchmarks|docs"
    for path in re.findall(rf"(?<![\w/.])(?:{folders})/[\w./-]+\.(?:py|sh|md|csv|png)\b", text):
        assert (ROOT / path).exists() or (page.parent / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_every_test_that_is_named_exists(page: Path) -> None:
    for path, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", page.read_text()):
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), flags=re.MULTILINE), name


@pytest.mark.parametrize("place", places())
def test_where_things_are(place: str) -> None:
    assert (ROOT / place).exists()
    assert place.endswith("/") == (ROOT / place).is_dir()


def test_the_table_of_learners_is_what_their_docstrings_say(tmp_path: Path) -> None:
    """It fails for a learner without a guarantee or a source, too: docs/learners.py mends it."""
    fresh = tmp_path / "learners.md"
    subprocess.run([sys.executable, ROOT / "docs/learners.py", fresh], check=True)
    assert (ROOT / "docs/learners.md").read_text() == fresh.read_text()
