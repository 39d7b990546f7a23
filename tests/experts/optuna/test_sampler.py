"""What Optuna's users expect of a sampler, and of this one."""

from __future__ import annotations

import itertools
import math
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna import Study, Trial, TrialPruned
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler
from optuna.trial import TrialState

from experts.optuna import ExpertsSampler

SUGGEST: dict[str, Callable[[Trial, str], Any]] = {
    "categorical": lambda trial, name: trial.suggest_categorical(name, (3, None, "x", 0.5)),
    "boolean": lambda trial, name: trial.suggest_categorical(name, (False, True)),
    "equal choices": lambda trial, name: trial.suggest_categorical(name, (1, True, 1.0)),
    "integer": lambda trial, name: trial.suggest_int(name, -3, 4),
    "integer, step": lambda trial, name: trial.suggest_int(name, 1, 10, step=3),
    "integer, log": lambda trial, name: trial.suggest_int(name, 1, 100, log=True),
    "float": lambda trial, name: trial.suggest_float(name, -1, 1),
    "float, step": lambda trial, name: trial.suggest_float(name, -10.2, 10.2, step=0.6),
    "float, log": lambda trial, name: trial.suggest_float(name, 1e-7, 1, log=True),
    "single": lambda trial, name: trial.suggest_float(name, 0.5, 0.5),
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    yield
    optuna.logging.disable_propagation()
    optuna.logging.enable_default_handler()


def new_study(sampler: BaseSampler | None = None, **settings: Any) -> Study:
    return optuna.create_study(sampler=sampler or ExpertsSampler(seed=0), **settings)


def params(study: Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def distinct(study: Study) -> int:
    return len({tuple(sorted(found.items())) for found in params(study)})


def distance(trial: Trial) -> float:
    """To the best of 600 points."""
    row = trial.suggest_int("row", 0, 9)
    column = trial.suggest_float("column", 0, 1, step=0.25)
    kind = trial.suggest_categorical("kind", ("a", "b", "c"))
    flag = trial.suggest_categorical("flag", (False, True))
    more = trial.suggest_categorical("more", (0, 1))
    return abs(row - 6) + 2 * abs(column - 0.75) + (kind != "b") + 2 * flag + (more == 0)


BEST = {"row": 6, "column": 0.75, "kind": "b", "flag": False, "more": 1}


PAIRS = list(itertools.combinations_with_replacement(SUGGEST, 2))


@pytest.mark.parametrize("both", PAIRS, ids=" and ".join)
def test_values_are_of_their_distributions(both: tuple[str, str]) -> None:
    study = new_study(ExpertsSampler(seed=0, warn_independent_sampling=False))

    def objective(trial: Trial) -> float:
        values = [SUGGEST[kind](trial, name) for kind, name in zip(both, "xy", strict=True)]
        return float(sum(isinstance(value, str) or bool(value) for value in values))

    study.optimize(objective, n_trials=6)
    for trial in study.trials:
        assert trial.state == TrialState.COMPLETE
        for name, distribution in trial.distributions.items():
            value = trial.params[name]
            assert distribution._contains(distribution.to_internal_repr(value))
            assert type(value) in (bool, int, float, str, type(None))


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_it_finds_the_best_point_early(direction: str) -> None:
    sign = 1 if direction == "minimize" else -1
    study = new_study(direction=direction)
    study.optimize(lambda trial: sign * distance(trial), n_trials=60)
    assert study.best_params == BEST
    assert distinct(study) == 60


def test_every_point_once_then_repeats_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def objective(trial: Trial) -> float:
        return trial.suggest_int("a", 0, 3) - trial.suggest_float("b", 0, 1, step=0.1)

    study = new_study()
    study.optimize(objective, n_trials=44)
    assert distinct(study) == 44
    assert "all were tried" not in caplog.text
    study.optimize(objective, n_trials=2)
    assert "all were tried" in caplog.text
    assert len(study.trials) == 46


def test_points_of_a_noisy_objective_are_repeated() -> None:
    study = new_study(ExpertsSampler(seed=0, noisy=True))
    study.optimize(lambda trial: trial.suggest_int("a", 0, 3) + trial.number / 100, n_trials=30)
    assert [found["a"] for found in params(study)].count(0) > 7


def branches(trial: Trial) -> float:
    """One of 2 + 3 + 4 * (1 + 3) points."""
    model = trial.suggest_categorical("model", ("linear", "tree", "net"))
    if model == "linear":
        return 1.0 + trial.suggest_categorical("intercept", (False, True))
    if model == "tree":
        return float(trial.suggest_int("depth", 1, 3))
    layers, width = trial.suggest_int("layers", 1, 2), trial.suggest_int("width", 1, 4)
    dropout = trial.suggest_float("dropout", 0.1, 0.3, step=0.1) if layers > 1 else 0.0
    return abs(width - 3) + abs(dropout - 0.2) + 0.01 * layers


def test_conditional_parameters_are_searched_without_repeats(
    caplog: pytest.LogCaptureFixture,
) -> None:
    study = new_study()
    study.optimize(branches, n_trials=21)
    assert distinct(study) == 21
    assert study.best_params == {"model": "net", "layers": 1, "width": 3} or study.best_value < 0.03
    assert not caplog.records or "independently" not in caplog.text


def test_a_parameter_of_no_explained_conditions_is_left_to_the_independent_sampler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def objective(trial: Trial) -> float:
        a = trial.suggest_int("a", 0, 3)
        return a + (trial.suggest_int("b", 0, 1) if trial.number % 3 else 0)

    study = new_study()
    study.optimize(objective, n_trials=12)
    assert "`b`" in caplog.text
    assert "no conditions" in caplog.text
    assert "`a`" not in caplog.text


@pytest.mark.parametrize(("low", "high"), [(0, 5), (0, 20), (20, 30)])
def test_ranges_may_change(low: int, high: int, caplog: pytest.LogCaptureFixture) -> None:
    def objective(trial: Trial, low: int, high: int) -> float:
        return trial.suggest_int("x", low, high) + trial.suggest_int("y", 0, 3)

    study = new_study()
    study.optimize(lambda trial: objective(trial, 0, 10), n_trials=5)
    study.optimize(lambda trial: objective(trial, low, high), n_trials=6)
    assert all(low <= found["x"] <= high for found in params(study)[5:])
    assert "`x`" in caplog.text
    assert "changes" in caplog.text
    assert "`y`" not in caplog.text


@pytest.mark.parametrize("warn", [True, False])
def test_the_warning_of_independent_sampling(warn: bool, caplog: pytest.LogCaptureFixture) -> None:
    study = new_study(ExpertsSampler(seed=0, warn_independent_sampling=warn))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert "independently" not in caplog.text  # nothing was known of x
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert ("`x`" in caplog.text) == warn
    assert ("RandomSampler" in caplog.text) == warn


def test_another_independent_sampler() -> None:
    sampler = ExpertsSampler(
        seed=0,
        independent_sampler=TPESampler(seed=0, multivariate=False, n_startup_trials=5),
        warn_independent_sampling=False,
    )
    study = new_study(sampler)
    study.optimize(
        lambda trial: abs(trial.suggest_float("x", 0, 1) - 0.3) + trial.suggest_int("y", 0, 2),
        n_trials=40,
    )
    assert study.best_value < 0.05


def test_the_same_seed_the_same_trials() -> None:
    first, second, other = (new_study(ExpertsSampler(seed=seed)) for seed in (1, 1, 2))
    for study in (first, second, other):
        study.optimize(distance, n_trials=12)
    assert params(first) == params(second)
    assert params(first) != params(other)


def test_without_a_seed_every_sampler_is_another() -> None:
    first, second = new_study(ExpertsSampler()), new_study(ExpertsSampler())
    for study in (first, second):
        study.optimize(distance, n_trials=12)
    assert params(first) != params(second)


def test_reseeding_changes_the_samples() -> None:
    first, second = new_study(), new_study()
    for study in (first, second):
        study.optimize(distance, n_trials=3)
    second.sampler.reseed_rng()
    for study in (first, second):
        study.optimize(distance, n_trials=10)
    assert params(first)[:3] == params(second)[:3]
    assert params(first) != params(second)


def test_a_resumed_study_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    whole = new_study()
    whole.optimize(branches, n_trials=15)
    for count in (1, 4, 10):
        part = optuna.create_study(
            storage=storage, study_name="s", load_if_exists=True, sampler=ExpertsSampler(seed=0)
        )
        part.optimize(branches, n_trials=count)
    assert params(part) == params(whole)


def test_a_pickled_sampler_goes_on() -> None:
    study, copied = new_study(), new_study()
    for each in (study, copied):
        each.optimize(distance, n_trials=6)
    copied.sampler = pickle.loads(pickle.dumps(copied.sampler))
    for each in (study, copied):
        each.optimize(distance, n_trials=6)
    assert params(study) == params(copied)


def test_one_sampler_for_two_studies() -> None:
    sampler = ExpertsSampler(seed=0)
    first, second, alone = new_study(sampler), new_study(sampler), new_study()
    alone.optimize(distance, n_trials=6)
    second.optimize(branches, n_trials=1)
    first.enqueue_trial(params(alone)[0])
    for _ in range(6):
        first.optimize(distance, n_trials=1)
        second.optimize(branches, n_trials=1)
    assert params(first) == params(alone)


def test_two_threads_do_not_ask_for_the_same() -> None:
    study = new_study()
    study.optimize(distance, n_trials=1)
    study.optimize(distance, n_trials=40, n_jobs=2)
    assert len(study.trials) == distinct(study) == 41


def test_running_trials_of_others_are_not_repeated() -> None:
    storage = optuna.storages.InMemoryStorage()
    first = new_study(storage=storage, study_name="s")
    first.optimize(distance, n_trials=2)
    second = optuna.load_study(storage=storage, study_name="s", sampler=ExpertsSampler(seed=0))
    for study in (first, second) * 10:
        distance(study.ask())
    assert distinct(first) == 22


def test_two_processes_on_one_file(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = new_study(storage=storage, study_name="s")
    study.optimize(lambda trial: trial.suggest_int("x", 0, 63), n_trials=1)
    script = (
        "import optuna; from experts.optuna import ExpertsSampler\n"
        f"study = optuna.load_study(storage={storage!r}, study_name='s',"
        " sampler=ExpertsSampler(seed=0))\n"
        "study.optimize(lambda trial: trial.suggest_int('x', 0, 63), n_trials=5)"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 11
    assert distinct(study) > 6  # more than either has found alone


def test_enqueued_trials_are_run_and_learnt_from() -> None:
    study = new_study()
    study.optimize(distance, n_trials=3)
    study.enqueue_trial(BEST)
    study.enqueue_trial({"row": 0})
    study.optimize(distance, n_trials=20)
    assert study.trials[3].params == BEST
    assert study.trials[4].params["row"] == 0
    assert BEST not in params(study)[4:]


def test_an_enqueued_value_out_of_range_is_no_point_of_the_search() -> None:
    study = new_study()
    study.enqueue_trial({"x": 9})
    with pytest.warns(UserWarning, match="out of range"):
        study.optimize(lambda trial: trial.suggest_int("x", 0, 3), n_trials=1)
    study.optimize(lambda trial: trial.suggest_int("x", 0, 3), n_trials=4)
    assert sorted(found["x"] for found in params(study)[1:]) == [0, 1, 2, 3]


def test_failures_are_neither_fatal_nor_repeated() -> None:
    def objective(trial: Trial) -> float:
        x = trial.suggest_int("x", 0, 9)
        trial.suggest_int("y", 0, 1)
        if x == 7:
            raise FloatingPointError
        return math.nan if x == 8 else -float(x)

    study = new_study()
    study.optimize(objective, n_trials=20, catch=FloatingPointError)
    assert distinct(study) == 20
    assert study.best_value == -9
    failed = [trial.params["x"] for trial in study.trials if trial.state == TrialState.FAIL]
    assert sorted(failed) == [7, 7, 8, 8]


def test_infinite_values_are_the_worst_or_the_best() -> None:
    study = new_study()
    study.optimize(lambda t: t.suggest_int("x", 0, 9) * math.inf if t.number else 0.0, n_trials=0)
    study.optimize(
        lambda trial: math.inf if trial.suggest_int("x", 0, 9) else -math.inf, n_trials=10
    )
    assert distinct(study) == 10
    assert study.best_params == {"x": 0}


def test_pruned_trials() -> None:
    def objective(trial: Trial) -> float:
        value = distance(trial)
        trial.report(value + 1, step=0)
        if value > 4:
            raise TrialPruned
        return value

    study = new_study()
    study.optimize(objective, n_trials=70)
    assert distinct(study) == 70
    assert study.best_params == BEST


@pytest.mark.parametrize(
    "pruner",
    [optuna.pruners.HyperbandPruner(), optuna.pruners.MedianPruner()],
    ids=["hyperband", "median"],
)
def test_pruners(pruner: optuna.pruners.BasePruner) -> None:
    def objective(trial: Trial) -> float:
        value = distance(trial)
        for step in range(9):
            trial.report(value + 9 - step, step)
            if trial.should_prune():
                raise TrialPruned
        return value

    study = new_study(pruner=pruner)
    study.optimize(objective, n_trials=20)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_trials_that_violate_a_constraint_are_not_followed() -> None:
    def objective(trial: Trial) -> float:
        value = distance(trial)
        trial.set_constraint("row", trial.params["row"] - 3)
        return value

    study = new_study()
    study.optimize(objective, n_trials=60)
    assert study.best_params == BEST | {"row": 3}


def test_fixed_parameters() -> None:
    study = new_study()
    study.optimize(distance, n_trials=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = PartialFixedSampler({"row": 2}, study.sampler)
    study.optimize(distance, n_trials=4)
    assert [found["row"] for found in params(study)[4:]] == [2] * 4


def test_trials_that_were_added() -> None:
    study = new_study()
    source = new_study()
    source.optimize(distance, n_trials=5)
    study.add_trials(source.trials)
    study.optimize(distance, n_trials=10)
    assert distinct(study) == 15


def test_several_objectives_are_refused() -> None:
    study = new_study(directions=["minimize", "maximize"])
    with pytest.raises(ValueError, match=r"multi-objective.*ExpertsSampler"):
        study.ask().suggest_int("x", 0, 1)
