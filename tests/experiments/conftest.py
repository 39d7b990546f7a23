"""A finished run of a second, for what is done to runs afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import run_xnas

from tests.experiments.small import CELL, SMALL
from tests.nas_adapter.spaces.test_own_space import documented_example
from tests.profile import IN_CI

collect_ignore = [] if IN_CI else ["test_torchrun.py"]


@pytest.fixture(scope="session")
def small_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the space `Blocks`."""
    return documented_example(tmp_path_factory.mktemp("space"))


@pytest.fixture(scope="session")
def finished(small_space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `Blocks`."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    arguments = [*SMALL, "--space", f"{small_space}:Blocks", "--compare", CELL, "--out", str(out)]
    assert run_xnas.command(arguments) == 0
    return out


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to be mistreated."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))
