"""What the package imports: no heavy library, no array library by name, nothing upwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import experts

PACKAGE = Path(experts.__file__).parent
IN_NUMPY = {PACKAGE / "simulation", PACKAGE / "analysis" / "worst_case.py"}
"""Around the algorithms: whole games, which are played in numpy."""
LAYERS = (
    {"types"},
    {"numerics"},
    {"checks", "registry", "sleeping"},
    {"ftrl", "structured"},
    {"learners", "player"},
    {"simulation"},
    {"analysis"},
    {"bounds", "environments", "least_squares", "wipeout"},
    {"__init__"},
)
"""Files and folders of the package, from the bottom up: each imports from itself and from below."""
FILES = {
    ".".join(("experts", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Path of every module, by name."""


def imported(path: Path) -> Iterator[str]:
    """The package's modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module in FILES:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in FILES else node.module


def layer(module: str) -> int:
    """How far up a module is."""
    part = module.split(".")[1] if "." in module else "__init__"
    return next(height for height, parts in enumerate(LAYERS) if part in parts)


def test_no_circle_of_imports() -> None:
    graph = {module: set(imported(path)) for module, path in FILES.items()}
    assert sum(map(len, graph.values())) > len(FILES), "the imports were not found"
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("module", FILES)
def test_imports_only_go_down(module: str) -> None:
    for other in imported(FILES[module]):
        same = module.split(".")[:2] == other.split(".")[:2]
        assert same or layer(other) < layer(module), f"{module} imports {other}"


def test_experts_imports_no_heavy_or_optional_library() -> None:
    code = (
        "import sys, experts; "
        "heavy = {'torch', 'nas_adapter', 'matplotlib', 'numba', 'pandas', 'tqdm'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", FILES)
def test_algorithms_name_no_array_library_and_only_masks_makes_infinities(module: str) -> None:
    path = FILES[module]
    tree = ast.parse(path.read_text())
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    libraries = {name.split(".")[0] for name in names} & {"numpy", "torch", "jax", "cupy"}
    in_numpy = bool(IN_NUMPY & {path, *path.parents})
    assert libraries <= ({"numpy"} if in_numpy else set())
    infinities = [
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "inf"
    ]
    assert path.name == "masks.py" or not infinities
