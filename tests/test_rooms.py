"""Imports run downwards: from a room only to rooms below it, and never in a circle."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = {
    "experts": (
        "types", "numerics", "checks", "registry", "sleeping", "ledger", "player", "ftrl",
        "learners", "structured", "convex", "policies", "contextual", "simulation", "analysis",
        "games", "forecasting", "optuna",
        "bounds", "environments", "wipeout",  # short addresses of what is above
        "testing",
    ),
    "nas_adapter": (
        "errors", "files", "randomness", "ranks", "progress", "stopping", "edges", "supernets",
        "scores", "spaces", "data", "tasks", "advice", "strategies", "runs", "output", "front",
    ),
    "experiments": ("common", "studies"),
}  # fmt: skip
"""The rooms (folders, or files at the top) of each package, the lowest first."""


def modules(package: str) -> dict[str, Path]:
    """Every module by its name, as it is imported; programs of experiments/ are left out."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if package == "experiments":
            parts = parts[1:]
            if len(parts) == 1:
                continue
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of `known` that a file imports, also inside functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            inner = [module for module in whole if module in known]
            yield from inner
            if node.module in known and len(inner) < len(whole):
                yield node.module


def room(package: str, module: str) -> str:
    """Its name in `LAYERS`; "" for the package itself, which is above all of its rooms."""
    parts = module.split(".")
    return parts[0] if package == "experiments" else parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("package", LAYERS)
def test_every_room_has_its_place(package: str) -> None:
    assert {room(package, module) for module in modules(package)} - {""} == set(LAYERS[package])


@pytest.mark.parametrize("package", LAYERS)
def test_no_import_goes_up(package: str) -> None:
    known, layers = modules(package), LAYERS[package]
    upward = [
        f"{module} imports {other}"
        for module, path in known.items()
        if room(package, module)
        for other in imports(module, path, known)
        if not room(package, other)
        or layers.index(room(package, other)) > layers.index(room(package, module))
    ]
    assert not upward


@pytest.mark.parametrize("package", LAYERS)
def test_no_imports_form_a_circle(package: str) -> None:
    known = modules(package)
    graph = {
        module: {other for other in imports(module, path, known) if other != module}
        for module, path in known.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError and names the modules


def test_studies_do_not_know_each_other() -> None:
    known = modules("experiments")
    foreign = [
        f"{module} imports {other}"
        for module, path in known.items()
        for other in imports(module, path, known)
        if module.startswith("studies.")
        and other.startswith("studies.")
        and other.split(".")[1] != module.split(".")[1]
    ]
    assert not foreign


def test_nothing_needs_the_laws() -> None:
    """They need hypothesis; the package itself, above its rooms, must not import them either."""
    known = modules("experts")
    laws = {module for module in known if room("experts", module) == "testing"}
    assert laws
    assert not [
        f"{module} imports {other}"
        for module, path in known.items()
        for other in imports(module, path, known)
        if module not in laws and other in laws
    ]


def test_the_core_knows_nothing_of_networks() -> None:
    for path in modules("experts").values():
        names = {
            node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not {name.split(".")[0] for name in names} & {"torch", "nas_adapter"}, path
