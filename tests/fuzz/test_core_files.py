"""Damaged files of `experts`: tables, traces, saved players."""

from __future__ import annotations

import csv
import gzip
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import experts
from experts.environments import Bernoulli, from_csv
from experts.forecasting.reading import read_source
from experts.simulation.trace import Trace
from tests.fuzz.mutate import Read, check


def numbers(path: Path, **options: Any) -> None:
    """Read a table; every number is that of its cell."""
    found = from_csv(path, **options).losses
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    text = content.decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    cells = [list(map(float, row)) for row in rows[len(rows) - len(found) :]]
    np.testing.assert_array_equal(found, np.asarray(cells))


def read_trace(kept: Trace, path: Path) -> None:
    """Read a trace; it is the one that was saved."""
    found = Trace.load(path)
    for name in Trace.__slots__:
        np.testing.assert_array_equal(getattr(found, name), getattr(kept, name))


def read_player(path: Path) -> None:
    """Read a saved player; it plays on."""
    player = experts.Player(experts.adahedge(), like=np.zeros((2, 3)))
    before = player.predict()
    try:
        player.load_state_dict(json.loads(path.read_bytes()))
    except RecursionError:  # of json, which is the caller's
        raise ValueError("nested too deep") from None
    except ValueError:
        np.testing.assert_array_equal(player.predict(), before)
        raise
    p = player.predict()
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-9)
    assert (p >= 0).all()


def read_forecasts(path: Path) -> None:
    """Read a table of forecasts; it has as many of everything, and no infinite number."""
    found = read_source(path)
    forecasts, observed = found.forecasts, found.observed
    assert forecasts.shape == (len(observed), len(found.names))
    assert not np.isinf(forecasts).any() and not np.isinf(observed).any()
    assert all(len(column) == len(observed) for column in found.columns().values())


def trace() -> Trace:
    return experts.play(
        experts.hedge(0.5), Bernoulli([0.2, 0.8]), rounds=20, seeds=2, feedback="full"
    )


def saved_player() -> bytes:
    player = experts.Player(experts.adahedge(), like=np.zeros((2, 3)))
    for t in range(5):
        player.predict()
        player.update(np.asarray([[t % 2, 0.5, 1.0], [0.0, 1.0, t % 3 / 2]]))
    return json.dumps(player.state_dict(), default=lambda array: array.tolist()).encode()


FORECASTS = b"date;target;one;two\n2020-01-06;1,5;0,5;2\n2020-01-13;2;;1\n2020-01-20;0;1;3,25\n"
TABLE = b"red,green,blue\n0.1,0.25,1\n1,0.5,0\n0.75,0,0.125\n"
KINDS = {
    "table": Read([TABLE, TABLE[15:]], numbers, ValueError, "t.csv"),
    "table of one column": Read(
        [b"1.5\n2.5\n0.5\n"], partial(numbers, columns=[0], header=False), ValueError
    ),
    "zipped table": Read([gzip.compress(TABLE, mtime=0)], numbers, ValueError, "t.csv.gz"),
    "table of forecasts": Read(
        [FORECASTS, b"y,a,b\n1,2,3\n4,5,6\n"],
        read_forecasts,
        ValueError,
        "t.csv",
    ),
    "saved player": Read([saved_player()], read_player, ValueError, "t.json", json=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_core(kind: str, folder: Path) -> None:
    check(KINDS[kind], folder)


def test_traces(folder: Path, tmp_path: Path) -> None:
    kept = trace()
    kept.save(tmp_path / "valid.npz")
    content = (tmp_path / "valid.npz").read_bytes()
    check(Read([content], partial(read_trace, kept), ValueError, "t.npz"), folder)
