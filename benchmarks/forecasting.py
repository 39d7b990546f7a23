"""Rows a second of `OnlineAggregator`, beside plain numpy loops and river's EWARegressor.

    python benchmarks/forecasting.py --out DIR [--smoke]        (pip install 'experts-xnas[bench]')

A table of 10**6 rows x 10 forecasts, squared loss, one core; the slow contenders play its first
rows. Rates are medians over repeats that take turns. Ours is a whole `fit`: checks, regrets,
certificate, and the history of all weights. A numpy loop computes the algorithm and the combined
forecasts, nothing else. River's learner is called as documented, with experts that read their
forecast from the row; like Hedge it has a fixed rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.pop(0)  # benchmarks/experts.py has the package's name and would be found first

import experts
from experts.forecasting import OnlineAggregator

COUNT = 10
ETA = 0.01

Run = Callable[[], Any]


def main() -> None:
    """Time all cases, write result.json, print the table last."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-forecasting"))
    parser.add_argument("--smoke", action="store_true", help="tiny: to see that it works")
    options = parser.parse_args()
    rows = 2000 if options.smoke else 1_000_000
    records = []
    for name, learner in (("ml_poly", "ml_poly"), ("hedge", experts.hedge(eta=ETA))):
        records += case(name, learner, rows, repeats=1 if options.smoke else 5)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(records, indent=2) + "\n")
    print("rows per second, one core")
    print(f"{'case':<44}{'ours':>12}{'peer':>12}{'ratio':>9}")
    for r in records:
        print(f"{r['case']:<44}{r['ours']:>12,.0f}{r['peer']:>12,.0f}{r['ratio']:>9.2f}")


def case(name: str, learner: Any, rows: int, repeats: int) -> list[dict[str, Any]]:
    """Records of one learner, one for each peer."""
    rng = np.random.default_rng(0)
    observed = rng.normal(size=rows)
    forecasts = observed[:, None] + rng.normal(size=(rows, COUNT))
    few, fewer = max(rows // 50, 100), max(rows // 500, 100)
    contenders: dict[str, tuple[Run, int]] = {
        "ours": (lambda: OnlineAggregator(learner).fit(forecasts, observed), rows),
        "numpy loop": (lambda: LOOPS[name](forecasts[:few], observed[:few]), few),
    }
    if name == "hedge":
        contenders["river"] = (lambda: river(forecasts[:fewer], observed[:fewer]), fewer)
    seconds: dict[str, list[float]] = {peer: [] for peer in contenders}
    for turn in range(repeats + 1):  # the first is to warm up
        for peer, (run, _) in contenders.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[peer].append(time.perf_counter() - start)
    rates = {peer: n / statistics.median(seconds[peer]) for peer, (_, n) in contenders.items()}
    ours = rates.pop("ours")
    label = f"{name} K={COUNT} rows={rows}"
    return [
        {"case": f"{label} vs {peer}", "ours": ours, "peer": rate, "ratio": ours / rate}
        for peer, rate in rates.items()
    ]


def numpy_hedge(forecasts: Any, observed: Any) -> Any:
    """Exponential weights on the gradients."""
    total, combined = np.zeros(COUNT), np.empty(len(observed))
    for t, (x, y) in enumerate(zip(forecasts, observed, strict=True)):
        p = np.exp(-ETA * (total - total.min()))
        p /= p.sum()
        combined[t] = p @ x
        total += 2 * (combined[t] - y) * x
    return combined


def numpy_ml_poly(forecasts: Any, observed: Any) -> Any:
    """opera's MLpol on the gradients."""
    regret, square, reach = np.zeros(COUNT), np.zeros(COUNT), 0.0
    combined = np.empty(len(observed))
    for t, (x, y) in enumerate(zip(forecasts, observed, strict=True)):
        p = np.maximum(regret, 0) / (reach**2 + square + 1e-300)
        p = p / p.sum() if p.any() else np.full(COUNT, 1 / COUNT)
        combined[t] = p @ x
        r = 2 * (combined[t] - y) * (combined[t] - x)
        regret += r
        square += r**2
        reach = max(reach, np.abs(r).max())
    return combined


LOOPS: dict[str, Callable[[Any, Any], Any]] = {"hedge": numpy_hedge, "ml_poly": numpy_ml_poly}


def river(forecasts: Any, observed: Any) -> None:
    """EWARegressor over experts that know their column of the row."""
    from river import base, ensemble, optim  # noqa: PLC0415  (optional)

    class Given(base.Regressor):  # type: ignore[misc]
        def __init__(self, column: int) -> None:
            self.column = column

        def learn_one(self, x: Any, y: Any) -> None:
            """Nothing to learn."""

        def predict_one(self, x: Any) -> float:
            return float(x[self.column])

    models = [Given(k) for k in range(COUNT)]
    learner = ensemble.EWARegressor(models, loss=optim.losses.Squared(), learning_rate=ETA)
    for row, y in zip(forecasts.tolist(), observed.tolist(), strict=True):
        x = dict(enumerate(row))
        learner.predict_one(x)
        learner.learn_one(x, y)


if __name__ == "__main__":
    main()
