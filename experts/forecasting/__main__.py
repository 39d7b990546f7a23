"""Combine the forecasts in a file: forecasts, weights, scores and a page with pictures.

    python -m experts.forecasting table.csv --target load --delay 24 --out DIR

A row of the file is a time, its columns are a date, what was observed, and forecasts of it. Rows
without an observation, such as the next days, are forecast too; a missing forecast is left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experts.forecasting.aggregator import OnlineAggregator
from experts.forecasting.page import page, verdict
from experts.forecasting.reading import Source, read_source
from experts.forecasting.scores import ScoreTable
from experts.numerics.files import replace


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _options(arguments)
    try:
        source = read_source(
            options.table,
            target=options.target,
            experts=options.experts,
            date=options.date,
            group=options.group,
            available_at=options.available_at,
            separator=options.separator,
            decimal=options.decimal,
            date_format=options.date_format,
        )
        run(source, options)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def run(source: Source, options: argparse.Namespace) -> None:
    """Combine, write all files, say what was done."""
    facts = source.described()
    for name, value in facts.items():
        print(f"{name:<12} {value}")
    model = OnlineAggregator(
        options.learner,
        options.loss,
        delay=options.delay,
        combine=options.combine,
        radius=options.radius,
        intercept=options.intercept,
    )
    model.fit(source.forecasts, source.observed, **source.columns())
    found = model.course(source.names)
    options.out.mkdir(parents=True, exist_ok=True)
    _write_tables(options.out, source, model, found.scores)
    title = f"{facts['target']}: {len(source.names)} forecasts combined"
    settings = {"learner": options.learner, "loss": options.loss, "delay": f"{options.delay} rows"}
    text = page(title, facts | settings, found, _coming(source.names, model))
    replace(options.out / "report.html", lambda path: path.write_text(text, encoding="utf-8"))
    print(f"\n{found.scores}\n\n{verdict(found.scores, source.names)}")
    print(f"written to {options.out}: forecasts.csv, weights.csv, scores.csv, report.html")


def _write_tables(out: Path, source: Source, model: OnlineAggregator, scores: ScoreTable) -> None:
    """forecasts.csv and weights.csv, a line for each row of the source, and scores.csv."""
    rows = list(map(str, range(len(source.observed))))
    keys = {"row": rows} if source.time is None else {"date": source.table.texts(source.time)}
    if source.group is not None:
        keys["group"] = source.table.texts(source.group)
    forecasts = {"observed": source.observed, "combined": np.asarray(model.combined_)}
    weights = dict(zip(source.names, model.history_.weights.T, strict=True))
    _write(out / "forecasts.csv", keys, forecasts)
    _write(out / "weights.csv", keys, weights)
    _write(out / "scores.csv", {}, {name: [each[name] for each in scores] for name in scores[0]})


def _coming(names: Sequence[str], model: OnlineAggregator) -> dict[str, str]:
    """Weights of the next row, by expert; for groups a line each."""
    weights = np.asarray(model.weights_)
    if weights.ndim == 1:
        return {name: f"{weight:.3f}" for name, weight in zip(names, weights, strict=True)}
    past = model.history_
    assert past.group is not None
    return {
        str(past.group[past.track == i][0]): ", ".join(
            f"{name} {weight:.3f}" for name, weight in zip(names, each, strict=True)
        )
        for i, each in enumerate(weights)
    }


def _write(path: Path, keys: dict[str, list[str]], numbers: dict[str, Iterable[Any]]) -> None:
    """A CSV file of columns; empty where there is no number."""
    columns = [*keys.values(), *([_cell(each) for each in column] for column in numbers.values())]

    def write(fresh: Path) -> None:
        with fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*keys, *numbers])
            writer.writerows(zip(*columns, strict=True))

    replace(path, write)


def _cell(value: Any) -> str:
    return "" if value is None or str(value) == "nan" else str(value)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    first, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        "python -m experts.forecasting",
        description=first + rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("table", type=Path, help="CSV (.gz too) or parquet file; marks are told by its cells")
    add("--target", help="column that is forecast; default: target, observed, actual or y")
    add("--experts", nargs="+", metavar="NAME", help="columns of forecasts; default: the others")
    add("--date", help="column of dates, or of numbers that rise; default: told by name and cells")
    add("--date-format", help="such as %%d/%%m/%%Y, where dates can be read in two ways")
    add("--group", help="column that says which of several series a row belongs to")
    add("--delay", type=int, default=0, help="rows by which observations come late")
    add("--available-at", help="column of the dates at which observations are known, not --delay")
    add("--loss", default="squared", help="squared, absolute, pinball:0.9, log or brier")
    add("--learner", default="auto", help="a learner of experts, such as boa; default: by the loss")
    add("--combine", default="convex", help="convex, nonnegative or bounded combinations")
    add("--radius", type=float, default=2.0, help="of these: the largest sum of coefficients")
    add("--intercept", type=float, default=0.0, help="of bounded ones: size of a constant")
    add("--separator", help="of the cells; default: told by them")
    add("--decimal", help="mark, . or ,; default: told by the cells")
    add("--out", type=Path, default=Path("runs/forecasting"), help="folder for what is written")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
