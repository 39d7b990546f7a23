"""One search: a sampler on a problem, with a file of its own, so that a run can be continued."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from experts.numerics.files import replace
from experts.optuna import ExpertsSampler
from studies.black_box.problems import Problem


def tpe_group(seed: int) -> BaseSampler:
    """TPE of groups: parameters that occur together are sampled together."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(seed=seed, multivariate=True, group=True)


SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "experts": lambda seed: ExpertsSampler(seed=seed),
    "random": RandomSampler,
    "tpe": lambda seed: TPESampler(seed=seed),
    "tpe-group": tpe_group,
    "tpe-independent": lambda seed: TPESampler(seed=seed, multivariate=False),
    "gp": lambda seed: GPSampler(seed=seed, warn_independent_sampling=False),
}
"""A sampler with its seed, by name. TPE is multivariate by default since Optuna 5."""

Search = Mapping[str, list[float]]
"""`values`, `scores` and `seconds` (of CPU time, with the problem's own) of a study's trials."""


def search(problem: Problem, sampler: BaseSampler, queries: int) -> Search:
    """Run a study of so many trials."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    found: Search = {"values": [], "scores": [], "seconds": []}
    for _ in range(queries):
        start = time.process_time()
        trial = study.ask()
        value, score = problem(trial)
        study.tell(trial, value)
        for name, number in (("values", value), ("scores", score)):
            found[name].append(number)
        found["seconds"].append(time.process_time() - start)
    return found


def saved_search(folder: Path, problem: Problem, name: str, seed: int, queries: int) -> Search:
    """`search`, read from its file in `folder` if that is there, else written to it."""
    path = folder / f"{name}-{seed}-{queries}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(search(problem, SAMPLERS[name](seed), queries))
        replace(path, lambda target: target.write_text(text))
    found: Search = json.loads(path.read_text())
    return found
