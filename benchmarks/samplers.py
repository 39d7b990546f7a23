"""Time of a trial of Optuna's studies: this project's sampler beside Optuna's own, on one core.

    python benchmarks/samplers.py --out DIR [--smoke]   (pip install 'experts-xnas[optuna]' torch)

Milliseconds of CPU time from `ask` to `tell` with an objective that costs nothing, in a study with
so many finished random trials: medians over some trials after the first, in which a sampler takes
in what was there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler

sys.path.pop(0)  # a file beside this one has the package's name and would be found first

from experts.optuna import ExpertsSampler


class Case(NamedTuple):
    """A study: parameters of so many options, so many trials before."""

    dimensions: int
    options: int
    trials: int
    peers: tuple[type[BaseSampler], ...]

    def __str__(self) -> str:
        return f"{self.dimensions} parameters of {self.options} options, {self.trials} trials"


CASES = (
    Case(6, 5, 300, (TPESampler, GPSampler)),
    Case(30, 2, 300, (TPESampler, GPSampler)),
    Case(100, 5, 3000, (TPESampler,)),
)
SMOKE = (Case(3, 2, 5, (TPESampler,)),)


def main() -> None:
    """Time all cases, write result.json, print the table last."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/samplers"))
    parser.add_argument("--smoke", action="store_true", help="tiny: to see that it works")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    records = []
    for case in SMOKE if options.smoke else CASES:
        ours = milliseconds(case, ExpertsSampler(seed=0))
        for peer in case.peers:
            theirs = milliseconds(case, peer(seed=0))
            label = f"{case} vs {peer.__name__}"
            records.append({"case": label, "ours": ours, "peer": theirs, "ratio": theirs / ours})
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(records, indent=2) + "\n")
    print("milliseconds a trial, one core; ratio: times faster")
    print(f"{'case':<64}{'ours':>9}{'peer':>9}{'ratio':>8}")
    for r in records:
        print(f"{r['case']:<64}{r['ours']:>9.2f}{r['peer']:>9.2f}{r['ratio']:>8.2f}")


def milliseconds(case: Case, sampler: BaseSampler, repeats: int = 7) -> float:
    """Median CPU time of a trial."""
    rng = np.random.default_rng(0)
    distribution = CategoricalDistribution(range(case.options))
    space = {f"x{i}": distribution for i in range(case.dimensions)}
    effects = rng.standard_normal((case.dimensions, case.options))

    def value(params: dict[str, Any]) -> float:
        return float(sum(row[o] for row, o in zip(effects, params.values(), strict=True)))

    study = optuna.create_study(sampler=sampler)
    for row in rng.integers(case.options, size=(case.trials, case.dimensions)).tolist():
        params = dict(zip(space, row, strict=True))
        study.add_trial(
            optuna.create_trial(params=params, distributions=space, value=value(params))
        )
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        trial = study.ask()
        params = {name: trial.suggest_categorical(name, distribution.choices) for name in space}
        study.tell(trial, value(params))
        seconds.append(time.process_time() - start)
    return 1000 * statistics.median(seconds[1:])


if __name__ == "__main__":
    main()
