"""Tables: what is read is right, and what can be read in two ways is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import experts
from experts.environments import Scaled, from_csv


def written(path: Path, text: str) -> Path:
    content = text.encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_table_becomes_losses(tmp_path: Path, name: str) -> None:
    bare = written(tmp_path / name, "1,2,3\n\n4,5,6\n")
    np.testing.assert_array_equal(from_csv(bare).losses, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(from_csv(bare, columns=[2, "0"]).losses, [[3, 1], [6, 4]])
    named = written(tmp_path / name, "a, b\n1,2\n3,4\n")
    np.testing.assert_array_equal(from_csv(named, columns=["b"]).losses, [[2], [4]])
    assert from_csv(named).losses.shape == (2, 2)
    numbers = written(tmp_path / name, "2020,2021\n1,2\n")
    np.testing.assert_array_equal(from_csv(numbers, header=True, columns=["2021"]).losses, [[2]])
    text_elsewhere = written(tmp_path / name, "day,a\nmonday,1\ntuesday,2\n")
    np.testing.assert_array_equal(from_csv(text_elsewhere, columns=["a"]).losses, [[1], [2]])


def test_price_relatives_become_log_losses(tmp_path: Path) -> None:
    """-ln x as it is; and mapped to [0, 1], in units of the range of the whole table."""
    prices = np.asarray([[1.1, 0.9], [1.0, 1.02], [0.8, 1.3]])
    text = "\n".join(",".join(map(str, row)) for row in prices)
    table = from_csv(written(tmp_path / "p.csv", text), kind="relatives")
    np.testing.assert_array_equal(table.losses, -np.log(prices))
    assert table.loss_interval == (-np.log(1.3), -np.log(0.8))
    scaled = experts.play(experts.hedge(0.5), Scaled(table, 0.0, 1.0), record_every=1)
    losses = np.diff(scaled.total, axis=-1)
    wanted = -np.diff(np.log(prices).sum(0))
    np.testing.assert_allclose(losses[0], wanted / np.log(1.3 / 0.8))


def test_predictions_become_squared_errors(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv", "y,good,bad\n1,1,3\n2,1,2\n")
    table = from_csv(path, kind="predictions", target="y")
    assert table.loss_interval == (0.0, 4.0)
    np.testing.assert_array_equal(table.losses, [[0, 4], [1, 0]])
    scaled = Scaled(table, 0.0, 1.0).start([np.random.default_rng(0)])(2)
    np.testing.assert_array_equal(scaled[:, 0], [[0, 1], [0.25, 0]])
    assert from_csv(path, kind="predictions", target=0, columns=["bad"]).shape == (1,)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "has no rows of numbers"),
        ("a,b\n", {}, "has no rows of numbers"),
        ("1,2\n3\n", {}, "line 2: 1 cells, expected 2"),
        ("a,b\n1,2\n3,x\n", {}, "line 3, column b: got 'x', expected a finite number"),
        ("1,2\n3,nan\n", {}, "line 2, column 1: got 'nan', expected a finite number"),
        ("1,2\n3,\n", {}, "line 2, column 1: got '', expected a finite number"),
        ("1,2\n3,0\n", {"kind": "relatives"}, "got '0', expected a positive number"),
        ("a,b\n1,2\n", {"columns": ["c"]}, "has no column 'c', only a, b"),
        ("1,2\n", {"columns": [2]}, "has no column 2, only 0, 1"),
        ("1,2\n", {"columns": []}, r"columns must name at least one expert .*, got \[\]"),
        ("1\n2\n", {"index": 0}, "at least one expert .*, target and index are all columns"),
        ("1,2\n", {"kind": "prices"}, "kind must be one of losses, relatives, predictions"),
        ("1,2\n", {"kind": "predictions"}, "target goes with kind 'predictions'"),
        ("1,2\n", {"target": 0}, "target goes with kind 'predictions'"),
    ],
)
def test_bad_tables_are_refused(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        from_csv(written(tmp_path / "bad.csv", text), **options)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        # A first line that may be a round is never taken for names.
        ("0.5,\n0.2,0.3\n0.4,0.1\n", {}, "line 1, column 1: got '', expected a finite number"),
        ("0.5,\n0.2,0.3\n", {"columns": [0]}, "line 1, column 1: got '', expected a finite"),
        ("0.2,0.3\n0.5,\n", {}, "line 2, column 1: got '', expected a finite number"),
        ("0.5,NA\n0.2,0.3\n", {}, "line 1, column 1: got 'NA', expected a finite number"),
        ("NA,NA\n0.2,0.3\n", {}, "line 1, column 0: got 'NA', expected a finite number"),
        ("monday,NA\ntuesday,1\n", {}, "line 1: 'monday' looks like a name, 'NA' does not"),
        ("a,\n0.2,0.3\n", {}, "line 1: 'a' looks like a name, '' does not; pass header=True"),
        ("a,2020\n0.2,0.3\n", {}, "line 1: 'a' looks like a name, '2020' does not"),
        ("0.5x,$3\n0.2,0.3\n", {}, "line 1, column 0: got '0.5x', expected a finite number"),
        ('"0,5","0,3"\n0.2,0.3\n', {}, "line 1, column 0: got '0,5'.*pass decimal=','"),
        ("inf,-inf\n0.2,0.3\n", {}, "line 1, column 0: got 'inf', expected a finite number"),
        ("0.5\n\n0.3\n", {}, "line 2, column 0: got '', expected a finite number"),
        ('a\n0.5\n""\n', {}, "line 3, column a: got '', expected a finite number"),
        ("0,1,2\n3,4,5\n", {}, "line 1: 0, 1, 2 may be numbers of columns, pass header=True"),
        ("0,1\n0.5,0.3\n", {}, "line 1: 0, 1 may be numbers of columns, pass header=True"),
        ("1,2\n", {"header": 0}, "header must be True, False or None, got 0"),
        # An index or a date is no expert.
        (",a,b\n0,0.5,0.3\n", {}, r"column 0 \(''\) has no name, like an index .* pass index=0"),
        ("Unnamed: 0,a\n0,0.5\n", {}, "column 0 .* has no name"),
        ("a,b,\n1,2,3\n", {"header": True}, "column 2 .* has no name"),
        ("Date,a\n7,0.5\n", {}, r"column 0 \('Date'\) has the name of an index"),
        ("20240130,0.5\n20240201,0.3\n", {}, "column 0 .* holds dates"),
        ("3,0.5\n2,0.3\n1,0.1\n", {}, "column 0 .* whole numbers that only rise or only fall"),
        ("z,a\n1,0.5\n5,0.3\n6,0.1\n", {}, r"column 0 \('z'\) holds .* whole numbers"),
        ("2024-01-30,0.5\n", {}, "line 1, column 0: got '2024-01-30'.*pass index="),
        ("d,a\nmonday,0.5\n", {}, "line 2, column d: got 'monday'.*pass index="),
        ("1,2\n", {"columns": [0], "index": 0}, "columns must not hold target or index"),
        ("1,2\n", {"index": "a"}, "has no column 'a', only 0, 1"),
        ("1,2\n", {"index": True}, "has no column True, only 0, 1"),
        ("1,2\n", {"columns": "01"}, "columns must be a list of names or numbers, got '01'"),
        ("a,a\n1,2\n", {"columns": ["a"]}, "has 'a' twice: give the column's number"),
        # Other separators and decimal marks.
        ("a;b\n1;2\n", {}, "line 1: comma expected, found ';'; pass separator=';'"),
        ("0,5;0,3\n", {"columns": [0]}, "line 1: comma expected, found ';'"),
        ("1\t2\n", {}, r"line 1: comma expected, found '\\t'; pass separator='\\t'"),
        ("a|b\n1|2\n", {}, r"line 1: comma expected, found '\|'"),
        ("0,5;3\n", {"separator": ";"}, "line 1, column 0: got '0,5'.*; pass decimal=','"),
        ("0.5;3\n", {"separator": ";", "decimal": ","}, "got '0.5'.*; pass decimal='.'"),
        ("1.000,5;3\n", {"separator": ";", "decimal": ","}, "got '1.000,5', expected a finite"),
        ("1_000,2\n", {}, "got '1_000', expected a finite number"),
        ("\u0661,2\n", {}, "expected a finite number"),
        ("1,2\n", {"decimal": ","}, "decimal ',' needs a separator other than the comma"),
        ("1,2\n", {"decimal": "x"}, "decimal must be '.' or ',', got 'x'"),
        ("1,2\n", {"separator": "2"}, "separator must be one of ',', ';', .*, got '2'"),
        ("1,2\n", {"separator": ""}, "separator must be one of ',', ';', .*, got ''"),
        ('"1,2\n3,4\n', {}, "line 2: unexpected end of data"),
        ("y,a\n1,1e300\n", {"kind": "predictions", "target": "y"}, "line 2, column a: the squared"),
    ],
)
def test_tables_that_can_be_read_in_two_ways_are_refused(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        from_csv(written(tmp_path / "bad.csv", text), **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n".encode("utf-16"), "bad.csv is not in UTF-8"),
        ("é,b\n1,2\n".encode("latin-1"), "bad.csv is not in UTF-8"),
        (gzip.compress(b"1,2\n", mtime=0)[:-9], "bad.csv is a broken gzip file"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        from_csv(tmp_path / "bad.csv")


def test_what_pandas_writes_is_read_or_refused(tmp_path: Path) -> None:
    """An index is no expert, and numbers of columns are no round."""
    path = tmp_path / "pandas.csv"
    values = np.random.default_rng(0).random((5, 3))
    days = pd.date_range("2024-01-30", periods=5)
    for names in (None, ["a", "b", "c"], [2020, 2021, 2022]):
        for index in (None, days, days.rename("date"), pd.Index(list("vwxyz"))):
            frame = pd.DataFrame(values, columns=names, index=index)
            frame.to_csv(path)
            with pytest.raises(ValueError, match=r"header=|index="):
                from_csv(path)
            np.testing.assert_array_equal(from_csv(path, index=0, header=True).losses, values)
            if names == ["a", "b", "c"]:
                np.testing.assert_array_equal(from_csv(path, index=0).losses, values)
                np.testing.assert_array_equal(from_csv(path, columns=names).losses, values)
            else:
                with pytest.raises(ValueError, match="header="):
                    from_csv(path, index=0)
        frame.to_csv(path, index=False, sep=";", decimal=",", encoding="utf-8-sig")
        read = from_csv(path, separator=";", decimal=",", header=True)
        np.testing.assert_array_equal(read.losses, values)


class Written(NamedTuple):
    """A table as it was meant, the text of its file, and the options that describe it."""

    losses: np.ndarray
    text: str
    options: dict[str, Any]
    gap: bool


NAMES = st.lists(
    st.sampled_from(
        ["a", "b c", "Q1", "x_2", "naive", "e", "Ford", "GM, Inc", "é", "null hypothesis"]
    ),
    min_size=3,
    max_size=3,
    unique=True,
)
NUMBERS = st.one_of(
    st.integers(-3, 3).map(float), st.floats(-1e9, 1e9), st.sampled_from([1e-300, 1e300])
)

INDICES = ["none", "none", "none", "count", "down", "days", "dates", "stamps"]


@st.composite
def tables(draw: st.DrawFn, plain: bool = False) -> Written:
    """Tables of at least three rounds, as an index in two may be two losses; and of one column only
    with decimal points, as 0,5 may be two columns.

    Plain: numbers and commas only, in the default notation.
    """
    rounds, count = draw(st.integers(3, 5)), draw(st.integers(1, 3))
    losses = np.asarray([[draw(NUMBERS) for _ in range(count)] for _ in range(rounds)])
    separator = "," if plain else draw(st.sampled_from([",", ";", "\t", "|"]))
    whole = draw(st.booleans())  # integers without a decimal point
    cells = [
        [(f"{x:.0f}" if whole and x.is_integer() and abs(x) < 9 else repr(x)) for x in row]
        for row in losses.tolist()
    ]
    index = "none" if plain else draw(st.sampled_from(INDICES))
    alone = count == 1 and index == "none"
    decimal = "," if separator != "," and not alone and draw(st.booleans()) else "."
    cells = [[cell.replace(".", decimal) for cell in row] for row in cells]
    gap = not plain and draw(st.booleans())
    if gap:  # of one column, not the last: empty lines may end a file
        hole = draw(st.integers(0, rounds - 1 - alone)), draw(st.integers(0, count - 1))
        cells[hole[0]][hole[1]] = draw(st.sampled_from(["", " ", "NA", "nan", "-", "n/a"]))
    numbered = count == 3 or (count == 2 and not whole)  # else 0 and 1 may be losses
    known = NAMES | st.just(["0", "1", "2"]) if numbered else NAMES
    names = None if plain else draw(st.none() | known.map(lambda found: found[:count]))
    options: dict[str, Any] = {"header": names is not None}
    if index == "none":
        options["columns"] = range(count)
    else:
        column = _index(index, rounds)
        cells = [[first, *row] for first, row in zip(column, cells, strict=True)]
        first = draw(st.sampled_from(["", "Unnamed: 0", "date", "Index", "z"]))
        names = None if names is None else [first, *names]
        options["index"] = 0
    options |= {"separator": separator, "decimal": decimal}
    lines = [separator.join(map(_quoted, row)) for row in ([names] if names else []) + cells]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = draw(st.sampled_from(["", "\ufeff"])) + end.join(lines)
    text += draw(st.sampled_from(["", end, end * 3]))
    return Written(losses, text, options, gap)


def _index(kind: str, rounds: int) -> list[str]:
    return {
        "count": [str(t) for t in range(rounds)],
        "down": [str(1990 - 2 * t) for t in range(rounds)],
        "days": ["mon", "tue", "wed", "thu", "fri"][:rounds],
        "dates": [f"2024-01-{t + 10}" for t in range(rounds)],
        "stamps": [f"202401{t + 10}" for t in range(rounds)],
    }[kind]


def _quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell and not any(c.isdigit() for c in cell) else cell


@settings(max_examples=200)  # notations, gaps, indices and names meet
@given(table=tables())
def test_a_table_is_read_right_or_refused(
    tmp_path_factory: pytest.TempPathFactory, table: Written
) -> None:
    """Whatever is left out of the options; and right, if nothing is."""
    path = written(tmp_path_factory.mktemp("fuzz") / "table.csv", table.text)
    if table.gap:
        with pytest.raises(ValueError, match=r"got '.*', expected a finite number"):
            from_csv(path, **table.options)
    else:
        read = from_csv(path, **table.options).losses
        np.testing.assert_array_equal(read, table.losses)
    for told in _subsets(table.options):
        try:
            read = from_csv(path, **told).losses
        except ValueError as error:
            assert "table.csv" in str(error) or "decimal" in str(error)
        else:
            assert not table.gap
            np.testing.assert_array_equal(read, table.losses)


@given(table=tables(plain=True))
def test_a_plain_table_is_read_without_options(
    tmp_path_factory: pytest.TempPathFactory, table: Written
) -> None:
    """Unless its first line is 0, 1, 2, ...; `columns` says that the first one is an expert."""
    path = written(tmp_path_factory.mktemp("plain") / "table.csv", table.text)
    everyone = range(table.losses.shape[1])
    try:
        read = from_csv(path, columns=everyone).losses
    except ValueError as error:
        assert "may be numbers of columns" in str(error)
        assert table.losses[0].tolist() == list(everyone)
    else:
        np.testing.assert_array_equal(read, table.losses)


def _subsets(options: dict[str, Any]) -> list[dict[str, Any]]:
    """All ways to leave options out."""
    found: list[dict[str, Any]] = [{}]
    for name, value in options.items():
        found += [told | {name: value} for told in found]
    return found
