"""What the package imports: no heavy library, and no array library by name."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import experts

PACKAGE = Path(experts.__file__).parent
IN_NUMPY = {
    PACKAGE / "forecasting",
    PACKAGE / "simulation",
    PACKAGE / "testing",
    PACKAGE / "numerics" / "arguments.py",
    PACKAGE / "numerics" / "beta.py",
    PACKAGE / "numerics" / "cells.py",
    PACKAGE / "analysis" / "worst_case.py",
    PACKAGE / "games" / "tree.py",
    PACKAGE / "structured" / "graph.py",
    PACKAGE / "structured" / "levels.py",
    PACKAGE / "contextual" / "environments.py",
    PACKAGE / "contextual" / "finite.py",
    PACKAGE / "contextual" / "off_policy.py",
    PACKAGE / "contextual" / "logs.py",
    PACKAGE / "contextual" / "replay.py",
    PACKAGE / "structured" / "search",
    PACKAGE / "optuna",
}
"""Around the algorithms: whole games and tables of forecasts, which are played in numpy, files,
graphs and trees, which become arrays once on the host, whole searches, which draw from numpy's
generators, the laws, whose games are numpy's, and Beta samples, which SciPy makes on the host."""
FILES = sorted(PACKAGE.rglob("*.py"))


def test_experts_imports_no_heavy_or_optional_library() -> None:
    code = (
        "import sys, experts; "
        "heavy = {'torch', 'nas_adapter', 'matplotlib', 'numba', 'pandas', 'tqdm', 'hypothesis',"
        " 'optuna'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_algorithms_name_no_array_library_and_only_masks_makes_infinities(path: Path) -> None:
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
