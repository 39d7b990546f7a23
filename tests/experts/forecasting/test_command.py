"""`python -m experts.forecasting`: what it reads, says, writes and refuses."""

from __future__ import annotations

import csv
import gzip
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from experts.forecasting import OnlineAggregator
from experts.forecasting.__main__ import main
from tests.experts.forecasting.tables import walk

FORECASTS, OBSERVED = walk(rows=40)
DATES = [str(np.datetime64("2024-01-20") + t) for t in range(40)]
NAMES = ("alpha", "beta", "gamma")


def text(separator: str = ",", decimal: str = ".", dates: Any = None, gap: str = "") -> str:
    """A table with a gap in row 5 of beta, without an observation in the last two rows."""
    lines = [["date", "load", *NAMES]]
    for t, (date, y, row) in enumerate(zip(dates or DATES, OBSERVED, FORECASTS, strict=True)):
        cells = [repr(float(value)).replace(".", decimal) for value in (y, *row)]
        if t >= 38:
            cells[0] = gap
        if t == 5:
            cells[2] = gap
        lines.append([date, *cells])
    return "\n".join(separator.join(line) for line in lines) + "\n"


def german(date: str) -> str:
    return ".".join(reversed(date.split("-")))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def expected() -> np.ndarray:
    """What the class makes of the same table."""
    forecasts, observed = FORECASTS.copy(), OBSERVED.copy()
    forecasts[5, 1], observed[38:] = np.nan, np.nan
    return np.asarray(OnlineAggregator().fit_predict(forecasts, observed))


def parquet(path: Path, dated: bool) -> None:
    frame = polars.read_csv(text().encode(), null_values="", try_parse_dates=dated)
    frame.write_parquet(path)


FILES: dict[str, Callable[[Path], object]] = {
    "comma.csv": lambda path: path.write_text(text()),
    "semicolon.csv": lambda path: path.write_text(text(";", ",")),
    "tabs.tsv": lambda path: path.write_text(text("\t", ",", gap="NA")),
    "bom.csv": lambda path: path.write_text("\ufeff" + text(";"), encoding="utf-8"),
    "german.csv": lambda path: path.write_text(text(";", ",", list(map(german, DATES)))),
    "packed.csv.gz": lambda path: path.write_bytes(gzip.compress(text().encode())),
    "dates.parquet": lambda path: parquet(path, dated=True),
    "texts.parquet": lambda path: parquet(path, dated=False),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_is_the_same_table(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FILES[name](tmp_path / name)
    assert main([str(tmp_path / name), "--target", "load", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^rows +40, 2 without an observation$", printed, re.MULTILINE)
    assert re.search(r"^date +date, .*20.* to .*28", printed, re.MULTILINE)
    assert re.search(r"^target +load$", printed, re.MULTILINE)
    assert re.search(
        r"^experts +alpha, beta, gamma \(1 forecasts missing\)$", printed, re.MULTILINE
    )
    found = rows(tmp_path / "out" / "forecasts.csv")
    np.testing.assert_allclose([float(row["combined"]) for row in found], expected())
    assert [row["observed"] == "" for row in found] == [False] * 38 + [True] * 2


def test_parquet_by_pandas_or_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without polars pandas reads it, also dates in the index; without either, nobody."""
    frame = pandas.DataFrame(FORECASTS, columns=list(NAMES), index=pandas.to_datetime(DATES))
    frame = frame.assign(load=OBSERVED)
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setattr(pandas, "read_parquet", lambda path: frame)
    arguments = [str(tmp_path / "a.parquet"), "--target", "load", "--out", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^date +index, 2024-01-20.* to 2024-02-28", printed, re.MULTILINE)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert main(arguments) == 2
    assert "needs polars, or pandas with pyarrow" in capsys.readouterr().err


def test_what_is_written(tmp_path: Path) -> None:
    """Four files that agree with each other."""
    table, out = tmp_path / "a.csv", tmp_path / "out"
    table.write_text(text())
    assert main([str(table), "--target", "load", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        *("forecasts.csv", "report.html", "scores.csv", "weights.csv")
    ]
    weights = rows(out / "weights.csv")
    assert [row["date"] for row in weights] == DATES
    play = np.asarray([[float(row[name]) for name in NAMES] for row in weights])
    np.testing.assert_allclose(play.sum(axis=1), 1)
    assert play[5, 1] == 0
    combined = [float(row["combined"]) for row in rows(out / "forecasts.csv")]
    np.testing.assert_allclose((play * FORECASTS).sum(axis=1), combined)
    scores = {row["forecaster"]: row for row in rows(out / "scores.csv")}
    assert {*NAMES, "combined", "uniform mean"} < set(scores)
    assert (scores["alpha"]["rows"], scores["beta"]["rows"]) == ("38", "37")
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    for name in NAMES:
        assert f"<td>{name}</td>" in page


def known_later() -> str:
    """The table with a column: an observation is known three days later."""
    known = ["known", *(str(np.datetime64(date) + 3) for date in DATES)]
    return "\n".join(f"{a},{b}" for a, b in zip(text().splitlines(), known, strict=True))


def test_late_observations(tmp_path: Path) -> None:
    """--delay, and the same as a column."""
    table, late = tmp_path / "a.csv", tmp_path / "late.csv"
    table.write_text(text())
    late.write_text(known_later())
    delay = [str(table), "--delay", "2", "--out", str(tmp_path / "one")]
    column = [str(late), "--available-at", "known", "--out", str(tmp_path / "two")]
    for arguments in (delay, column):
        assert main([*arguments, "--target", "load", "--learner", "boa"]) == 0
    ours = [(tmp_path / out / "forecasts.csv").read_text() for out in ("one", "two")]
    assert ours[0] == ours[1]


def test_groups_are_series_of_their_own(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    first, *lines = text().splitlines()
    both = [f"{line},{place}" for line in lines for place in ("north", "south")]
    table.write_text("\n".join([f"{first},place", *both]))
    arguments = [str(table), "--target", "load", "--group", "place", "--out", str(tmp_path)]
    assert main(arguments) == 0
    found = rows(tmp_path / "forecasts.csv")
    assert [row["group"] for row in found[:2]] == ["north", "south"]
    for place in (0, 1):
        ours = [float(row["combined"]) for row in found[place::2]]
        np.testing.assert_allclose(ours, expected())
    assert "<dt>south</dt>" in (tmp_path / "report.html").read_text()


def test_parts_of_dates_are_no_experts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in the file that opera ships: numbers of weeks first, then days, months and years."""
    table = tmp_path / "a.csv"
    table.write_text("time,day,month,year,target,a,b\n620,12,11,2007,5,4,6\n621,19,11,2007,5,5,7\n")
    assert main([str(table), "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^date +time, 620 to 621$", printed, re.MULTILINE)
    assert re.search(r"^experts +a, b ", printed, re.MULTILINE)
    assert re.search(r"^left out +day, month, year$", printed, re.MULTILINE)
    assert main([str(table), "--experts", "a", "--out", str(tmp_path)]) == 0
    assert re.search(r"^experts +a ", capsys.readouterr().out, re.MULTILINE)


def changed(line: int, old: str, new: str, whole: str = "") -> str:
    lines = (whole or text()).splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return "\n".join(lines)


SHORT = "date,load,a\n01/02/2024,1,2\n02/02/2024,1,2\n"
MISTAKES: dict[str, tuple[str, str, str]] = {
    "text": (
        changed(2, DATES[0] + ",", DATES[0] + ",about "),
        "",
        r"line 2, column load: got 'about .*', expected a finite number; name the columns",
    ),
    "cells": (changed(3, DATES[1], DATES[1] + ",1"), "", "line 3: 6 cells, expected 5"),
    "infinite": (
        changed(3, repr(float(OBSERVED[1])), "inf"),
        "",
        "line 3, column load: got 'inf', expected a finite number",
    ),
    "date": (
        changed(9, DATES[7], "yesterday"),
        "",
        "line 9, column date: got 'yesterday', expected a date like 2024-01-20",
    ),
    "order": (
        changed(9, DATES[7], "2023-01-01"),
        "",
        "line 9, column date: '2023-01-01' is before the row above: sort",
    ),
    "two meanings": (SHORT, "", "'01/02/2024' has two meanings: pass --date-format"),
    "format": (SHORT, "--date-format %Y", "got '01/02/2024', expected a date like %Y"),
    "no target": (text(), "--target price", "has no column 'price', only date, load"),
    "no expert": ("date,load\n2024-01-01,1\n", "", "has no columns of forecasts beside date, load"),
    "twice": (text(), "--experts alpha load", "experts must be columns of their own"),
    "no separator": ("load\n1\n2\n", "", "one of ',', ';', .* expected in line 1"),
    "two separators": ("a,b;load\n1,2;3\n", "", "',' and ';' split all rows alike"),
    "mixed marks": (
        changed(4, repr(float(OBSERVED[2])).replace(".", ","), "1.5", text(";", ",")),
        "",
        "line 4, column load: got '1.5', expected a finite number; pass decimal='.'",
    ),
    "two delays": (known_later(), "--delay 2 --available-at known", "both say when observations"),
    "no dates": (text(), "--available-at date", "--available-at needs a column of dates too"),
    "two clocks": (
        known_later(),
        "--available-at known --date alpha --experts beta gamma",
        "one of the columns of dates and of --available-at holds dates, the other numbers",
    ),
    "loss": (text(), "--loss quadratic", "loss must be one of squared, absolute"),
    "learner": (text(), "--learner best", "learner must be a learner or one of auto"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, that says where; nothing is written."""
    content, more, message = MISTAKES[name]
    table, out = tmp_path / "a.csv", tmp_path / "out"
    table.write_text(content)
    assert main([str(table), "--target", "load", "--out", str(out), *more.split()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert re.search(message, error), error
    assert not out.exists()


def test_no_target_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text(text())
    assert main([str(tmp_path / "a.csv")]) == 2
    assert "pass --target with one of date, load, alpha" in capsys.readouterr().err
    assert main([str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("style", "cells"),
    [
        ("%d/%m/%Y", ("01/02/2024", "02/02/2024")),
        ("%d/%m/%Y", ("30/01/2024", "01/02/2024")),
        ("%m/%d/%Y", ("01/30/2024", "02/01/2024")),
        ("%Y-%m-%dT%H:%M:%S%z", ("2024-01-30T01:00:00+01:00", "2024-01-30T01:30:00+01:00")),
    ],
)
def test_dates_are_what_they_are(style: str, cells: tuple[str, str], tmp_path: Path) -> None:
    """Told by the cells where they have one meaning only, as pandas reads them in that format."""
    from experts.forecasting.reading import read_source  # noqa: PLC0415

    (tmp_path / "a.csv").write_text("date,y,a\n" + "".join(f"{cell},1,2\n" for cell in cells))
    given = style if cells[0] == "01/02/2024" else None
    found = read_source(tmp_path / "a.csv", date_format=given).columns()["time"]
    wanted = pandas.to_datetime(list(cells), format=style, utc=True).tz_localize(None)
    np.testing.assert_array_equal(found, wanted.to_numpy(dtype="datetime64[ns]"))


def test_as_a_module(tmp_path: Path) -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "experts.forecasting", "--help"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "--target" in help_text
    assert "--date-format" in help_text
