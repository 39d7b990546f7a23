"""The examples run, and show what they say."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import torch

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_plain_loop() -> None:
    edges, accuracy = runpy.run_path(str(EXAMPLES / "digits.py"))["main"](epochs=12)
    assert edges.wiped, "no operation was removed: that this works is not shown"
    assert edges.regret() <= edges.certificate() <= edges.bound()
    assert accuracy > 0.3, "ten classes"


def test_code_of_the_published_shape() -> None:
    edges = runpy.run_path(str(EXAMPLES / "published_darts.py"))["main"](epochs=1)
    p = edges.distribution()
    assert {name: tuple(table.shape) for name, table in p.items()} == {
        "normal": (14, 8),
        "reduce": (14, 8),
    }
    assert not torch.allclose(p["normal"], torch.full((14, 8), 1 / 8))
    assert edges.regret() <= edges.certificate() <= edges.bound()
    assert edges.clipped_share() < 0.9, "the scale was not taken off"


def test_two_ranks_hold_the_same_distributions() -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    shown = subprocess.run(
        [*launch, EXAMPLES / "two_ranks.py"], check=True, capture_output=True, text=True
    ).stdout
    plays = dict(re.findall(r"rank (\d): (\[[^]]*\])", shown))
    assert plays.keys() == {"0", "1"}
    assert plays["0"] == plays["1"]
    assert len(set(ast.literal_eval(plays["0"]))) > 4, "nothing was learned"
