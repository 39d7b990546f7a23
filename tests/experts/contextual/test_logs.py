"""Logs from CSV files: what is read, and what is refused, with line and column."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experts.contextual import Log, read_log

HEAD = "date,action,reward,propensity,age,visits"
ROWS = ("2024-01-01,buy,1,0.5,30,2", "2024-01-02,sell,0,0.25,41.5,7", "2024-01-03,buy,0.5,1,18,0")


def written(path: Path, *lines: str) -> Path:
    path = path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    log = read_log(written(tmp_path, HEAD, *ROWS))
    assert log.actions == ("buy", "sell")
    assert log.action.tolist() == [0, 1, 0]
    assert log.outcome.tolist() == [1, 0, 0.5]
    assert log.propensity.tolist() == [0.5, 0.25, 1]
    assert log.context is not None
    assert log.context.tolist() == [[30, 2], [41.5, 7], [18, 0]]
    assert len(log) == 3
    assert log.rewards


def test_columns_and_actions_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"arm;cost;p;x;y\n10;0,5;0,5;1;2\n2;1,5;0,5;3;4\n"))
    log = read_log(path, action="arm", outcome="cost", propensity="p", context=["y"], rewards=False)
    assert log.actions == ("2", "10")
    assert log.action.tolist() == [1, 0]
    assert log.outcome.tolist() == [0.5, 1.5]
    assert log.context is not None
    assert log.context.tolist() == [[2], [4]]
    assert not log.rewards
    names = ["0", "2", "10"]
    more = read_log(path, action=0, outcome=1, propensity=2, context=[], actions=names)
    assert more.actions == ("0", "2", "10")
    assert more.action.tolist() == [2, 1]
    assert more.context is None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_may_be_quoted(tmp_path: Path, separator: str) -> None:
    """As R's write.csv does, and pandas where a name has a comma."""
    lines = ('"action"|"reward"|"propensity"', '"a, b; c"|1|0.5', '"d"|0|"0.5"')
    log = read_log(written(tmp_path, *(line.replace("|", separator) for line in lines)))
    assert log.actions == ("a, b; c", "d")
    assert log.outcome.tolist() == [1, 0]


def test_a_quotation_that_never_ends_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2: unexpected end of data"):
        read_log(written(tmp_path, '"action","reward","propensity"', '"a,1,0.5'))


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["10", "9"], ("9", "10")),
        (["10.0", "2.0"], ("2.0", "10.0")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["1", "01"], ("01", "1")),
        (["b", "10", "9"], ("10", "9", "b")),
    ],
)
def test_actions_are_in_the_order_of_numbers(
    tmp_path: Path, cells: list[str], names: tuple[str, ...]
) -> None:
    lines = [f"{cell},1,0.5" for cell in cells]
    assert read_log(written(tmp_path, "action,reward,propensity", *lines)).actions == names


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "2024-01-04,buy,many,0.5,1,2",
            "line 5, column reward: got 'many', expected a finite number$",
        ),
        (
            "2024-01-04,buy,nan,0.5,1,2",
            "line 5, column reward: got 'nan', expected a finite number$",
        ),
        ("2024-01-04,buy,,0.5,1,2", "line 5, column reward: got '', expected a finite number$"),
        (
            "2024-01-04,buy,1,0,1,2",
            "line 5, column propensity: got '0', expected a positive number$",
        ),
        ("2024-01-04,buy,1,1.5,1,2", r"line 5, column propensity: got 1\.5, expected at most 1"),
        ("2024-01-04,buy,1,0.5,old,2", r"line 5, column age: .* context=\[...\]"),
        ("2024-01-04,,1,0.5,1,2", "line 5, column action: got '', expected one of buy, sell"),
        ("2024-01-04,buy,1,0.5,1", "line 5: 5 cells, expected 6"),
    ],
)
def test_cells_are_refused_with_their_place(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_log(written(tmp_path, HEAD, *ROWS, row))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outcome": "gain"}, "has no column 'gain', only date, action, reward"),
        ({"actions": ["buy"]}, "line 3, column action: got 'sell', expected one of buy"),
        ({"context": ["reward"]}, "must be columns of their own"),
        ({"context": "age"}, r"context must be a sequence of columns, \['age'\], got 'age'"),
        ({"actions": "buy"}, "actions must be a sequence of different names, got 'buy'"),
        ({"separator": "::"}, "separator must be one of .* got '::'"),
    ],
)
def test_options_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_log(written(tmp_path, HEAD, *ROWS), **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": [0.5, 1]}, "action must be whole numbers"),
        ({"action": [0, 3]}, r"action must be < 2, got 3 in row 1"),
        ({"outcome": [1.0]}, r"outcome has shape \(1,\), expected \(2,\)"),
        ({"outcome": [1.0, np.nan]}, "outcome must be a finite number, got nan in row 1"),
        ({"propensity": [0.5, 0.0]}, r"propensity must be in \(0, 1\], got 0.0 in row 1"),
        ({"outcome": ["won", "lost"]}, "outcome must be an array of numbers"),
        ({"context": [[1.0]]}, r"context has shape \(1, 1\), expected \(2, 1\)"),
        ({"context": [1.0, 2.0]}, r"context has shape \(2,\), expected \(2, 1\)"),
        ({"actions": ("a", "a", "b")}, "actions must be a sequence of different names"),
        ({"rewards": "no"}, "rewards must be True or False, got 'no'"),
    ],
)
def test_arrays_are_refused(change: dict[str, Any], message: str) -> None:
    fine: dict[str, Any] = {
        "action": [0, 1],
        "outcome": [0.0, 1.0],
        "propensity": [0.5, 0.5],
        "actions": ("a", "b"),
    }
    assert len(Log(**fine)) == 2
    with pytest.raises(ValueError, match=message):
        Log(**(fine | change))
