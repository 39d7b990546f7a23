#!/usr/bin/env python3
"""Combining forecasts: our learners beside sktime's ensembles, a ridge regression, and the mean.

All of them combine the same forecasts row by row, before the row's observation is known, with their
default settings. With price relatives of stocks: the wealth of portfolios that learners choose.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common.command import at_least, run_command
from common.output import table, write_picture, write_result
from studies.forecasting.rivals import rivals
from studies.forecasting.tables import QUANTILE, Forecasts, electric, load, made_up, stocks

import experts
from experts.forecasting import OnlineAggregator, best_mixture, score_table
from experts.forecasting.scores import HINDSIGHT, UNIFORM
from nas_adapter.errors import UserError

LOSSES = ("squared", "absolute", QUANTILE)
LEARNERS = ("ml_poly", "boa", "ml_prod", "squint", "normal_hedge", "adahedge")
FIRST = "ml_poly"
"""The default of `OnlineAggregator`, with which all are compared."""
BEST = "best single forecaster (hindsight)"


@dataclass(frozen=True)
class Config:
    """Our learners beside other ways to combine forecasts."""

    electric: Path | None = None
    """CSV file of opera's weekly load: the columns target, gam, ar, gbm, and day, month, year."""
    load: Path | None = None
    """CSV file of opera's load and its covariates: forecasters are fitted to its first half."""
    stocks: Path | None = None
    """CSV file of price relatives, without names: rows are days, columns stocks."""
    rows: int = 1000
    """Rows of a made-up table, which is always there."""
    seed: int = 0
    """Seed of that table."""
    out: Path = Path("runs/forecasting")
    """Folder for result.json and the pictures."""
    smoke: bool = False
    """A tiny run, to see that everything works."""

    def __post_init__(self) -> None:
        at_least(self, rows=20, seed=0)


def main(config: Config) -> None:
    """Combine everything, write result.json and the pictures, print the tables."""
    rows = 60 if config.smoke else config.rows
    records: list[dict[str, Any]] = []
    try:
        for loss in LOSSES:
            tables = {"made up": made_up(rows, config.seed)}
            if config.electric is not None:
                tables["electric"] = electric(config.electric)
            if config.load is not None:
                tables["load"] = load(config.load, loss)
            for name, given in tables.items():
                records += compared(name, given, loss)
                if loss == LOSSES[0]:
                    write_picture(config.out, f"{name.replace(' ', '_')}.png", picture(given))
        if config.stocks is not None:
            records += portfolios(stocks(config.stocks))
    except (ValueError, OSError, KeyError) as error:
        raise UserError(str(error)) from error
    write_result(config.out, records)
    for name in dict.fromkeys(r["data"] for r in records if r["loss"] != "log"):
        print(f"{name}: - better than {FIRST}, + worse; without a mark it may be chance")
        print(f"{as_text(name, records)}\n")
    wealth = [record for record in records if record["loss"] == "log"]
    if wealth:
        print(table(wealth, ("data", "combined_by", "wealth", "regret", "bound")))
    if not any(record["combined_by"].startswith("sktime") for record in records):
        print("sktime is not installed: its ensembles are left out")
    print(f"written to {config.out}")


def compared(name: str, given: Forecasts, loss: str) -> list[dict[str, Any]]:
    """One record for each way to combine."""
    x, y = given.forecasts, given.observed
    ways = {each: OnlineAggregator(each, loss).fit_predict(x, y) for each in LEARNERS}
    plain = OnlineAggregator("boa", loss, gradient=False)
    ways["boa, without gradients"] = plain.fit_predict(x, y)
    for each in LEARNERS:
        wide = OnlineAggregator(each, loss, combine="nonnegative")
        ways[f"{each}, nonnegative"] = wide.fit_predict(x, y)
    if loss == "squared":
        ways["nnls"] = OnlineAggregator("nnls", loss, combine="nonnegative").fit_predict(x, y)
    ways |= {each: combine(x, y) for each, combine in rivals(loss).items()}
    ways[UNIFORM] = x.mean(axis=1)
    ways[HINDSIGHT] = x @ best_mixture(x, y, loss).weights
    single = score_table(dict(zip(given.names, x.T, strict=True)), y, loss, against=given.names[0])
    ways[BEST] = x[:, given.names.index(single[0]["forecaster"])]
    return [
        {
            "data": name,
            "loss": loss,
            "rows": len(y),
            "combined_by": record["forecaster"],
            "score": record["score"],
            "more_than_first": record["difference"],
            "low_95": record["low"],
            "high_95": record["high"],
        }
        for record in score_table(ways, y, loss, against=FIRST)
    ]


def as_text(name: str, records: list[dict[str, Any]]) -> str:
    """A line for each way to combine, a column for each loss; the first column's order."""
    lines: dict[str, dict[str, Any]] = {}
    for r in records:
        if r["data"] == name:
            mark = "-" if r["high_95"] < 0 else "+" if r["low_95"] > 0 else " "
            line = lines.setdefault(r["combined_by"], {"combined_by": r["combined_by"]})
            line[r["loss"]] = f"{r['score']:.4g} {mark}"
    return table(list(lines.values()), ("combined_by", *LOSSES))


def picture(given: Forecasts) -> Any:
    """What `plot` draws for a table."""
    model = OnlineAggregator(FIRST).fit(given.forecasts, given.observed, time=given.time)
    return model.plot(given.names)


def portfolios(relatives: np.ndarray) -> list[dict[str, Any]]:
    """Wealth from 1 of portfolios that are rebalanced every day, and regrets in log wealth."""
    ones = np.ones(len(relatives))
    fixed = best_mixture(relatives, ones, "log")
    records = [
        {"combined_by": "best fixed mixture (hindsight)", "wealth": np.exp(-fixed.loss)},
        {"combined_by": "best stock (hindsight)", "wealth": relatives.prod(axis=0).max()},
        {"combined_by": "equal shares", "wealth": relatives.mean(axis=1).prod()},
    ]
    learners: dict[str, Any] = {"EG, eta = 0.05": experts.exponentiated_gradient(eta=0.05)}
    learners |= {name: name for name in (*LEARNERS, "aggregating")}
    for name, learner in learners.items():
        model = OnlineAggregator(learner, "log")
        wealth = float(np.prod(model.fit_predict(relatives, ones)))
        record = {"combined_by": name, "wealth": wealth, "regret": np.log(1 / wealth) - fixed.loss}
        if name != "aggregating":  # whose certificate bounds regrets to single stocks
            record["bound"] = float(fixed.weights @ model.certificate_)
        records.append(record)
    records.sort(key=lambda record: -record["wealth"])
    return [{"data": "stocks", "loss": "log", "rows": len(relatives)} | each for each in records]


def command(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(Config, main, arguments)


if __name__ == "__main__":
    sys.exit(command())
